"""Anthropic's messages, whole and streamed, models and errors."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from legato.providers.simulated.answers import Choice, Question, ToolCall
from legato.providers.simulated.dialects.anthropic_wire import messages_question
from legato.providers.simulated.dialects.base import Reply
from legato.providers.simulated.sse import Event
from legato.providers.simulated.usage import Usage

_encode = msgspec.json.Encoder().encode

CREATED_AT = "2025-01-01T00:00:00Z"
SIGNATURE = "c2ltdWxhdGVk"
FIRST_SERVER_ERROR = 500

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class AnthropicDialect:
    """Messages as Anthropic's API speaks them. There is only ever one choice."""

    def question(self, body: bytes) -> Question:
        """Parse a request. Raises `Refusal` with 400."""
        return messages_question(body)

    def whole(self, reply: Reply) -> bytes:
        """The body of a whole answer."""
        choice = reply.answer.choices[0]
        message = _message(reply, _blocks(choice))
        message["stop_reason"] = _stop_reason(choice)
        message["stop_sequence"] = choice.stop_sequence
        if reply.usage_shape != "missing":
            message["usage"] = usage_of(reply.reported, reply.reported.completion)
        return _encode(message)

    def events(self, reply: Reply) -> Iterator[Event]:
        """message_start, ping, blocks strictly one after another, message_delta, message_stop."""
        choice = reply.answer.choices[0]
        usage = usage_of(reply.reported, 1)
        start = _message(reply, []) | {"stop_reason": None, "stop_sequence": None, "usage": usage}
        yield Event(_event("message_start", {"message": start}), *[choice.hidden_reasoning] * 2)
        yield Event(_event("ping", {}))
        for index, block in enumerate(_streamed_blocks(choice)):
            yield from _block_events(index, block)
        yield Event(self._message_delta(reply, choice))
        yield Event(_event("message_stop", {}))

    def error(self, status: int, message: str, param: str | None) -> bytes:
        """The body of an error."""
        text = message if param is None else f"{param}: {message}"
        return _encode({"type": "error", "error": _error(status, text)})

    def error_event(self, message: str) -> bytes:
        """An error in the middle of a stream."""
        return _event("error", {"error": _error(529, message)})

    @staticmethod
    def _message_delta(reply: Reply, choice: Choice) -> bytes:
        stop = {"stop_reason": _stop_reason(choice), "stop_sequence": choice.stop_sequence}
        usage: dict[str, Any] = {"output_tokens": reply.reported.completion}
        if reply.usage_shape == "cumulative":
            usage = usage_of(reply.reported, reply.reported.completion)
        fields: dict[str, Any] = {"delta": stop}
        if reply.usage_shape != "missing":
            fields["usage"] = usage
        return _event("message_delta", fields)


def usage_of(usage: Usage, output_tokens: int) -> dict[str, Any]:
    """The usage object; `input_tokens` excludes cache reads and writes."""
    return {
        "input_tokens": usage.prompt - usage.cached - usage.cache_write,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }


def model_entry(name: str) -> dict[str, Any]:
    """A model as the models endpoint lists it."""
    shown = f"{name} (simulated)"
    return {"type": "model", "id": name, "display_name": shown, "created_at": CREATED_AT}


def _message(reply: Reply, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"msg_simulated_{reply.number}",
        "type": "message",
        "role": "assistant",
        "model": reply.question.model,
        "content": content,
    }


def _blocks(choice: Choice) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if choice.thinking:
        thinking = "".join(choice.thinking)
        blocks.append({"type": "thinking", "thinking": thinking, "signature": SIGNATURE})
    if choice.pieces:
        blocks.append({"type": "text", "text": "".join(choice.pieces)})
    return blocks + [_tool_use(call, "".join(call.pieces)) for call in choice.tool_calls]


def _tool_use(call: ToolCall, arguments: str) -> dict[str, Any]:
    try:
        parsed = msgspec.json.decode(arguments) if arguments else {}
    except msgspec.DecodeError:  # cut off by max_tokens: the vendor drops what is incomplete
        parsed = {}
    return {"type": "tool_use", "id": f"toolu_{call.identity}", "name": call.name, "input": parsed}


class _Block(NamedTuple):
    """A content block as a stream shows it: its opening, its deltas and a last one, no token."""

    opening: dict[str, Any]
    kind: str
    field: str
    pieces: list[str]
    opening_tokens: int = 0
    last: dict[str, Any] | None = None


def _streamed_blocks(choice: Choice) -> Iterator[_Block]:
    if choice.thinking:
        opening = {"type": "thinking", "thinking": "", "signature": ""}
        signature = {"type": "signature_delta", "signature": SIGNATURE}
        yield _Block(opening, "thinking_delta", "thinking", choice.thinking, last=signature)
    if choice.pieces:
        yield _Block({"type": "text", "text": ""}, "text_delta", "text", choice.pieces)
    for call in choice.tool_calls:
        opening = _tool_use(call, "")
        yield _Block(opening, "input_json_delta", "partial_json", call.pieces, opening_tokens=1)


def _block_events(index: int, block: _Block) -> Iterator[Event]:
    fields = {"index": index, "content_block": block.opening}
    yield Event(_event("content_block_start", fields), block.opening_tokens)
    head = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
        b'"delta":{"type":"%b","%b":' % (index, block.kind.encode(), block.field.encode())
    )
    for piece in block.pieces:
        yield Event(head + _encode(piece) + b"}}\n\n", 1)
    if block.last is not None:
        yield Event(_event("content_block_delta", {"index": index, "delta": block.last}))
    yield Event(_event("content_block_stop", {"index": index}))


def _event(name: str, fields: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode({"type": name, **fields}))


def _error(status: int, message: str) -> dict[str, Any]:
    fallback = "api_error" if status >= FIRST_SERVER_ERROR else "invalid_request_error"
    return {"type": _ERROR_TYPES.get(status, fallback), "message": message}


def _stop_reason(choice: Choice) -> str:
    return "stop_sequence" if choice.stop_sequence is not None else _STOP_REASONS[choice.finish]
