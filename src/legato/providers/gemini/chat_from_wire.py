"""Gemini's complete answers in canonical form."""

from collections.abc import Iterator
from typing import Any

import msgspec

from legato.core.chat import ChatResponse, Choice, Part, StopReason, Text, ToolUse
from legato.core.citations import placed
from legato.core.errors import BadProviderResponse
from legato.providers.gemini.citations import read_citations
from legato.providers.gemini.errors import in_band_error
from legato.providers.gemini.parts import logprobs, read_part
from legato.providers.gemini.stop_reason import stop_reason
from legato.providers.gemini.usage import read_usage


def read_chat(body: bytes, secret: str | None) -> ChatResponse:
    """Translate a complete answer; its time stays the surface's.

    A prompt that was blocked is an answer with nothing in it that the content filter ended.

    Raises:
        BadProviderResponse: not JSON, not of Gemini's shape, or spoilt by the model.
        UpstreamError: an error object under a status of success.
    """
    try:
        answer = msgspec.json.decode(body)
        return ChatResponse(
            id=answer.get("responseId") or "",
            model=answer.get("modelVersion") or "",
            choices=tuple(_choices(answer, secret)),
            usage=read_usage(answer.get("usageMetadata")),
        )
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not JSON") from None
    except (AttributeError, KeyError, TypeError) as problem:
        raise BadProviderResponse(
            f"the provider's answer has an unknown shape ({type(problem).__name__})"
        ) from None


def is_blocked(answer: dict[str, Any]) -> bool:
    """Whether the prompt was blocked: there are no candidates then."""
    return bool((answer.get("promptFeedback") or {}).get("blockReason"))


def _choices(answer: dict[str, Any], secret: str | None) -> Iterator[Choice]:
    candidates = answer.get("candidates")
    if not candidates:
        if answer.get("error"):
            raise in_band_error(answer["error"], secret)
        if not is_blocked(answer):
            raise BadProviderResponse("the provider's answer holds no candidates")
        yield Choice((), StopReason.CONTENT_FILTER)
        return
    for candidate in sorted(candidates, key=lambda one: one.get("index") or 0):
        parts = _cited(candidate, answer.get("responseId") or "")
        used_tools = any(isinstance(part, ToolUse) for part in parts)
        yield Choice(
            parts=parts,
            stop_reason=stop_reason(candidate.get("finishReason"), used_tools=used_tools),
            logprobs=logprobs(candidate),
        )


def _cited(candidate: dict[str, Any], answer_id: str) -> tuple[Part, ...]:
    every = list(_parts(candidate, answer_id))
    texts = [part.text if isinstance(part, Text) else "" for part in every]
    parts = [part for part in every if part is not None]
    return placed(parts, read_citations(candidate, texts))


def _parts(candidate: dict[str, Any], answer_id: str) -> Iterator[Part | None]:
    """Yield one for each of the candidate's parts, None for those that say nothing."""
    index = candidate.get("index") or 0
    calls = 0
    for wire in (candidate.get("content") or {}).get("parts") or ():
        part = read_part(wire, answer_id, f"{index}-{calls}")
        calls += isinstance(part, ToolUse)
        yield part
