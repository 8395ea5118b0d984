"""Anthropic's messages, where the server has them."""

import json
from typing import Any, Final

from legato.cli.conformance.chat import CITY, trip
from legato.cli.conformance.check import Check
from legato.cli.conformance.findings import at, count_at, list_at, need, text_at
from legato.cli.conformance.subject import OUTPUT_TOKENS, Answer, Subject, good, streamed

_PATH: Final = "/v1/messages"
_VERSION: Final = {"anthropic-version": "2023-06-01"}
_TOOL: Final[Any] = {"name": "look_up", "description": "Looks weather up.", "input_schema": CITY}
_STOP_REASONS = frozenset(
    {"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"}
)
_DELTAS = {
    "text": frozenset({"text_delta", "citations_delta"}),
    "thinking": frozenset({"thinking_delta", "signature_delta"}),
    "tool_use": frozenset({"input_json_delta"}),
}


def shape(subject: Subject) -> None:
    """A message with text, a stop reason and usage."""
    message = _asked(subject)
    for field, wanted in (("type", "message"), ("role", "assistant")):
        need(at(message, field) == wanted, f"{field} is {message[field]!r}")
    text_at(message, "id")
    text_at(message, "model")
    need(at(message, "content", 0, "type") in _DELTAS, "the first block is of no known type")
    need(_text(message), "the message has no text")
    _stopped(at(message, "stop_reason"))
    at(message, "stop_sequence")
    for count in ("input_tokens", "output_tokens"):
        need(count_at(message, "usage", count) > 0, f"usage.{count} is 0")


def system(subject: Subject) -> None:
    """As a text and as blocks, with a turn of the assistant's."""
    messages = [
        {"role": "user", "content": [{"type": "text", "text": subject.question()}]},
        {"role": "assistant", "content": "Rivers flow."},
        {"role": "user", "content": "Go on."},
    ]
    for said in ("Be brief.", [{"type": "text", "text": "Be brief."}]):
        need(_text(_asked(subject, system=said, messages=messages)), "the message has no text")


def tools(subject: Subject) -> None:
    """A tool is used with an id and an object; its result is taken."""
    question = {"role": "user", "content": subject.question("Weather in Ghent for 3 days?")}
    asking = {"tools": [_TOOL], "tool_choice": {"type": "any"}}
    first = _asked(subject, messages=[question], **asking)
    need(at(first, "stop_reason") == "tool_use", f"stop_reason is {first['stop_reason']!r}")
    uses = [block for block in list_at(first, "content") if at(block, "type") == "tool_use"]
    need(uses, "no tool_use block")
    results = []
    for use in uses:
        need(at(use, "name") == "look_up", "the tool used is not the one offered")
        trip(json.dumps(at(use, "input")))
        result = {"type": "tool_result", "tool_use_id": text_at(use, "id"), "content": "Sunny."}
        results.append(result)
    turns = [question, {"role": "assistant", "content": first["content"]}]
    turns.append({"role": "user", "content": results})
    none = {"type": "none"}
    second = _asked(subject, messages=turns, tools=[_TOOL], tool_choice=none)
    need(_text(second), "the result is not answered with text")


def nesting(subject: Subject) -> None:
    """message_start, blocks one in the other's order, message_delta, message_stop."""
    events = _streamed(subject)
    blocks = _nested(events)
    need(any(block["text"] for block in blocks), "the stream has no text")


def stream_usage(subject: Subject) -> None:
    """One start; input, output and the stop reason by the end."""
    events = _streamed(subject)
    starts = [event for event in events if event["type"] == "message_start"]
    need(len(starts) == 1, f"message_start comes {len(starts)} times")
    given = count_at(starts[0], "message", "usage", "input_tokens")
    ends = [event for event in events if event["type"] == "message_delta"]
    need(ends, "no message_delta")
    _stopped(at(ends[-1], "delta", "stop_reason"))
    need(count_at(ends[-1], "usage", "output_tokens") > 0, "output_tokens is 0 at the end")
    # Who translates another vendor's stream learns the real count only at its end.
    given = ends[-1]["usage"].get("input_tokens") or given
    need(given, "input_tokens is 0, at the start and at the end")


def stream_tools(subject: Subject) -> None:
    """Pieces of input join to JSON."""
    asking = {"tools": [_TOOL], "tool_choice": {"type": "any"}}
    blocks = _nested(_streamed(subject, **asking))
    used = [block for block in blocks if block["type"] == "tool_use"]
    need(used, "no tool_use block")
    for block in used:
        trip(block["text"])


