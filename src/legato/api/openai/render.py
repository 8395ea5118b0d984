"""Canonical answers in OpenAI's shape."""

from typing import Any

import msgspec

from legato.api.openai.annotations import chat_fields
from legato.core.chat import (
    ChatResponse,
    Choice,
    Image,
    Refusal,
    StopReason,
    Text,
    Thinking,
    ToolUse,
)
from legato.core.citations import joined
from legato.core.pictures import picture
from legato.core.reasoning_details import details
from legato.core.usage import Usage

_FINISH_REASONS = {
    StopReason.END: "stop",
    StopReason.STOP_SEQUENCE: "stop",
    StopReason.LENGTH: "length",
    StopReason.TOOL_USE: "tool_calls",
    StopReason.CONTENT_FILTER: "content_filter",
    StopReason.REFUSAL: "content_filter",
}


def render_chat(response: ChatResponse, *, now_s: int) -> bytes:
    """Render a chat completion; `now_s` stands in where the provider gave no time."""
    body: dict[str, Any] = {
        "id": response.id,
        "object": "chat.completion",
        "created": response.created_s or now_s,
        "model": response.model,
        "choices": [_choice(index, choice) for index, choice in enumerate(response.choices)],
    }
    if response.usage is not None:
        body["usage"] = usage_object(response.usage)
    return msgspec.json.encode(body)


def finish_reason(reason: StopReason, *, refusal_shown: bool) -> str:
    """Translate; a refusal that is spelled out in `refusal` ends with `stop`, as OpenAI's do."""
    if reason is StopReason.REFUSAL and refusal_shown:
        return "stop"
    return _FINISH_REASONS[reason]


def usage_object(usage: Usage) -> dict[str, Any]:
    """Return OpenAI's usage: prompt_tokens includes what was cached."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
            "audio_tokens": usage.audio_in,
            "image_tokens": usage.image_in,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_out,
            "image_tokens": usage.image_out,
        },
    }


def _choice(index: int, choice: Choice) -> dict[str, Any]:
    refusal = "".join(part.text for part in choice.parts if isinstance(part, Refusal)) or None
    texts = [part.text for part in choice.parts if isinstance(part, Text)]
    content = "".join(texts) if texts else None
    message: dict[str, Any] = {
        "role": "assistant",
        "content": content,
        "refusal": refusal,
        **chat_fields(list(joined(choice.parts)), len(content or "")),
    }
    thought = "".join(part.text for part in choice.parts if isinstance(part, Thinking))
    if thought:
        message["reasoning_content"] = thought
    sealed = details(choice.parts)
    if sealed:
        message["reasoning_details"] = sealed
    for part in choice.parts:
        if isinstance(part, Text) and part.signature:
            message["extra_content"] = extra_content(part.signature)
    images = [part for part in choice.parts if isinstance(part, Image)]
    if images:
        message["images"] = [picture(image, index) for index, image in enumerate(images)]
    calls = [_call(part) for part in choice.parts if isinstance(part, ToolUse)]
    if calls:
        message["tool_calls"] = calls
    return {
        "index": index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": finish_reason(choice.stop_reason, refusal_shown=refusal is not None),
    }


def _call(use: ToolUse) -> dict[str, Any]:
    call: dict[str, Any] = {
        "id": use.id,
        "type": "function",
        "function": {"name": use.name, "arguments": use.arguments or "{}"},
    }
    if use.signature:
        call["extra_content"] = extra_content(use.signature)
    return call


def extra_content(signature: str) -> dict[str, Any]:
    """Return where Google's own layer for OpenAI's clients puts the signature of a thought."""
    return {"google": {"thought_signature": signature}}
