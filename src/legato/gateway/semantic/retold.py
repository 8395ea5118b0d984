"""An answer that is kept, told as the caller asks for it: whole or as a stream, as his own.

What is kept says nothing but text, so nothing is lost but reasoning, which a kept answer of the
caller's own form still has. A response has an id of its own, so it is always told anew.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from legato.cache.exact import CachedAnswer
from legato.core.chat import (
    ChatResponse,
    Choice,
    Ended,
    Started,
    Stopped,
    StopReason,
    Text,
    TextDelta,
    UsageReported,
)
from legato.gateway.semantic.answers import text_of

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Route

_USAGE: Final = b'"usage":{'
_DONE: Final = b"data: [DONE]\n\n"
_IDS: Final = {"chat_completions": "chatcmpl-", "messages": "msg_", "completions": "cmpl-"}
_NS_PER_S: Final = 1_000_000_000


def as_asked(call: "Call", route: "Route", answer: CachedAnswer) -> CachedAnswer:
    """Return an answer in the form that a call asks for.

    Raises:
        NotEligible: it says more than text.
    """
    if _fits(call, answer):
        return answer
    text = text_of(answer.body, frames=answer.frames)
    model = call.view.model if route.model_name == "alias" else answer.model_served
    told = _completion if call.surface.name == "completions" else _chat
    body = told(call, text, model, answer)
    return msgspec.structs.replace(answer, body=body, frames=call.view.stream)


def _fits(call: "Call", answer: CachedAnswer) -> bool:
    view = call.view
    if view.turn is not None or answer.frames != view.stream:
        return False
    if not view.stream or call.surface.name == "messages":
        return True
    return (_USAGE in answer.body) == view.wants_stream_usage


def _chat(call: "Call", text: str, model: str, answer: CachedAnswer) -> bytes:
    name, created_s = _identity(call)
    if not call.view.stream:
        choice = Choice((Text(text),), StopReason.END)
        return call.surface.render(ChatResponse(name, model, (choice,), answer.usage, created_s))
    encode = call.surface.encoder(call.view).encode
    events = (
        Started(name, model, created_s, answer.usage),
        TextDelta(text),
        Stopped(StopReason.END),
        UsageReported(answer.usage),
        Ended(),
    )
    return b"".join(encode(event) for event in events)


def _completion(call: "Call", text: str, model: str, answer: CachedAnswer) -> bytes:
    """Write a text completion: it has no form but OpenAI's."""
    name, created_s = _identity(call)
    head = {"id": name, "object": "text_completion", "created": created_s, "model": model}
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": "stop"}
    tokens_in, tokens_out = answer.usage.input_tokens, answer.usage.output_tokens
    usage = {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }
    if not call.view.stream:
        return msgspec.json.encode({**head, "choices": [choice], "usage": usage})
    chunks: list[dict[str, Any]] = [{**head, "choices": [choice]}]
    if call.view.wants_stream_usage:
        chunks.append({**head, "choices": [], "usage": usage})
    return b"".join(b"data: %s\n\n" % msgspec.json.encode(one) for one in chunks) + _DONE


def _identity(call: "Call") -> tuple[str, int]:
    return _IDS.get(call.surface.name, "") + call.request_id, call.arrived_ns // _NS_PER_S
