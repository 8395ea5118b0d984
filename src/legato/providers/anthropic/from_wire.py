"""What accounting reads of Anthropic's complete answers."""

from typing import Any

import msgspec

from legato.core.errors import BadProviderResponse
from legato.core.usage import NO_USAGE
from legato.core.wire import Answer, Operation
from legato.providers.anthropic.errors import in_band_error
from legato.providers.anthropic.usage import read_wire, to_usage
from legato.providers.anthropic.wire import AnswerParts


class _Count(msgspec.Struct):
    input_tokens: int


_PARTS = msgspec.json.Decoder(AnswerParts)
_COUNT = msgspec.json.Decoder(_Count)


def read_answer(operation: Operation, body: bytes, secret: str | None) -> Answer:
    """Read usage and model of a complete answer, unread what it says.

    Raises:
        BadProviderResponse: not JSON, or no message in it.
        UpstreamError: an error object under a status of success.
    """
    if operation is Operation.COUNT_TOKENS:
        read_count(body)
        return Answer(usage=NO_USAGE, model="")  # free of charge: nothing used, not unreported
    try:
        parts = _PARTS.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not a JSON object") from None
    content = bytes(parts.content)
    if not content.startswith(b"["):
        if parts.error:
            raise in_band_error(parts.error, secret)
        raise BadProviderResponse("the provider's answer holds no message")
    wire = read_wire(parts.usage)
    usage = to_usage(wire) if wire is not None else None
    chars = _output_chars(content) if usage is None else 0
    model = parts.model if isinstance(parts.model, str) else ""
    return Answer(usage=usage, model=model, output_chars=chars)


def read_count(body: bytes) -> int:
    """Read an answer of `count_tokens`. Raises BadProviderResponse."""
    try:
        return _COUNT.decode(body).input_tokens
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer holds no token count") from None


def _output_chars(content: bytes) -> int:
    """Characters of the answer, counted only where no usage was reported."""
    blocks = msgspec.json.decode(content)
    return sum(_block_chars(block) for block in blocks if isinstance(block, dict))


def _block_chars(block: dict[str, Any]) -> int:
    if block.get("type") == "tool_use":
        return len(msgspec.json.encode(block.get("input")))
    text = block.get("text") or block.get("thinking") or block.get("data")
    return len(text) if isinstance(text, str) else 0
