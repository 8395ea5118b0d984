"""No field of an answer is a way past the checks: a word is planted in each, in every dialect."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from tests.unit.gateway.guards.answers_by_dialect import (
    CHAT,
    MESSAGE,
    MESSAGE_STREAM,
    PARTS,
    RESPONSE,
    STREAMS,
    WHOLE,
    block,
    chunk,
)

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.api.openai.completions import Completions
from legato.api.openai.responses.surface import Responses
from legato.core.clock import ManualClock
from legato.core.errors import LegatoError, OutputBlocked
from legato.core.guard_output import OnOutput, OutputChecks
from legato.core.guarding import Finding, Piece
from legato.core.ids import IdSource
from legato.core.wire import RequestView, StreamReader, Surface
from legato.gateway.context import Call
from legato.gateway.guards.answers import filtered, filtering
from legato.gateway.guards.masking import mask
from legato.gateway.guards.output import AnswerChecks
from legato.guardrails.outputs.finder import WindowFinder
from legato.guardrails.outputs.holding import Watch
from legato.guardrails.outputs.plan import OutputPlan
from legato.guardrails.outputs.schemas import Schemas
from legato.guardrails.policy.deciding import Masked
from legato.providers.anthropic.stream import AnthropicReader
from legato.providers.openai_compatible.stream import OpenAIReader

CLOCK = ManualClock()
WORD = "quokka"
NO_TEXT = frozenset(
    {
        "id", "type", "object", "model", "role", "status", "finish_reason", "stop_reason",
        "native_finish_reason", "signature", "encrypted_content", "encrypted_index", "call_id",
        "tool_use_id", "item_id", "file_id", "format", "service_tier", "system_fingerprint",
        "provider", "obfuscation", "media_type", "phase", "container_id",
    }
)  # fmt: skip
"""Ids, kinds and states, and what only its vendor can read."""
Path = tuple[str | int, ...]


def surface_of(dialect: str) -> Surface:
    if dialect == "messages":
        return Messages()
    if dialect == "responses":
        return Responses(CLOCK, IdSource(CLOCK)).turn({"model": "m", "input": "hi"})
    return Completions() if dialect == "completions" else ChatCompletions(CLOCK)


def reader_of(dialect: str) -> StreamReader:
    if dialect == "messages":
        return AnthropicReader(secret=None)
    if dialect == "responses":
        return AsGiven()
    return OpenAIReader(choices=1, wants_usage=True, secret=None)


class AsGiven:
    """Frames of responses as they are: none of our providers speaks that dialect yet."""

    started = True
    finished = True
    error = usage = None
    model = ""
    output_chars = 0

    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def close(self) -> bytes:
        return b""


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where the texts of something are, and the objects that could have one more."""
    if isinstance(value, str) and path[-1] not in NO_TEXT:
        yield path
    elif isinstance(value, dict):
        if not path or path[-1] != "usage":
            yield (*path, "surprise")
        for name, one in value.items():
            if name != "usage":
                yield from places(one, (*path, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from places(one, (*path, index))


def planted(value: Any, path: Path, word: str) -> Any:
    value = inside = deepcopy(value)
    for name in path[:-1]:
        inside = inside[name]
    given = inside.get(path[-1]) if isinstance(inside, dict) else inside[path[-1]]
    is_json = path[-1] in {"arguments", "partial_json"} or (
        isinstance(given, str) and given.startswith("{")
    )
    inside[path[-1]] = json.dumps({"a": f"a {word} b"}) if is_json else f"a {word} b"
    return value


def checked_call(dialect: str, action: OnOutput = OnOutput.REDACT, *, stream: bool) -> Call:
    call = Call("r", surface_of(dialect), Nowhere(), 0)
    call.body = {"model": "m", "stream": stream}
    call.view = RequestView("m", stream=stream)
    watch = Watch("rules.word", WindowFinder(found, 64), action)
    plan = OutputPlan("p@1", OutputChecks(), rules=[watch])
    checks = AnswerChecks(call, [plan], Schemas())
    call.outputs, call.answer_filters = checks, (checks.filter_for,)
    return call


def found(text: str) -> list[Finding]:
    return [Finding("WORD", *one.span()) for one in re.finditer(WORD, text)]


class Nowhere:
    credential = None

    def header(self, name: bytes) -> None:
        del name

    async def body(self) -> bytes:
        return b""


def frames_of(events: list[dict[str, Any]], dialect: str) -> bytes:
    named = dialect in {"messages", "responses"}
    frames = [
        (f"event: {one['type']}\n" if named else "") + f"data: {json.dumps(one)}\n\n"
        for one in events
    ]
    return "".join(frames).encode() + (b"" if named else b"data: [DONE]\n\n")


def streamed(call: Call, dialect: str, events: list[dict[str, Any]]) -> bytes:
    reader = filtering(call, reader_of(dialect))
    out = reader.feed(frames_of(events, dialect)) + reader.close()
    if reader.error is not None:
        raise reader.error
    assert reader.finished
    return out


@pytest.mark.parametrize("dialect", WHOLE)
def test_a_word_is_withheld_wherever_it_stands_in_a_whole_answer(dialect: str) -> None:
    body, seen = WHOLE[dialect], 0
    for path in places(body):
        for action in (OnOutput.REDACT, OnOutput.BLOCK):
            call = checked_call(dialect.split(maxsplit=1)[0], action, stream=False)
            try:
                out = filtered(call, json.dumps(planted(body, path, WORD)).encode())
            except OutputBlocked:
                continue
            assert WORD.encode() not in out, path
            seen += 1
    assert seen > 5


@pytest.mark.parametrize("dialect", STREAMS)
def test_a_word_is_withheld_wherever_it_stands_in_a_stream(dialect: str) -> None:
    events = STREAMS[dialect]
    for path in places(events):
        call = checked_call(dialect, stream=True)
        try:
            out = streamed(call, dialect, planted(events, path, WORD))
        except OutputBlocked:
            continue
        assert WORD.encode() not in out, path


@pytest.mark.parametrize("dialect", STREAMS)
def test_what_holds_nothing_forbidden_passes(dialect: str) -> None:
    call = checked_call(dialect, stream=True)
    out = streamed(call, dialect, STREAMS[dialect]).decode()
    assert "withheld" not in out
    if dialect in WHOLE:
        whole = json.loads(filtered(checked_call(dialect, stream=False),
                                    json.dumps(WHOLE[dialect]).encode()))  # fmt: skip
        assert without_logprobs(whole) == without_logprobs(WHOLE[dialect])


def without_logprobs(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_logprobs(one) for name, one in value.items() if name != "logprobs"}
    return [without_logprobs(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("dialect", [*WHOLE, *(f"{one} stream" for one in STREAMS)])
def test_values_are_put_back_wherever_they_stand(dialect: str) -> None:
    name, stream = dialect.split(maxsplit=1)[0], dialect.endswith("stream")
    sample: Any = STREAMS[name] if stream else WHOLE[dialect]
    for path in places(sample):
        if path[-1] in {"name", "server_name", "server_label", "token", "data"}:
            continue  # names are what the caller declared
        if "logprobs" in path or "top_logprobs" in path:
            continue  # left out
        if path[-1] in {"text", "summary", "surprise"} and "reasoning_details" in path:
            continue  # its vendor wants these unchanged
        call = Call("r", surface_of(name), Nowhere(), 0)
        call.body = {"model": "m", "note": "Ann Miller"}
        piece = Piece("Ann Miller", "/note")
        masked = [Masked(piece, (Finding("PERSON", 0, 10),), frozenset())]
        mask(call, masked, [piece])
        stands = call.body["note"]
        given = planted(sample, path, stands)
        out = streamed(call, name, given) if stream else filtered(call, json.dumps(given).encode())
        assert stands.encode() not in out, path


SPLIT: dict[str, list[dict[str, Any]]] = {
    "chat thoughts": [
        chunk({"thoughts": "a quo"}),
        chunk({"thoughts": "kka b"}),
        chunk({}, finish_reason="stop"),
    ],
    "chat deep": [
        chunk({"new": {"parts": [{"type": "t", "text": "a quo"}]}}),
        chunk({"new": {"parts": [{"type": "t", "text": "kka b"}]}}),
        chunk({}, finish_reason="stop"),
    ],
    "chat frame": [
        {**chunk({"content": "x"}), "thoughts": "a quo"},
        {**chunk({"content": "x"}), "thoughts": "kka b"},
        chunk({}, finish_reason="stop"),
    ],
    "chat name": [
        chunk({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "quo"}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"name": "kka", "arguments": "{}"}}]}),
        chunk({}, finish_reason="tool_calls"),
    ],
    "messages new": [
        MESSAGE_STREAM[0],
        *block(0, {"type": "new"}, {"type": "new_delta", "words": "a quo"},
               {"type": "new_delta", "words": "kka b"}),
        *MESSAGE_STREAM[-2:],
    ],
    "messages blocks": [
        MESSAGE_STREAM[0],
        *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "one quo"}),
        *block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "kka two"}),
        *MESSAGE_STREAM[-2:],
    ],
    "messages around a tool": [
        MESSAGE_STREAM[0],
        *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "one quo"}),
        *block(1, MESSAGE["content"][2]),
        *block(2, {"type": "text", "text": "kka two"}),
        *MESSAGE_STREAM[-2:],
    ],
    "responses items": [
        {"type": "response.created", "response": RESPONSE | {"output": []}},
        *(
            {"type": f"response.output_text.{end}", "output_index": index, "content_index": 0,
             "item_id": str(index), field: text}
            for index, text in ((0, "one quo"), (1, "kka two"))
            for end, field in (("delta", "delta"), ("done", "text"))
        ),
        {"type": "response.completed", "response": RESPONSE | {"output": []}},
    ],
    "responses new": [
        {"type": "response.created", "response": RESPONSE | {"output": []}},
        {"type": "response.new.delta", "output_index": 0, "delta": "a quo"},
        {"type": "response.new.delta", "output_index": 0, "delta": "kka b"},
        {"type": "response.completed", "response": RESPONSE | {"output": []}},
    ],
}  # fmt: skip


