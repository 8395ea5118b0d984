"""What accounting reads of OpenAI's complete answers."""

from typing import Any

import msgspec

from legato.core.errors import BadProviderResponse
from legato.core.usage import NO_USAGE, Usage
from legato.core.wire import Answer, Operation
from legato.providers.openai_compatible.errors import in_band_error
from legato.providers.openai_compatible.usage import to_usage
from legato.providers.openai_compatible.wire import (
    AnswerParts,
    AnswerShell,
    ChoiceText,
    MessageText,
    Verdict,
)

_PARTS = msgspec.json.Decoder(AnswerParts)
_SHELL = msgspec.json.Decoder(AnswerShell)
_VERDICT = msgspec.json.Decoder(Verdict)
_CHOICES = msgspec.json.Decoder(list[ChoiceText])
_NOTHING = (b"", b"null", b"[]")  # a tuple: hashing a long answer costs more than comparing


def read_answer(operation: Operation, body: bytes, secret: str | None) -> Answer:
    """Read usage and model of a complete answer, unread what it says.

    Raises:
        BadProviderResponse: not JSON, or neither choices nor data in it.
        UpstreamError: an error object under a status of success (OpenRouter does so).
    """
    if operation is Operation.MODERATIONS:
        return _read_moderation(body, secret)
    answer, usage = _decode(body)
    model = answer.model if isinstance(answer.model, str) else ""
    content = bytes(answer.data if operation is Operation.EMBEDDINGS else answer.choices)
    if content in _NOTHING:
        if bytes(answer.error) not in _NOTHING:
            raise in_band_error(msgspec.json.decode(answer.error), secret)
        raise BadProviderResponse("the provider's answer holds no result")
    return Answer(usage=usage, model=model, output_chars=_output_chars(operation, usage, content))


def _read_moderation(body: bytes, secret: str | None) -> Answer:
    """A moderation reports no usage, and no vendor of it bills any: none was used."""
    try:
        verdict = _VERDICT.decode(body)
    except msgspec.DecodeError:
        raise BadProviderResponse("the provider's answer is not a JSON object") from None
    if bytes(verdict.error) not in _NOTHING:
        raise in_band_error(msgspec.json.decode(verdict.error), secret)
    if bytes(verdict.results) in _NOTHING:
        raise BadProviderResponse("the provider's answer holds no result")
    return Answer(usage=NO_USAGE, model=verdict.model if isinstance(verdict.model, str) else "")


def _decode(body: bytes) -> tuple[AnswerParts | AnswerShell, Usage | None]:
    try:
        parts = _PARTS.decode(body)
    except msgspec.ValidationError:
        return _shell(body), None
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not JSON") from None
    return parts, to_usage(parts.usage) if parts.usage is not None else None


def _shell(body: bytes) -> AnswerShell:
    """Read an answer of which model or usage is of the wrong type."""
    try:
        return _SHELL.decode(body)
    except msgspec.DecodeError:
        raise BadProviderResponse("the provider's answer is not a JSON object") from None


def _output_chars(operation: Operation, usage: Usage | None, content: bytes) -> int:
    """Characters of the answer, counted only where no usage was reported."""
    if usage is not None or operation is Operation.EMBEDDINGS:
        return 0
    try:
        choices = _CHOICES.decode(content)
    except msgspec.DecodeError:
        return len(content)  # of a shape we don't know: all of it, rather too much than nothing
    return sum(
        _message_chars(choice.message) if choice.message else len(choice.text or "")
        for choice in choices
    )


def _message_chars(message: MessageText) -> int:
    fields = (message.content, message.refusal, message.reasoning_content, message.tool_calls)
    return sum(_length(field) for field in fields if field)


def _length(field: Any) -> int:
    return len(field) if isinstance(field, str) else len(msgspec.json.encode(field))
