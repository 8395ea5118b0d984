"""What a model thinks, repeats or calls is looked at as one text, however it is cut in parts."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from legato.core.errors import OutputBlocked
from legato.core.guard_output import OnOutput
from legato.core.guarding import ARGUMENTS, CALLED, Channel, TextFilter
from legato.gateway.guards.channels import Texts
from legato.gateway.guards.chat_answers import ChatAnswer
from legato.gateway.guards.masking import restoring
from legato.gateway.guards.message_answers import MessageAnswer
from legato.gateway.guards.response_answers import ResponseAnswer
from legato.guardrails.outputs.findings import Found
from legato.guardrails.outputs.holding import HoldBack, Watch
from legato.guardrails.outputs.leaks import TextFinder
from legato.guardrails.redaction import Redaction
from legato.providers import sse

HALVES = ("the word is quok", "ka-7741 and so on")
Making = Callable[[Texts], Any]


def watching(channel: Channel) -> TextFilter | None:
    if channel.name in {ARGUMENTS, CALLED}:
        return None
    watch = Watch("leaks", TextFinder(["quokka-7741"], "CANARY"), OnOutput.BLOCK)
    return HoldBack([watch], Found(), where=channel.name, window=64, now_ms=lambda: 0.0)


def chat(texts: Texts) -> Any:
    return ChatAnswer(texts, {}, answers_json=False)


def messages(texts: Texts, *, sealed: bool = False) -> Any:
    return MessageAnswer(texts, {}, answers_json=False, seals_thinking=sealed, masked=False)


def sealed_messages(texts: Texts) -> Any:
    return messages(texts, sealed=True)


def responses(texts: Texts) -> Any:
    return ResponseAnswer(texts, {}, answers_json=False)


def thought(text: str, index: int) -> dict[str, Any]:
    return {"type": "thinking", "thinking": text, "signature": f"s{index}"}


def summary(*texts: str) -> dict[str, Any]:
    parts = [{"type": "summary_text", "text": one} for one in texts]
    return {"type": "reasoning", "id": "r", "summary": parts}


def message(*texts: str, kind: str = "output_text", field: str = "text") -> dict[str, Any]:
    return {"type": "message", "content": [{"type": kind, field: one} for one in texts]}


WHOLE: dict[str, tuple[Making, dict[str, Any]]] = {
    "details": (chat, {"choices": [{"message": {"reasoning_details": [
        {"type": "reasoning.text", "text": HALVES[0]},
        {"type": "reasoning.summary", "summary": HALVES[1]}]}}]}),
    "thinking": (messages, {"content": [thought(HALVES[0], 0), thought(HALVES[1], 1)]}),
    "signed": (sealed_messages, {"content": [thought(HALVES[0], 0), thought(HALVES[1], 1)]}),
    "parted": (messages, {"content": [
        thought(HALVES[0], 0), {"type": "text", "text": "hi"}, thought(HALVES[1], 1)]}),
    "summaries": (responses, {"output": [summary(*HALVES)]}),
    "items": (responses, {"output": [summary(HALVES[0]), summary(HALVES[1])]}),
    "refusals": (responses, {"output": [message(*HALVES, kind="refusal", field="refusal")]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_answers_hide_nothing_at_the_borders_of_parts(kind: str) -> None:
    make, body = WHOLE[kind]
    with pytest.raises(OutputBlocked):
        make(Texts([watching])).whole(json.loads(json.dumps(body)))
    clean = json.loads(json.dumps(body).replace("quok", "quik"))
    assert make(Texts([watching])).whole(json.loads(json.dumps(clean))) == clean


def message_events() -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": {"content": []}}
    for index, half in enumerate(HALVES):
        block = {"type": "thinking", "thinking": "", "signature": ""}
        yield {"type": "content_block_start", "index": index, "content_block": block}
        for at in range(0, len(half), 5):
            delta = {"type": "thinking_delta", "thinking": half[at : at + 5]}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        signed = {"type": "signature_delta", "signature": f"s{index}"}
        yield {"type": "content_block_delta", "index": index, "delta": signed}
        yield {"type": "content_block_stop", "index": index}
    block = {"type": "text", "text": ""}
    yield {"type": "content_block_start", "index": 2, "content_block": block}
    delta = {"type": "text_delta", "text": "Hello."}
    yield {"type": "content_block_delta", "index": 2, "delta": delta}
    yield {"type": "content_block_stop", "index": 2}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    yield {"type": "message_stop"}


def response_events() -> Iterator[dict[str, Any]]:
    item = {"type": "reasoning", "id": "r", "summary": []}
    stem = "response.reasoning_summary"
    yield {"type": "response.output_item.added", "output_index": 0, "item": item}
    for index, half in enumerate(HALVES):
        place = {"output_index": 0, "summary_index": index, "item_id": "r"}
        part = {"type": "summary_text", "text": ""}
        yield {"type": f"{stem}_part.added", **place, "part": part}
        for at in range(0, len(half), 5):
            yield {"type": f"{stem}_text.delta", **place, "delta": half[at : at + 5]}
        yield {"type": f"{stem}_text.done", **place, "text": half}
        yield {"type": f"{stem}_part.done", **place, "part": {**part, "text": half}}
    yield {"type": "response.output_item.done", "output_index": 0, "item": summary(*HALVES)}
    place = {"output_index": 1, "content_index": 0, "item_id": "m"}
    yield {"type": "response.output_item.added", "output_index": 1, "item": message()}
    yield {"type": "response.output_text.delta", **place, "delta": "Hello."}
    yield {"type": "response.output_text.done", **place, "text": "Hello."}
    yield {"type": "response.output_item.done", "output_index": 1, "item": message("Hello.")}
    output = [summary(*HALVES), message("Hello.")]
    yield {"type": "response.completed", "response": {"output": output}}


def completed_alone() -> Iterator[dict[str, Any]]:
    output = [summary(HALVES[0]), message("Hello."), summary(HALVES[1])]
    yield {"type": "response.completed", "response": {"output": output}}


def text_completed_later() -> Iterator[dict[str, Any]]:
    place = {"output_index": 0, "content_index": 0, "item_id": "m"}
    yield {"type": "response.output_text.delta", **place, "delta": HALVES[0]}
    yield {"type": "response.output_text.done", **place, "text": HALVES[0]}
    yield {"type": "response.completed", "response": {"output": [message(*HALVES)]}}


def detail_events() -> Iterator[dict[str, Any]]:
    for index, half in enumerate(HALVES):
        for at in range(0, len(half), 5):
            detail = {"type": "reasoning.text", "index": index, "text": half[at : at + 5]}
            yield {"choices": [{"index": 0, "delta": {"reasoning_details": [detail]}}]}
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


STREAMS: dict[str, tuple[Making, Callable[[], Iterator[dict[str, Any]]]]] = {
    "thinking": (messages, message_events),
    "signed": (sealed_messages, message_events),
    "summaries": (responses, response_events),
    "completed": (responses, completed_alone),
    "text": (responses, text_completed_later),
    "details": (chat, detail_events),
}


def streamed(make: Making, events: Iterator[dict[str, Any]], old: str, new: str) -> list[Any]:
    answer = make(Texts([watching]))
    out = []
    for number, one in enumerate(events):
        numbered = one if make is not responses else {**one, "sequence_number": number}
        written = json.dumps(numbered).replace(old, new)
        out.append(answer.event(f"data: {written}\n\n".encode()))
    return [json.loads(sse.data(one)) for one in sse.split(b"".join(out))]


@pytest.mark.parametrize("kind", STREAMS)
def test_streams_hide_nothing_at_the_borders_of_parts(kind: str) -> None:
    make, events = STREAMS[kind]
    with pytest.raises(OutputBlocked):
        streamed(make, events(), "-", "-")


@pytest.mark.parametrize("kind", STREAMS)
def test_what_holds_nothing_comes_out_whole_and_in_order(kind: str) -> None:
    make, events = STREAMS[kind]
    out = streamed(make, events(), "quo", "qui")
    kinds = [one["type"] for one in out if "type" in one]
    given = [one["type"] for one in events() if "type" in one]
    assert list(dict.fromkeys(kinds)) == list(dict.fromkeys(given))
    told = "".join(map(_text, sorted(out, key=_detail)))  # each detail goes out by itself
    assert told == "".join(map(_text, events())).replace("quo", "qui")
    if make is responses:
        assert out[-1]["response"] == json.loads(
            json.dumps(list(events())[-1]["response"]).replace("quo", "qui")
        )
        numbers = [one["sequence_number"] for one in out if "sequence_number" in one]
        assert numbers == list(range(len(numbers)))


def _detail(event: dict[str, Any]) -> int:
    details = [one["delta"].get("reasoning_details") for one in event.get("choices") or ()]
    return int(details[0][0]["index"]) if details and details[0] else 0


def _text(event: dict[str, Any]) -> str:
    delta = event.get("delta")
    if isinstance(delta, str):
        return delta
    found = (delta or {}).get("thinking") or (delta or {}).get("text") or ""
    for choice in event.get("choices") or ():
        details = choice["delta"].get("reasoning_details") or ()
        found += "".join(one.get("text", "") for one in details)
    return str(found)


def test_thoughts_before_a_text_do_not_hold_it_back() -> None:
    answer = messages(Texts([watching]))
    for one in message_events():
        written = json.dumps(one).replace("quo", "qui")
        out = answer.event(f"data: {written}\n\n".encode())
        if one.get("index") == 2 and one["type"] == "content_block_start":
            assert out.endswith(b'"text":""}}\n\n')


def test_names_of_tools_that_nobody_declared_are_put_back() -> None:
    redaction = Redaction()
    redaction.values["PERSON_abc234_001"] = "ann"
    texts = [restoring(redaction)]
    called = "send_PERSON_abc234_001_mail"
    function = {"name": called, "arguments": "{}"}
    body = {"choices": [{"message": {"tool_calls": [{"function": dict(function)}]}}]}
    told = chat(Texts(texts)).whole(body)["choices"][0]["message"]["tool_calls"][0]
    assert told["function"]["name"] == "send_ann_mail"
    use = {"type": "tool_use", "name": called, "input": {}}
    assert messages(Texts(texts)).whole({"content": [use]})["content"][0]["name"] == "send_ann_mail"
    item = {"type": "function_call", **function}
    assert responses(Texts(texts)).whole({"output": [item]})["output"][0]["name"] == "send_ann_mail"
    for size in (3, 8, 99):
        answer, name = chat(Texts(texts)), ""
        pieces = [called[at : at + size] for at in range(0, len(called), size)]
        deltas = [{"name": one, "arguments": ""} for one in pieces] + [{"arguments": "{}"}]
        for one in deltas:
            delta = {"tool_calls": [{"index": 0, "function": one}]}
            event = {"choices": [{"index": 0, "delta": delta}]}
            for frame in sse.split(answer.event(f"data: {json.dumps(event)}\n\n".encode())):
                for call in json.loads(sse.data(frame))["choices"][0]["delta"]["tool_calls"]:
                    name += call["function"].get("name") or ""
        assert name == "send_ann_mail", size