def said(frames: bytes) -> str:
    """All texts of a stream, one behind the other, as a client may put them together."""
    texts: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for name, one in value.items():
                if name not in NO_TEXT:
                    walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, str):
            texts.append(value)

    for line in frames.decode().splitlines():
        if line.startswith("data: {"):
            body = json.loads(line[6:])
            if not body.get("type", "").endswith((".done", "completed")):
                walk({**body, "response": None, "message": None})
    return "".join(texts)


@pytest.mark.parametrize("way", SPLIT)
@pytest.mark.parametrize("action", [OnOutput.REDACT, OnOutput.BLOCK])
def test_a_word_cut_in_two_is_withheld(way: str, action: OnOutput) -> None:
    dialect = way.split(maxsplit=1)[0]
    call = checked_call(dialect, action, stream=True)
    try:
        out = streamed(call, dialect, SPLIT[way])
    except OutputBlocked:
        return
    assert WORD not in said(out)
    assert action is OnOutput.REDACT or way == "chat frame"


def test_choices_that_interleave_are_each_looked_through() -> None:
    call = checked_call("chat", stream=True)
    halves = ["a quo", "b quo", "kka a", "kka b"]
    events = [chunk({"content": one}, index=number % 2) for number, one in enumerate(halves)]
    events += [chunk({}, index=index, finish_reason="stop") for index in (0, 1)]
    reader = filtering(call, OpenAIReader(choices=2, wants_usage=True, secret=None))
    out = reader.feed(frames_of(events, "chat")) + reader.close()
    heard = ["", ""]
    for line in out.decode().splitlines():
        if line.startswith("data: {"):
            choice = json.loads(line[6:])["choices"][0]
            heard[choice["index"]] += choice["delta"].get("content", "")
    assert heard == ["a [withheld] a", "b [withheld] b"]


