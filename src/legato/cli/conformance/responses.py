"""OpenAI's responses, where the server has them."""

from typing import Any, Final

from legato.cli.conformance.bodies import error_object
from legato.cli.conformance.chat import CITY, trip
from legato.cli.conformance.check import Check
from legato.cli.conformance.findings import at, count_at, list_at, need, text_at
from legato.cli.conformance.subject import Subject, good, streamed

_PATH: Final = "/v1/responses"
_TOOL: Final[Any] = {
    "type": "function",
    "name": "look_up",
    "description": "Looks weather up.",
    "parameters": CITY,
    "strict": True,
}
_ENDS = frozenset({"response.completed", "response.incomplete"})
_OUTPUT_TOKENS: Final = 256
_UNKNOWN: Final = "resp_0123456789abcdef0123456789abcdef0123456789abcdef"


def shape(subject: Subject) -> None:
    """A completed response with a message of output_text."""
    response = _asked(subject)
    _is_response(response)
    need(at(response, "status") == "completed", f"status is {response['status']!r}")
    need(at(response, "error") is None, "error is not null")
    need(_text(response), "there is no output_text")


def usage(subject: Subject) -> None:
    """Counts with their details, that add up."""
    counts = at(_asked(subject), "usage")
    given, made = count_at(counts, "input_tokens"), count_at(counts, "output_tokens")
    total = count_at(counts, "total_tokens")
    need(given + made == total, f"{given} + {made} tokens are said to be {total}")
    need(
        count_at(counts, "input_tokens_details", "cached_tokens") <= given, "more cached than input"
    )
    reasoned = count_at(counts, "output_tokens_details", "reasoning_tokens")
    need(reasoned <= made, "more reasoning than output")


def items(subject: Subject) -> None:
    """Input as items, with instructions."""
    said = [
        {"role": "user", "content": [{"type": "input_text", "text": subject.question()}]},
        {"role": "assistant", "content": "Rivers flow."},
        {"type": "message", "role": "user", "content": "Go on."},
    ]
    need(_text(_asked(subject, input=said, instructions="Be brief.")), "there is no output_text")


def order(subject: Subject) -> None:
    """From created to completed, each item and part between its added and done."""
    events = _streamed(subject)
    kinds = [event["type"] for event in events]
    need(kinds[0] == "response.created", f"the first event is {kinds[0]}")
    need(kinds[1] == "response.in_progress", f"the second event is {kinds[1]}")
    need(kinds[-1] in _ENDS, f"the last event is {kinds[-1]}")
    need(sum(kind in _ENDS for kind in kinds) == 1, "the response ends more than once")
    _nested(events)


def sequence(subject: Subject) -> None:
    """Numbers without a gap."""
    numbers = [count_at(event, "sequence_number") for event in _streamed(subject)]
    wanted = list(range(numbers[0], numbers[0] + len(numbers)))
    need(numbers == wanted, f"sequence_numbers are {numbers[:20]}")


def joined(subject: Subject) -> None:
    """Deltas join to the done text, and to the completed response's."""
    events = _streamed(subject)
    deltas = "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")
    need(deltas, "the stream has no text")
    done = [text_at(e, "text") for e in events if e["type"] == "response.output_text.done"]
    need("".join(done) == deltas, "output_text.done is another text than the deltas'")
    final = at(events[-1], "response")
    _is_response(final)
    need(_text(final) == deltas, "the completed response has another text than the deltas'")
    count_at(final, "usage", "total_tokens")


def tools(subject: Subject) -> None:
    """A function is called; its output is taken."""
    question = {"role": "user", "content": subject.question("Weather in Ghent for 3 days?")}
    asking = {"tools": [_TOOL], "tool_choice": "required", "store": False}
    first = _asked(subject, input=[question], **asking)
    calls = [item for item in list_at(first, "output") if at(item, "type") == "function_call"]
    need(calls, "no function_call in the output")
    outputs = []
    for call in calls:
        need(at(call, "name") == "look_up", "the function called is not the one offered")
        trip(text_at(call, "arguments"))
        identity = text_at(call, "call_id")
        outputs.append({"type": "function_call_output", "call_id": identity, "output": "Sunny."})
    turns = [question, *first["output"], *outputs]
    second = _asked(subject, input=turns, tools=[_TOOL], tool_choice="none", store=False)
    need(_text(second), "the output is not answered with text")


def stream_tools(subject: Subject) -> None:
    """Pieces of arguments join to the done arguments."""
    asking: dict[str, Any] = {"tools": [_TOOL], "tool_choice": "required"}
    events = _streamed(subject, **asking)
    _nested(events)
    kind = "response.function_call_arguments"
    deltas = "".join(event["delta"] for event in events if event["type"] == f"{kind}.delta")
    done = [text_at(event, "arguments") for event in events if event["type"] == f"{kind}.done"]
    need(done, f"no {kind}.done")
    need("".join(done) == deltas, "the done arguments are others than the deltas'")
    for arguments in done:
        trip(arguments)


def structured(subject: Subject) -> None:
    """text.format: the text is an instance of the schema."""
    wanted = {"format": {"type": "json_schema", "name": "trip", "strict": True, "schema": CITY}}
    trip(_text(_asked(subject, text=wanted)))


