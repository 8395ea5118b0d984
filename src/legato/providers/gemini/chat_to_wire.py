"""Gemini request bodies from the canonical form."""

import re
from typing import Any

from legato.core.chat import ChatRequest, Text, Tool
from legato.core.documents import refuse_citing
from legato.core.errors import InvalidRequest
from legato.providers.base import Target
from legato.providers.gemini.contents import Writer
from legato.providers.gemini.service import Service
from legato.providers.gemini.settings import Options

_GENERATION = re.compile(r"gemini-(\d+)")
_LEVELS_SINCE = 3
"""Generation that is told how much to think by level; earlier ones by a budget of tokens."""
_LEVELS = {
    "none": "minimal",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
# As Google's own layer for OpenAI's clients has them.
_BUDGETS = {
    "none": 0,
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 24576,
    "max": 24576,
}
_MODALITIES = frozenset({"text", "image"})
"""Of answers: sound has no place in any caller's dialect as Google has it."""
_STOPS_MAX = 5
_SEED_MAX = 2**31 - 1


def chat_body(
    chat: ChatRequest, target: Target, service: Service, options: Options
) -> dict[str, Any]:
    """Write the body of `:generateContent`.

    Raises:
        InvalidRequest: naming a field this dialect hasn't, unless such may be dropped.
    """
    if not chat.drop_unsupported:
        _refuse_unsupported(chat)
    by_level = _thinks_by_level(target.model)
    writer = Writer(signs_calls=by_level, needs_type=service.needs_media_type)
    config = _config(chat, target, by_level=by_level, shows=options.include_thoughts)
    fields: dict[str, Any] = {
        "systemInstruction": _system(chat.system),
        "tools": _tools(chat.tools),
        "toolConfig": _tool_config(chat),
        "safetySettings": [
            {"category": one.category, "threshold": one.threshold}
            for one in options.safety_settings
        ],
        "generationConfig": config,
    }
    return {
        "contents": writer.contents(chat.messages),
        **{name: value for name, value in fields.items() if value},
    }


def _refuse_unsupported(chat: ChatRequest) -> None:
    """Refuse what Gemini hasn't. `user` is a label for the vendor's books: no loss."""
    asked = {
        "parallel_tool_calls": bool(chat.tools) and chat.parallel_tool_calls is False,
        "stop": len(chat.stop) > _STOPS_MAX,
        "seed": not _is_seed(chat.seed),
        "reasoning_effort": chat.reasoning_effort not in {None, *_LEVELS},
        "verbosity": chat.verbosity not in {None, "medium"},
        "modalities": not _MODALITIES.issuperset(chat.modalities),
    }
    refuse_citing(chat.messages)
    for field, is_asked in asked.items():
        if is_asked:
            raise InvalidRequest(
                f"{field}: the provider behind this model can't carry this value", param=field
            )


def _is_seed(seed: int | None) -> bool:
    """Whether it is none, or fits into Google's int32."""
    return seed is None or -_SEED_MAX - 1 <= seed <= _SEED_MAX


def _thinks_by_level(model: str) -> bool:
    """Whether a model is of Gemini 3 or later; a name that tells no generation is the newest."""
    generation = _GENERATION.search(model)
    return generation is None or int(generation[1]) >= _LEVELS_SINCE


def _system(texts: tuple[Text, ...]) -> dict[str, Any] | None:
    parts = [{"text": text.text} for text in texts if text.text]
    return {"parts": parts} if parts else None


def _tools(tools: tuple[Tool, ...]) -> list[dict[str, Any]]:
    return [{"functionDeclarations": [_function(tool) for tool in tools]}] if tools else []


def _function(tool: Tool) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": tool.name, "description": tool.description}
    if tool.parameters:
        wire["parametersJsonSchema"] = tool.parameters
    return wire


def _tool_config(chat: ChatRequest) -> dict[str, Any] | None:
    """`strict` has its place here: VALIDATED is AUTO that keeps to the schemas."""
    if not chat.tools:
        return None
    choice = chat.tool_choice
    mode = "auto" if choice is None else choice.mode
    config: dict[str, Any]
    if choice is not None and mode == "tool":
        config = {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    elif mode == "auto" and any(tool.strict for tool in chat.tools):
        config = {"mode": "VALIDATED"}
    elif choice is None:
        return None
    else:
        config = {"mode": {"auto": "AUTO", "none": "NONE", "required": "ANY"}[mode]}
    return {"functionCallingConfig": config}


def _config(chat: ChatRequest, target: Target, *, by_level: bool, shows: bool) -> dict[str, Any]:
    output = chat.output_format
    scores = bool(chat.logprobs)
    fields: dict[str, Any] = {
        "maxOutputTokens": target.output_tokens_max or chat.max_output_tokens,
        "temperature": chat.temperature,
        "topP": chat.top_p,
        "topK": chat.top_k,
        "stopSequences": list(chat.stop[:_STOPS_MAX]) or None,
        "seed": chat.seed if _is_seed(chat.seed) else None,
        "candidateCount": chat.choices if chat.choices > 1 else None,
        "presencePenalty": chat.presence_penalty,
        "frequencyPenalty": chat.frequency_penalty,
        "responseLogprobs": True if scores else None,
        "logprobs": chat.top_logprobs if scores else None,
        "responseMimeType": None if output is None else "application/json",
        "responseJsonSchema": None if output is None else output.schema,
        "responseModalities": [one.upper() for one in chat.modalities if one in _MODALITIES]
        or None,
        "thinkingConfig": _thinking(chat, by_level=by_level, shows=shows),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _thinking(chat: ChatRequest, *, by_level: bool, shows: bool) -> dict[str, Any] | None:
    """Level and budget exclude each other: an effort is carried by what the model goes by."""
    effort = chat.reasoning_effort if chat.reasoning_effort in _LEVELS else None
    budget = chat.thinking_budget_tokens
    if effort is None and budget is None:
        return None
    config: dict[str, Any]
    if effort is not None and (by_level or budget is None):
        config = (
            {"thinkingLevel": _LEVELS[effort]} if by_level else {"thinkingBudget": _BUDGETS[effort]}
        )
    else:
        config = {"thinkingBudget": budget}
    if shows and effort != "none":
        config["includeThoughts"] = True
    return config
