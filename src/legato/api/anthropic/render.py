"""Canonical answers in Anthropic's shape."""

from typing import Any

import msgspec

from legato.api.anthropic.citations import text_blocks
from legato.api.anthropic.signatures import of_call, of_text, thinking_block
from legato.core.chat import (
    ChatResponse,
    Image,
    Part,
    RedactedThinking,
    Refusal,
    StopReason,
    Text,
    Thinking,
    ToolUse,
)
from legato.core.errors import BadProviderResponse
from legato.core.usage import NO_USAGE, Usage

STOP_REASONS = {
    StopReason.END: "end_turn",
    StopReason.LENGTH: "max_tokens",
    StopReason.TOOL_USE: "tool_use",
    StopReason.STOP_SEQUENCE: "stop_sequence",
    StopReason.CONTENT_FILTER: "refusal",
    StopReason.REFUSAL: "refusal",
}


def render_message(response: ChatResponse) -> bytes:
    """Render a message. Usage is required here: all zero where the provider reported none."""
    choice = response.choices[0]
    return msgspec.json.encode(
        {
            "id": response.id,
            "type": "message",
            "role": "assistant",
            "model": response.model,
            "content": _blocks(choice.parts),
            "stop_reason": STOP_REASONS[choice.stop_reason],
            "stop_sequence": choice.stop_sequence,
            "usage": usage_object(response.usage or NO_USAGE),
        }
    )


def usage_object(usage: Usage) -> dict[str, Any]:
    """Return Anthropic's usage: input_tokens excludes cache reads and writes."""
    body: dict[str, Any] = {
        "input_tokens": usage.in_uncached + usage.audio_in + usage.image_in,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning:
        body["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return body


def _blocks(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    """Write the parts; Google's signatures stand in thinking blocks, see `signatures`."""
    blocks: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Text):
            blocks += [
                block for block in text_blocks(part) if block["text"] or "citations" in block
            ]
            if part.signature:
                _sign(blocks, of_text(part.signature))
            continue
        block = _block(part)
        if block is None:
            continue
        if isinstance(part, ToolUse) and part.signature:
            _sign(blocks, of_call(part.signature))
        if block.get("text") != "":
            blocks.append(block)
    return blocks


def _sign(blocks: list[dict[str, Any]], signature: str) -> None:
    if not blocks or blocks[-1].get("signature") != "":
        blocks.append(thinking_block())
    blocks[-1]["signature"] = signature


def no_pictures() -> BadProviderResponse:
    """Return the error for an answer that this dialect has no place for."""
    return BadProviderResponse(
        "the model answered with a picture, which messages have no place for; ask by chat "
        "completions or responses"
    )


def _block(part: Part) -> dict[str, Any] | None:
    if isinstance(part, Refusal):
        return {"type": "text", "text": part.text}
    if isinstance(part, ToolUse):
        arguments = _arguments(part.arguments)
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments}
    if isinstance(part, Thinking):
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    if isinstance(part, RedactedThinking):
        return {"type": "redacted_thinking", "data": part.data}
    if isinstance(part, Image):
        raise no_pictures()
    return None  # documents and tool results are the caller's to send


def _arguments(text: str) -> dict[str, Any]:
    """Anthropic has no place for arguments that are no JSON object, as a cut answer leaves them."""
    try:
        decoded = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError):
        decoded = None
    return decoded if isinstance(decoded, dict) else {"invalid_arguments": text}