def follows(subject: Subject) -> None:
    """previous_response_id carries the turns before."""
    first = _asked(subject, store=True)
    second = _asked(subject, previous_response_id=text_at(first, "id"))
    need(at(second, "previous_response_id") == first["id"], "previous_response_id is not said back")
    counts = [count_at(answer, "usage", "input_tokens") for answer in (first, second)]
    need(counts[1] > counts[0], f"input_tokens of the two turns are {counts}")


def kept(subject: Subject) -> None:
    """Fetched and deleted by its id."""
    first = _asked(subject, store=True)
    path = f"{_PATH}/{text_at(first, 'id')}"
    again = good(subject.get(path))
    need(_text(again) == _text(first), "the kept response has another text")
    deleted = good(subject.send("DELETE", path, None, subject.headers()))
    need(at(deleted, "deleted") is True, "deleted is not true")
    error_object(subject.get(path), 404)


def unknown(subject: Subject) -> None:
    """An unknown previous response is an error, not forgotten turns."""
    _asked(subject)
    body = _body(subject, previous_response_id=_UNKNOWN)
    error_object(subject.post(_PATH, body), 400, 404)


def not_stored(subject: Subject) -> None:
    """store: false leaves nothing to fetch or to follow."""
    response = _asked(subject, store=False)
    need(at(response, "store") is False, f"store is {response['store']!r}")
    error_object(subject.get(f"{_PATH}/{text_at(response, 'id')}"), 404)
    body = _body(subject, previous_response_id=response["id"])
    error_object(subject.post(_PATH, body), 400, 404)


def refused(subject: Subject) -> None:
    """A wrong field is a 400 with an error object."""
    _asked(subject)
    error_object(subject.post(_PATH, _body(subject, input=5)), 400, 422)


def _body(subject: Subject, **fields: Any) -> dict[str, Any]:
    asked = {"model": subject.model, "input": subject.question()}
    return {**asked, "max_output_tokens": _OUTPUT_TOKENS, **fields}


def _asked(subject: Subject, **fields: Any) -> Any:
    return good(subject.offered(_PATH, _body(subject, **fields)))


def _streamed(subject: Subject, **fields: Any) -> list[Any]:
    decoded = []
    for event in streamed(subject.offered(_PATH, _body(subject, stream=True, **fields))):
        if event.data == "[DONE]" and not event.name:  # some servers end as chat completions do
            continue
        value = event.json
        kind = text_at(value, "type")
        need(kind == event.name, f"event {event.name!r} has type {kind!r}")
        need(kind not in {"error", "response.failed"}, f"the stream failed: {event.data}")
        decoded.append(value)
    need(decoded, "the stream is empty")
    return decoded


def _nested(events: list[Any]) -> None:
    """Raises Unfulfilled where what belongs to an item comes outside of its added and done."""
    added, open_items = 0, set()
    for event in events:
        kind, index = event["type"], event.get("output_index")
        if kind == "response.output_item.added":
            need(index == added, f"item {index} is added before {added}")
            open_items.add(index)
            added += 1
        elif index is not None:
            need(index in open_items, f"{kind} of item {index}, which is not open")
            if kind == "response.output_item.done":
                open_items.remove(index)
    need(added, "no item was added")
    need(not open_items, f"items {sorted(open_items)} are never done")
    final = list_at(events[-1], "response", "output")
    need(len(final) == added, f"{added} items were added, {len(final)} are in the response")


def _is_response(response: Any) -> None:
    text_at(response, "id")
    need(at(response, "object") == "response", f"object is {response['object']!r}")
    text_at(response, "model")
    need(at(response, "created_at"), "created_at is missing")
    for item in list_at(response, "output"):
        text_at(item, "type")


def _text(response: Any) -> str:
    parts = [
        part
        for item in list_at(response, "output")
        if at(item, "type") == "message"
        for part in list_at(item, "content")
    ]
    return "".join(at(part, "text") for part in parts if at(part, "type") == "output_text")


CHECKS = (
    Check("responses.shape", shape, "a response has the documented shape"),
    Check("responses.usage", usage, "usage with its details sums to the total"),
    Check("responses.items", items, "input is taken as items, with instructions"),
    Check("responses.stream", order, "response.created first, completed last, items nested"),
    Check("responses.stream.sequence", sequence, "sequence numbers have no gap"),
    Check("responses.stream.text", joined, "deltas join to the done and the completed text"),
    Check("responses.stream.tools", stream_tools, "pieces of arguments join to the done ones"),
    Check("responses.tools", tools, "a function is called and its output taken"),
    Check("responses.json-schema", structured, "structured output is an instance of its schema"),
    Check("responses.previous", follows, "previous_response_id carries the turns before"),
    Check("responses.kept", kept, "a kept response is fetched and deleted by its id"),
    Check("responses.unknown", unknown, "an unknown previous response is an error"),
    Check("responses.store-false", not_stored, "store: false keeps nothing"),
    Check("responses.refused", refused, "a wrong field is refused with an error object"),
)
