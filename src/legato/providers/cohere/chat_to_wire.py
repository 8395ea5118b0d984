"""Cohere's chat requests from the canonical form.

Source: the vendor's package cohere 7.3, whose types are made from its API definition
(docs.cohere.com/reference/chat, v2); 2026-11-21.
"""

from collections.abc import Iterator
from typing import Any

from legato.core.chat import (
    ChatRequest,
    Document,
    Image,
    Message,
    OutputFormat,
    Refusal,
    Role,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
)
from legato.core.documents import as_texts, refuse_citing, refused_document
from legato.core.errors import InvalidRequest
from legato.core.pictures import without_pictures
from legato.providers.base import Target


def chat_body(chat: ChatRequest, target: Target) -> dict[str, Any]:
    """Write a chat request.

    Cache hints, signatures and the caller's `user` have no place here and are left out; they
    change what an answer costs or how it is checked, not what is asked.

    Raises:
        InvalidRequest: naming a field this dialect hasn't, unless such may be dropped.
    """
    if not chat.drop_unsupported:
        _refuse_unsupported(chat)
    bound = chat.max_output_tokens if target.output_tokens_max is None else target.output_tokens_max
    strict = any(tool.strict for tool in chat.tools)
    fields: dict[str, Any] = {
        "max_tokens": bound,
        "temperature": None if chat.temperature is None else min(chat.temperature, 1),
        "p": chat.top_p if chat.top_p is not None and chat.top_p < 1 else None,  # 1: no limit
        "k": chat.top_k,
        "stop_sequences": list(chat.stop) or None,
        "seed": chat.seed,
        "presence_penalty": max(chat.presence_penalty or 0, 0) or None,
        "frequency_penalty": max(chat.frequency_penalty or 0, 0) or None,
        "logprobs": chat.logprobs,
        "tools": [_tool(tool) for tool in chat.tools] or None,
        "strict_tools": strict or None,
        "tool_choice": _tool_choice(chat),
        "thinking": _thinking(chat),
        "response_format": _response_format(chat.output_format) if chat.output_format else None,
        "stream": chat.stream or None,
    }
    return {
        "model": target.model,
        "messages": list(_messages(chat)),
        **{name: value for name, value in fields.items() if value is not None},
    }


def _refuse_unsupported(chat: ChatRequest) -> None:
    refuse_citing(chat.messages)
    choice = chat.tool_choice
    asked = {
        "n": chat.choices > 1,
        "top_logprobs": bool(chat.top_logprobs),
        "temperature": chat.temperature is not None and chat.temperature > 1,
        "presence_penalty": (chat.presence_penalty or 0) < 0,
        "frequency_penalty": (chat.frequency_penalty or 0) < 0,
        "parallel_tool_calls": bool(chat.tools) and chat.parallel_tool_calls is False,
        "tool_choice": choice is not None and choice.mode == "tool" and len(chat.tools) > 1,
        "verbosity": chat.verbosity not in {None, "medium"},
        "modalities": bool(chat.modalities),
    }
    for field, is_asked in asked.items():
        if is_asked:
            raise InvalidRequest(
                f"{field}: the provider behind this model can't carry this value", param=field
            )


def _tool(tool: Tool) -> dict[str, Any]:
    parameters = tool.parameters or {"type": "object", "properties": {}}
    function: dict[str, Any] = {"name": tool.name, "parameters": parameters}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _tool_choice(chat: ChatRequest) -> str | None:
    """A named tool is a required one where it is the only one."""
    if not chat.tools or chat.tool_choice is None:
        return None
    mode = chat.tool_choice.mode
    if mode == "tool" and len(chat.tools) > 1:
        return None
    return {"none": "NONE", "required": "REQUIRED", "tool": "REQUIRED"}.get(mode)


def _thinking(chat: ChatRequest) -> dict[str, Any] | None:
    """Cohere has a budget but no effort: any effort but none switches reasoning on."""
    if chat.thinking_budget_tokens is not None:
        return {"type": "enabled", "token_budget": chat.thinking_budget_tokens}
    if chat.reasoning_effort is None:
        return None
    return {"type": "disabled" if chat.reasoning_effort == "none" else "enabled"}


def _response_format(output: OutputFormat) -> dict[str, Any]:
    if output.schema is None:
        return {"type": "json_object"}
    return {"type": "json_object", "json_schema": output.schema}


def _messages(chat: ChatRequest) -> Iterator[dict[str, Any]]:
    if chat.system:
        yield {"role": "system", "content": _content(list(chat.system))}
    for position, message in enumerate(as_texts(without_pictures(chat))):
        if message.role is Role.ASSISTANT:
            yield _assistant(message)
        else:
            yield from _user(message, position)


def _user(message: Message, position: int) -> Iterator[dict[str, Any]]:
    """Tool results become messages of their own, ahead of what they came with."""
    shown: list[Text | Image] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            texts = [item for item in part.content if isinstance(item, Text)]
            shown += [_shown(item, position) for item in part.content if item not in texts]
            yield {"role": "tool", "tool_call_id": part.tool_use_id, "content": _content(texts)}
        elif isinstance(part, Text | Image | Document):
            shown.append(_shown(part, position))
        else:
            raise InvalidRequest(
                "a user's message holds what only a model says", param=f"messages.{position}"
            )
    if shown:
        yield {"role": "user", "content": _content(shown)}


def _shown(part: Text | Image | Document, position: int) -> Text | Image:
    if isinstance(part, Document):
        raise refused_document("takes documents as text only", f"messages.{position}")
    return part


def _assistant(message: Message) -> dict[str, Any]:
    """Thoughts ahead of tool calls are Cohere's plan, ahead of an answer its thinking."""
    wire: dict[str, Any] = {"role": "assistant"}
    thought = "".join(part.text for part in message.parts if isinstance(part, Thinking))
    text = "".join(part.text for part in message.parts if isinstance(part, Text | Refusal))
    calls = [_call(part) for part in message.parts if isinstance(part, ToolUse)]
    blocks: list[dict[str, Any]] = []
    if calls:
        wire["tool_calls"] = calls
        if thought:
            wire["tool_plan"] = thought
    elif thought:
        blocks.append({"type": "thinking", "thinking": thought})
    if text:
        blocks.append({"type": "text", "text": text})
    if blocks or not calls:
        wire["content"] = text if len(blocks) < 2 and not thought else blocks  # noqa: PLR2004 -- both
    return wire


def _call(use: ToolUse) -> dict[str, Any]:
    function = {"name": use.name, "arguments": use.arguments or "{}"}
    return {"id": use.id, "type": "function", "function": function}


def _content(parts: list[Text] | list[Text | Image]) -> Any:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [
        {"type": "text", "text": part.text} if isinstance(part, Text) else _image(part)
        for part in parts
    ]


def _image(image: Image) -> dict[str, Any]:
    wire: dict[str, Any] = {"url": image.url or f"data:{image.media_type};base64,{image.data}"}
    if image.detail is not None:
        wire["detail"] = image.detail
    return {"type": "image_url", "image_url": wire}