def test_a_word_cut_in_two_by_blocks_of_a_whole_answer_is_withheld() -> None:
    halves = ("one quo", "kka two")
    texts = [{"type": "text", "text": one} for one in halves]
    bodies = {
        "messages": MESSAGE | {"content": texts},
        "responses": RESPONSE
        | {
            "output": [
                {"type": "message", "content": [{"type": "output_text", "text": one}]}
                for one in halves
            ]
        },
        "chat": {**PARTS, "choices": [{"index": 0, "message": {"content": texts}}]},
    }
    for dialect, body in bodies.items():
        out = filtered(checked_call(dialect, stream=False), json.dumps(body).encode())
        assert b"quo" not in out, dialect
        assert b"kka" not in out, dialect
        assert b"one [withheld]" in out, dialect
        with pytest.raises(OutputBlocked):
            filtered(checked_call(dialect, OnOutput.BLOCK, stream=False), json.dumps(body).encode())


def test_frames_wait_behind_a_text_that_is_held_and_keep_their_order() -> None:
    call = checked_call("messages", stream=True)
    events = [
        MESSAGE_STREAM[0],
        *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "one "}),
        *block(1, MESSAGE["content"][2]),
        *block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "two"}),
        *MESSAGE_STREAM[-2:],
    ]
    out = streamed(call, "messages", events).decode()
    bodies = [json.loads(line[6:]) for line in out.splitlines() if line.startswith("data: ")]
    told = [(one["type"].removeprefix("content_block_"), one.get("index")) for one in bodies]
    assert told[1:-2] == [
        ("start", 0), ("delta", 0), ("stop", 0), ("start", 1), ("stop", 1),
        ("start", 2), ("delta", 2), ("stop", 2),
    ]  # fmt: skip


def test_sound_and_pictures_that_nobody_looked_into_are_withheld() -> None:
    spoken = deepcopy(CHAT)
    spoken["choices"][0]["message"]["audio"]["data"] = "UklGRg=="
    painted = RESPONSE | {"output": [{"type": "image_generation_call", "result": "iVBO"}]}
    for dialect, body in (("chat", spoken), ("responses", painted)):
        with pytest.raises(LegatoError, match="can't be looked into"):
            filtered(checked_call(dialect, stream=False), json.dumps(body).encode())
        call = checked_call(dialect, OnOutput.FLAG, stream=False)
        assert json.loads(filtered(call, json.dumps(body).encode()))
