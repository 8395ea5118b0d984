"""Converse's complete answers: what accounting reads of them, and all of it."""

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
from legato.core.wire import Answer
from legato.providers.bedrock.citations import read_citations
from legato.providers.bedrock.usage import read_usage, stop_reason


def read_answer(body: bytes) -> Answer:
    """Read usage, and the model where a prompt router chose it.

    Raises:
        BadProviderResponse: not JSON, or no message in it.
    """
    answer = _decoded(body)
    usage = read_usage(answer.get("usage"))
    chars = 0
    if usage is None:
        chars = sum(_chars(part) for part in read_chat(body, "").choices[0].parts)
    elif not isinstance(answer.get("output"), dict):
        raise BadProviderResponse("the provider's answer holds no message")
    return Answer(usage=usage, model=_model(answer), output_chars=chars)


def read_chat(body: bytes, answer_id: str) -> ChatResponse:
    """Translate a complete answer, which has neither an id nor a time of its own.

    Calls of tools that ran at AWS have no canonical form and are left out; the text around them
    stays.

    Raises:
        BadProviderResponse: not JSON, or not of Converse's shape.
    """
    answer = _decoded(body)
    try:
        own = answer.get("additionalModelResponseFields") or {}
        choice = Choice(
            parts=tuple(_parts(answer["output"]["message"]["content"])),
            stop_reason=stop_reason(answer.get("stopReason")),
            stop_sequence=own.get("stop_sequence") if isinstance(own, dict) else None,
        )
    except (AttributeError, KeyError, TypeError) as problem:
        raise BadProviderResponse(
            f"the provider's answer has an unknown shape ({type(problem).__name__})"
        ) from None
    usage = read_usage(answer.get("usage"))
    return ChatResponse(id=answer_id, model=_model(answer), choices=(choice,), usage=usage)


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not JSON") from None
    if not isinstance(answer, dict):
        raise BadProviderResponse("the provider's answer is not a JSON object")
    return answer


def _model(answer: dict[str, Any]) -> str:
    trace = answer.get("trace")
    router = trace.get("promptRouter") if isinstance(trace, dict) else None
    model = router.get("invokedModelId") if isinstance(router, dict) else None
    return model if isinstance(model, str) else ""


def _parts(content: list[dict[str, Any]]) -> Iterator[Part]:
    for block in content:
        if "text" in block:
            yield Text(block["text"])
        elif "citationsContent" in block:
            yield _cited(block["citationsContent"])
        elif "toolUse" in block and block["toolUse"].get("type") is None:
            use = block["toolUse"]
            arguments = msgspec.json.encode(use.get("input") or {}).decode()
            yield ToolUse(use["toolUseId"], use["name"], arguments)
        elif "reasoningContent" in block:
            yield _reasoning(block["reasoningContent"])


def _cited(block: dict[str, Any]) -> Text:
    text = "".join(one.get("text") or "" for one in block.get("content") or ())
    return Text(text, citations=of_whole(read_citations(block), text))


def _reasoning(block: dict[str, Any]) -> Part:
    if "redactedContent" in block:
        return RedactedThinking(block["redactedContent"])
    said = block["reasoningText"]
    return Thinking(said["text"], said.get("signature") or "")


def _chars(part: Part) -> int:
    if isinstance(part, ToolUse):
        return len(part.arguments)
    return len(part.text) if isinstance(part, Text | Thinking) else 0