def count(subject: Subject) -> None:
    """A count above 0."""
    messages = [{"role": "user", "content": subject.question()}]
    body = {"model": subject.model, "messages": messages}
    answer = good(subject.offered(f"{_PATH}/count_tokens", body, _VERSION))
    need(count_at(answer, "input_tokens") > 0, "input_tokens is 0")


def error_shape(subject: Subject) -> None:
    """Anthropic's error object; max_tokens is required."""
    _asked(subject)
    body = _body(subject)
    del body["max_tokens"]
    _error(subject.post(_PATH, body, _VERSION), 400, "invalid_request_error")
    unknown = _body(subject) | {"model": subject.question("no-such-model")}
    _error(subject.post(_PATH, unknown, _VERSION), 404, "not_found_error")
    headers = {"content-type": "application/json", **_VERSION}
    _error(subject.send("POST", _PATH, body, headers), 401, "authentication_error")


def _error(answer: Answer, status: int, kind: str) -> None:
    need(answer.status == status, f"{answer.status}, not {status}: {answer.shown}")
    need(at(answer.json, "type") == "error", f"type is {answer.json['type']!r}, not 'error'")
    found = at(answer.json, "error", "type")
    need(found == kind, f"error.type is {found!r}, not {kind!r}")
    text_at(answer.json, "error", "message")


def _body(subject: Subject, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": subject.question()}]
    return {"model": subject.model, "max_tokens": OUTPUT_TOKENS, "messages": messages, **fields}


def _asked(subject: Subject, **fields: Any) -> Any:
    return good(subject.offered(_PATH, _body(subject, **fields), _VERSION))


def _streamed(subject: Subject, **fields: Any) -> list[Any]:
    answer = subject.offered(_PATH, _body(subject, stream=True, **fields), _VERSION)
    events = streamed(answer)
    decoded = []
    for event in events:
        value = event.json
        need(at(value, "type") == event.name, f"event {event.name!r} has type {value['type']!r}")
        need(event.name != "error", f"the stream failed: {event.data}")
        decoded.append(value)
    return [value for value in decoded if value["type"] != "ping"]


def _nested(events: list[Any]) -> list[dict[str, str]]:
    """Return the blocks with their joined pieces. Raises Unfulfilled where one is out of place."""
    kinds = [event["type"] for event in events]
    need(kinds[0] == "message_start", f"the first event is {kinds[0]}")
    need(kinds[-1] == "message_stop", f"the last event is {kinds[-1]}")
    blocks: list[dict[str, str]] = []
    is_open = False
    for event in events[1:-1]:
        kind = event["type"]
        if kind == "message_delta":
            need(not is_open, "message_delta comes within a block")
            continue
        need(kind.startswith("content_block_"), f"{kind} comes within the message")
        index = count_at(event, "index")
        if kind == "content_block_start":
            need(not is_open, f"block {index} starts within another")
            need(index == len(blocks), f"block {index} comes before {len(blocks)}")
            blocks.append({"type": text_at(event, "content_block", "type"), "text": ""})
            is_open = True
            continue
        need(is_open and index == len(blocks) - 1, f"{kind} of block {index}, which is not open")
        if kind == "content_block_delta":
            _add(blocks[-1], at(event, "delta"))
        else:
            is_open = False
    need(not is_open, "the last block is not stopped")
    return blocks


def _add(block: dict[str, str], delta: Any) -> None:
    kind = at(delta, "type")
    allowed = _DELTAS.get(block["type"])
    need(allowed is None or kind in allowed, f"a {kind} in a block of {block['type']}")
    for field in ("text", "thinking", "partial_json"):
        block["text"] += delta.get(field) or ""


def _stopped(reason: Any) -> None:
    need(reason in _STOP_REASONS, f"stop_reason is {reason!r}")


def _text(message: Any) -> str:
    blocks = list_at(message, "content")
    return "".join(at(block, "text") for block in blocks if at(block, "type") == "text")


CHECKS = (
    Check("messages.shape", shape, "a message has blocks, a stop reason and real usage"),
    Check("messages.system", system, "system as a text and as blocks; earlier turns"),
    Check("messages.tools", tools, "tool_use has an id and an object; tool_result is taken"),
    Check(
        "messages.stream", nesting, "blocks are strictly nested per index, deltas fit their block"
    ),
    Check(
        "messages.stream.usage",
        stream_usage,
        "one message_start; real input, output and the stop reason",
    ),
    Check("messages.stream.tools", stream_tools, "input_json_delta join to the tool's input"),
    Check("messages.count-tokens", count, "/v1/messages/count_tokens exists and counts"),
    Check("messages.errors", error_shape, "errors have Anthropic's shape and types: 400, 404, 401"),
)
