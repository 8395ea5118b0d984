"""Anthropic request bodies from the canonical form."""

from typing import Any

import msgspec

from legato.core.chat import (
    ChatRequest,
    Document,
    Image,
    Message,
    OutputFormat,
    Part,
    RedactedThinking,
    Role,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
)
from legato.core.errors import InvalidRequest
from legato.core.foreign import is_foreign
from legato.core.pictures import without_pictures
from legato.providers.anthropic.cache_hints import marked
from legato.providers.anthropic.documents import document_block
from legato.providers.anthropic.thinking import EFFORTS, effort, thinking
from legato.providers.base import NOT_REPEATED, Target

_MAX_TOKENS_DEFAULT = 4096
"""Anthropic requires a bound; OpenAI's callers needn't give one."""
_COUNTED = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"}
)
_EMPTY_SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}


def chat_body(chat: ChatRequest, target: Target) -> dict[str, Any]:
    """Write a chat request.

    Raises:
        InvalidRequest: naming a field this dialect hasn't, unless such may be dropped.
    """
    if not chat.drop_unsupported:
        _refuse_unsupported(chat)
    bound = target.output_tokens_max or chat.max_output_tokens
    thinks = thinking(chat, target.model, bound)
    if bound is None:
        bound = _MAX_TOKENS_DEFAULT + (thinks or {}).get("budget_tokens", 0)
    fields: dict[str, Any] = {
        "system": _system(chat.system),
        "temperature": None if chat.temperature is None else min(chat.temperature, 1),
        "top_p": chat.top_p,
        "top_k": chat.top_k,
        "stop_sequences": list(chat.stop) or None,
        "tools": [_tool(tool) for tool in chat.tools] or None,
        "tool_choice": _tool_choice(chat),
        "thinking": thinks,
        "output_config": _output_config(chat, target.model),
        "metadata": None if chat.user is None else {"user_id": chat.user},
        "stream": chat.stream or None,
    }
    wire = {
        "model": target.model,
        "max_tokens": bound,
        "messages": _messages(without_pictures(chat)),
        **{name: value for name, value in fields.items() if value is not None},
    }
    return wire if target.repeated is NOT_REPEATED else marked(wire, target.repeated)


def counted_body(chat: ChatRequest, target: Target) -> dict[str, Any]:
    """Write what is counted of a chat request; the rest would be refused. Raises InvalidRequest."""
    body = chat_body(chat, target)
    return {name: value for name, value in body.items() if name in _COUNTED}


def _refuse_unsupported(chat: ChatRequest) -> None:
    """Refuse what OpenAI has and Anthropic hasn't; a value that says "off" asks for nothing."""
    output = chat.output_format
    asked = {
        "n": chat.choices > 1,
        "seed": chat.seed is not None,
        "logprobs": bool(chat.logprobs),
        "top_logprobs": bool(chat.top_logprobs),
        "presence_penalty": bool(chat.presence_penalty),
        "frequency_penalty": bool(chat.frequency_penalty),
        "temperature": chat.temperature is not None and chat.temperature > 1,
        "response_format": output is not None and output.schema is None,
        "reasoning_effort": chat.reasoning_effort not in {None, "none", *EFFORTS},
        "verbosity": chat.verbosity not in {None, "medium"},
        "modalities": bool(chat.modalities),
    }
    for field, is_asked in asked.items():
        if is_asked:
            raise InvalidRequest(
                f"{field}: the provider behind this model can't carry this value", param=field
            )


def _system(texts: tuple[Text, ...]) -> str | list[dict[str, Any]] | None:
    if not texts:
        return None
    if len(texts) == 1 and texts[0].cache_control is None:
        return texts[0].text
    return [_text(text) for text in texts]


def _tool(tool: Tool) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": tool.name, "input_schema": tool.parameters or _EMPTY_SCHEMA}
    if tool.description:
        wire["description"] = tool.description
    if tool.strict is not None:
        wire["strict"] = tool.strict
    return _with_cache_control(wire, tool.cache_control)


