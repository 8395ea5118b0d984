"""OpenAI's complete answers in canonical form."""

from collections.abc import Iterator
from typing import Any

import msgspec

from legato.core.chat import (
    ChatResponse,
    Choice,
    Citation,
    Part,
    Refusal,
    StopReason,
    Text,
    Thinking,
    ToolUse,
)
from legato.core.citations import placed
from legato.core.errors import BadProviderResponse
from legato.core.pictures import read_pictures
from legato.core.reasoning_details import read_details
from legato.providers.openai_compatible import mistral
from legato.providers.openai_compatible.citations import Marks, annotated, listed
from legato.providers.openai_compatible.errors import in_band_error
from legato.providers.openai_compatible.usage import read_usage

_STOP_REASONS = {
    "stop": StopReason.END,
    "length": StopReason.LENGTH,
    "tool_calls": StopReason.TOOL_USE,
    "function_call": StopReason.TOOL_USE,
    "content_filter": StopReason.CONTENT_FILTER,
    "model_length": StopReason.LENGTH,  # Mistral: the context is full
    "insufficient_system_resource": StopReason.LENGTH,  # DeepSeek: broken off, incomplete
    "stop_sequence": StopReason.STOP_SEQUENCE,  # TGI
}


def read_chat(body: bytes, secret: str | None) -> ChatResponse:
    """Translate a complete answer.

    Raises:
        BadProviderResponse: not JSON, or not of OpenAI's shape.
        UpstreamError: an error object under a status of success.
    """
    try:
        answer = msgspec.json.decode(body)
        if not answer.get("choices"):
            if answer.get("error"):
                raise in_band_error(answer["error"], secret)
            raise BadProviderResponse("the provider's answer holds no choices")
        created = answer.get("created")
        return ChatResponse(
            id=answer.get("id") or "",
            model=answer.get("model") or "",
            choices=tuple(_choice(choice, listed(answer)) for choice in answer["choices"]),
            usage=read_usage(answer.get("usage")),
            created_s=int(created) if isinstance(created, int | float) else 0,
        )
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not JSON") from None
    except (AttributeError, KeyError, TypeError) as problem:
        raise BadProviderResponse(
            f"the provider's answer has an unknown shape ({type(problem).__name__})"
        ) from None


def stop_reason(finish: str | None, *, used_tools: bool, refused: bool) -> StopReason:
    """Translate a finish_reason; some upstreams say `stop` after tool calls."""
    reason = _STOP_REASONS.get(finish or "stop", StopReason.END)
    if reason is StopReason.END and used_tools:
        return StopReason.TOOL_USE
    if reason is StopReason.END and refused:
        return StopReason.REFUSAL
    return reason


def _choice(choice: dict[str, Any], sources: tuple[Citation, ...]) -> Choice:
    parts = _cited(tuple(_parts(choice["message"])), choice["message"], sources)
    return Choice(
        parts=parts,
        stop_reason=stop_reason(
            choice.get("finish_reason"),
            used_tools=any(isinstance(part, ToolUse) for part in parts),
            refused=any(isinstance(part, Refusal) for part in parts),
        ),
        logprobs=choice.get("logprobs"),
    )


def _cited(
    parts: tuple[Part, ...], message: dict[str, Any], sources: tuple[Citation, ...]
) -> tuple[Part, ...]:
    """Sources that the vendor lists count where it does not annotate as well."""
    citations = tuple(annotated(message))
    if isinstance(message.get("content"), list):
        citations += tuple(mistral.references(message["content"]))
    if not citations and sources:
        marks = Marks()
        marks.feed("".join(part.text for part in parts if isinstance(part, Text)))
        citations = tuple(marks.numbered(sources))
    return placed(parts, citations)


def _parts(message: dict[str, Any]) -> Iterator[Part]:
    sealed = read_details(message.get("reasoning_details"))
    yield from sealed
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if reasoning and not any(isinstance(part, Thinking) for part in sealed):
        yield Thinking(reasoning)
    content = message.get("content")
    if isinstance(content, str) and content:
        yield Text(content)
    elif isinstance(content, list):  # Mistral answers in parts
        for kind, text in mistral.content_texts(content):
            yield Thinking(text) if kind == "thinking" else Text(text)
    yield from read_pictures(message.get("images"))  # OpenRouter
    if refusal := message.get("refusal"):
        yield Refusal(refusal)
    for number, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        arguments = function.get("arguments") or ""
        if not isinstance(arguments, str):  # Ollama has sent an object
            arguments = msgspec.json.encode(arguments).decode()
        yield ToolUse(call.get("id") or f"call_0_{number}", function["name"], arguments)
