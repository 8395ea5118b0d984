"""Cohere's complete answers in canonical form."""

from collections.abc import Iterator
from typing import Any

import msgspec

from legato.core.chat import ChatResponse, Choice, Part, StopReason, Text, Thinking, ToolUse
from legato.core.citations import placed
from legato.core.errors import BadProviderResponse
from legato.providers.cohere.citations import read_citations
from legato.providers.cohere.errors import broken_off
from legato.providers.cohere.logprobs import read_logprobs
from legato.providers.cohere.usage import read_usage

_STOP_REASONS = {
    "COMPLETE": StopReason.END,
    "STOP_SEQUENCE": StopReason.STOP_SEQUENCE,
    "MAX_TOKENS": StopReason.LENGTH,
    "TOOL_CALL": StopReason.TOOL_USE,
}
BROKEN_OFF = frozenset({"ERROR", "TIMEOUT"})


def stop_reason(wire: str | None) -> StopReason:
    """Translate; what Cohere adds later counts as an ordinary end."""
    return _STOP_REASONS.get(wire or "COMPLETE", StopReason.END)


def decoded(body: bytes) -> dict[str, Any]:
    """Return the object in an answer. Raises BadProviderResponse."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not JSON") from None
    if not isinstance(answer, dict):
        raise BadProviderResponse("the provider's answer is no JSON object")
    return answer


def read_chat(body: bytes, secret: str | None) -> ChatResponse:
    """Translate a complete answer; it names neither model nor time.

    Raises:
        BadProviderResponse: not JSON, or not of Cohere's shape.
        UpstreamError: an answer that broke off.
    """
    answer = decoded(body)
    if answer.get("finish_reason") in BROKEN_OFF:
        raise broken_off(answer.get("message"), secret)
    try:
        parts = _cited(tuple(_parts(answer["message"])), answer["message"])
        return ChatResponse(
            id=answer.get("id") or "",
            model="",
            choices=(
                Choice(
                    parts,
                    stop_reason(answer.get("finish_reason")),
                    logprobs=read_logprobs(answer.get("logprobs")),
                ),
            ),
            usage=read_usage(answer.get("usage")),
        )
    except (AttributeError, KeyError, TypeError) as problem:
        raise BadProviderResponse(
            f"the provider's answer has an unknown shape ({type(problem).__name__})"
        ) from None


def _cited(parts: tuple[Part, ...], message: dict[str, Any]) -> tuple[Part, ...]:
    starts, chars = {}, 0
    for index, block in enumerate(message.get("content") or ()):
        starts[index] = chars
        chars += len(block["text"]) if block["type"] == "text" else 0
    wire = message.get("citations") or ()
    return placed(parts, (one for cited in wire for one in read_citations(cited, starts)))


def _parts(message: dict[str, Any]) -> Iterator[Part]:
    if plan := message.get("tool_plan"):
        yield Thinking(plan)
    for block in message.get("content") or ():
        if block["type"] == "thinking":
            yield Thinking(block["thinking"])
        elif block["type"] == "text":
            yield Text(block["text"])
    for call in message.get("tool_calls") or ():
        function = call["function"]
        yield ToolUse(call["id"], function["name"], function.get("arguments") or "{}")