def _tool_choice(chat: ChatRequest) -> dict[str, Any] | None:
    """`parallel_tool_calls` has no place of its own here: it rides on the choice."""
    if not chat.tools:
        return None
    mode = chat.tool_choice.mode if chat.tool_choice is not None else "auto"
    if chat.tool_choice is None and chat.parallel_tool_calls is None:
        return None
    wire: dict[str, Any] = {"type": "any" if mode == "required" else mode}
    if mode == "tool" and chat.tool_choice is not None:
        wire["name"] = chat.tool_choice.name
    if mode != "none" and chat.parallel_tool_calls is not None:
        wire["disable_parallel_tool_use"] = not chat.parallel_tool_calls
    return wire


def _output_config(chat: ChatRequest, model: str) -> dict[str, Any] | None:
    config: dict[str, Any] = {}
    wanted = effort(chat, model)
    if wanted is not None:
        config["effort"] = wanted
    if isinstance(chat.output_format, OutputFormat) and chat.output_format.schema is not None:
        config["format"] = {"type": "json_schema", "schema": chat.output_format.schema}
    return config or None


def _messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Write the turns: neighbours of one role become one message, tool results before all else."""
    turns: list[tuple[Role, list[Part]]] = []
    for message in messages:
        if turns and turns[-1][0] is message.role:
            turns[-1][1].extend(message.parts)
        else:
            turns.append((message.role, list(message.parts)))
    wire = []
    for position, (role, parts) in enumerate(turns):
        parts.sort(key=lambda part: not isinstance(part, ToolResult))  # stable
        blocks = [_block(part, position) for part in parts if _has_block(part)]
        if blocks:
            wire.append({"role": role.value, "content": _plain(blocks)})
    return wire


def _has_block(part: Part) -> bool:
    """Anthropic refuses empty texts and reasoning it has not sealed itself."""
    if isinstance(part, Thinking):
        return bool(part.signature)
    if isinstance(part, RedactedThinking):
        return not is_foreign(part.data)
    return not isinstance(part, Text) or bool(part.text)


def _plain(blocks: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        text: str = blocks[0]["text"]
        return text
    return blocks


def _block(part: Part, position: int) -> dict[str, Any]:
    if isinstance(part, Text):
        return _text(part)
    if isinstance(part, Image):
        return _image(part)
    if isinstance(part, Document):
        return document_block(part, f"messages.{position}")
    if isinstance(part, ToolUse):
        arguments = _arguments(part, position)
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments}
    if isinstance(part, ToolResult):
        return _tool_result(part, position)
    if isinstance(part, Thinking):
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    if isinstance(part, RedactedThinking):
        return {"type": "redacted_thinking", "data": part.data}
    return {"type": "text", "text": part.text}  # a refusal is text here


def _arguments(use: ToolUse, position: int) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(use.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise InvalidRequest(
            "the arguments of a tool call are not a JSON object",
            param=f"messages.{position}.tool_calls",
        )
    return decoded


def _tool_result(result: ToolResult, position: int) -> dict[str, Any]:
    wire: dict[str, Any] = {"type": "tool_result", "tool_use_id": result.tool_use_id}
    blocks = [_block(item, position) for item in result.content]
    if blocks:
        wire["content"] = _plain(blocks)
    if result.is_error:
        wire["is_error"] = True
    return _with_cache_control(wire, result.cache_control)


def _text(text: Text) -> dict[str, Any]:
    return _with_cache_control({"type": "text", "text": text.text}, text.cache_control)


def _image(image: Image) -> dict[str, Any]:
    if image.url is not None:
        source = {"type": "url", "url": image.url}
    else:
        source = {"type": "base64", "media_type": image.media_type or "", "data": image.data or ""}
    return _with_cache_control({"type": "image", "source": source}, image.cache_control)


def _with_cache_control(wire: dict[str, Any], hint: dict[str, Any] | None) -> dict[str, Any]:
    if hint is not None:
        wire["cache_control"] = hint
    return wire
