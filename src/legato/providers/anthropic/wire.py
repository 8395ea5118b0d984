"""The parts of Anthropic's wire format that accounting and the fast lane read."""

from typing import Any

import msgspec


class CacheCreation(msgspec.Struct, frozen=True, gc=False):
    """Cache writes by lifetime; they add up to `cache_creation_input_tokens`."""

    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(msgspec.Struct, frozen=True, gc=False):
    """Parts of `output_tokens`."""

    thinking_tokens: int | None = None


class WireUsage(msgspec.Struct, frozen=True, gc=False):
    """`usage`; `input_tokens` excludes cache reads and writes."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None


class AnswerParts(msgspec.Struct, frozen=True, gc=False):
    """What accounting reads of a complete message."""

    model: Any = None
    usage: Any = None
    content: msgspec.Raw = msgspec.Raw()
    error: Any = None


class EventDelta(msgspec.Struct, frozen=True, gc=False):
    """`delta` of content_block_delta and message_delta."""

    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class BlockStart(msgspec.Struct, frozen=True, gc=False):
    """`content_block` of a content_block_start event."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event of a stream, as far as the fast lane reads it."""

    type: str = ""
    message: Any = None
    content_block: BlockStart | None = None
    delta: EventDelta | None = None
    usage: Any = None
    error: Any = None
