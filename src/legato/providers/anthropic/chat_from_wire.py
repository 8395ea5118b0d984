"""Anthropic's complete answers in canonical form."""

from collections.abc import Iterator
from typing import Any

import msgspec

from legato.core.chat import (
    ChatResponse,
    Choice,
    Part,
    RedactedThinking,
    Text,
    Thinking,
    ToolUse,
)
from legato.core.citations import of_whole
from legato.core.errors import BadProviderResponse
from legato.providers.anthropic.citations import read_citations
from legato.providers.anthropic.errors import in_band_error
from legato.providers.anthropic.stop_reason import stop_reason
from legato.providers.anthropic.usage import read_wire, to_usage


def read_chat(body: bytes, secret: str | None) -> ChatResponse:
    """Translate a complete message; it carries no time, so `created_s` is 0.

    Blocks of server-side tools have no canonical form and are left out; the text around them
    stays.

    Raises:
        BadProviderResponse: not JSON, or not of Anthropic's shape.
        UpstreamError: an error object under a status of success.
    """
    try:
        answer = msgspec.json.decode(body)
        if not isinstance(answer.get("content"), list):
            if answer.get("error"):
                raise in_band_error(answer["error"], secret)
            raise BadProviderResponse("the provider's answer holds no message")
        usage = read_wire(answer.get("usage"))
        choice = Choice(
            parts=tuple(_parts(answer["content"])),
            stop_reason=stop_reason(answer.get("stop_reason")),
            stop_sequence=answer.get("stop_sequence"),
        )
        return ChatResponse(
            id=answer.get("id") or "",
            model=answer.get("model") or "",
            choices=(choice,),
            usage=to_usage(usage) if usage is not None else None,
        )
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not JSON") from None
    except (AttributeError, KeyError, TypeError) as problem:
        raise BadProviderResponse(
            f"the provider's answer has an unknown shape ({type(problem).__name__})"
        ) from None


def _parts(blocks: list[dict[str, Any]]) -> Iterator[Part]:
    for block in blocks:
        kind = block["type"]
        if kind == "text":
            text = block["text"]
            yield Text(text, citations=of_whole(read_citations(block), text))
        elif kind == "thinking":
            yield Thinking(block["thinking"], block.get("signature") or "")
        elif kind == "redacted_thinking":
            yield RedactedThinking(block["data"])
        elif kind == "tool_use":
            arguments = msgspec.json.encode(block.get("input") or {}).decode()
            yield ToolUse(block["id"], block["name"], arguments)
