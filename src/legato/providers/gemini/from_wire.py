"""What accounting reads of Gemini's complete answers."""

from typing import Any

import msgspec

from legato.core.errors import BadProviderResponse
from legato.core.usage import NO_USAGE
from legato.core.wire import Answer, Operation
from legato.providers.gemini.embeddings import read_embeddings
from legato.providers.gemini.errors import in_band_error
from legato.providers.gemini.usage import read_usage
from legato.providers.gemini.wire import AnswerParts


class _Count(msgspec.Struct):
    totalTokens: int  # noqa: N815 -- the wire's


_PARTS = msgspec.json.Decoder(AnswerParts)
_COUNT = msgspec.json.Decoder(_Count)


def read_answer(operation: Operation, body: bytes, secret: str | None) -> Answer:
    """Read usage and model of a complete answer, unread what it says.

    Raises:
        BadProviderResponse: not JSON, or no answer in it.
        UpstreamError: an error object under a status of success.
    """
    if operation is Operation.COUNT_TOKENS:
        read_count(body)
        return Answer(usage=NO_USAGE, model="")  # free of charge: nothing used, not unreported
    if operation is Operation.EMBEDDINGS:
        return Answer(usage=read_embeddings(body).usage, model="")
    try:
        parts = _PARTS.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not a JSON object") from None
    candidates = bytes(parts.candidates)
    if not candidates.startswith(b"[") and not parts.prompt_feedback:
        if parts.error:
            raise in_band_error(parts.error, secret)
        raise BadProviderResponse("the provider's answer holds no candidates")
    usage = read_usage(parts.usage_metadata)
    chars = _output_chars(candidates) if usage is None and candidates else 0
    model = parts.model_version if isinstance(parts.model_version, str) else ""
    return Answer(usage=usage, model=model, output_chars=chars)


def read_count(body: bytes) -> int:
    """Read an answer of `:countTokens`. Raises BadProviderResponse."""
    try:
        return _COUNT.decode(body).totalTokens
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer holds no token count") from None


def _output_chars(candidates: bytes) -> int:
    """Characters of the answer, counted only where no usage was reported."""
    decoded = msgspec.json.decode(candidates)
    contents = [one.get("content") for one in decoded if isinstance(one, dict)]
    parts = [part for content in contents if isinstance(content, dict) for part in _list(content)]
    return sum(_part_chars(part) for part in parts if isinstance(part, dict))


def _list(content: dict[str, Any]) -> list[Any]:
    parts = content.get("parts")
    return parts if isinstance(parts, list) else []


def _part_chars(part: dict[str, Any]) -> int:
    text = part.get("text")
    if isinstance(text, str):
        return len(text)
    return len(msgspec.json.encode(part["functionCall"])) if "functionCall" in part else 0
