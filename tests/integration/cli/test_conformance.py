"""Checks of `legato conformance` against a little server, right and then wrong in one point."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from legato.cli.conformance.catalogue import CHECKS
from legato.cli.conformance.check import Outcome, Result, carry_out
from legato.cli.conformance.subject import Subject
from wire_servers.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Say = Callable[[], web.Response]

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
Frames = list[tuple[str, Any]]


def chunk(delta: Any, finish: str | None = None, **fields: Any) -> tuple[str, Any]:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return "", head | {"choices": choices} | fields


def call(arguments: str, **fields: Any) -> tuple[str, Any]:
    piece = {"index": 0, "function": {"arguments": arguments}} | fields
    return chunk({"tool_calls": [piece]})


def chat_frames() -> Frames:
    return [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "naïve café"}),
        chunk({}, "stop"),
        ("", "[DONE]"),
    ]


def usage_frames() -> Frames:
    return [*chat_frames()[:-1], chunk({}, choices=[], usage=USAGE), ("", "[DONE]")]


def tool_frames() -> Frames:
    named = {"name": "look_up", "arguments": ""}
    return [
        call("", id="t", type="function", function=named),
        call('{"city":"Ghent",'),
        call('"days":3}'),
        chunk({}, "tool_calls"),
        ("", "[DONE]"),
    ]


def message_frames() -> Frames:
    started = {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}
    block, text = {"type": "text", "text": ""}, {"type": "text_delta", "text": "Rivers flow."}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": started},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": text},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ]
    return [(event["type"], event) for event in events]


def response_frames() -> Frames:
    part = {"type": "output_text", "text": "Rivers flow."}
    item = {"type": "message", "content": [part]}
    response = {"id": "r", "object": "response", "model": "m", "created_at": 1}
    counts = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    done = response | {"output": [item], "usage": counts}
    kinds: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.in_progress", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "Rivers "},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "flow."},
        {"type": "response.output_text.done", "output_index": 0, "text": "Rivers flow."},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": done},
    ]
    return [(event["type"], event | {"sequence_number": n}) for n, event in enumerate(kinds)]


def raw(frames: Frames) -> bytes:
    lines = []
    for name, data in frames:
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        lines.append((f"event: {name}\n" if name else "") + f"data: {text}\n\n")
    return "".join(lines).encode()


def stream(frames: Frames) -> web.Response:
    return web.Response(body=raw(frames), content_type="text/event-stream")


def whole(**fields: Any) -> web.Response:
    message = {"role": "assistant", "content": "Rivers flow."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE}
    return web.json_response(answer | {"choices": [choice]} | fields)


def refusal(status: int, error: Any = None, **fields: Any) -> web.Response:
    object_ = {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}
    return web.json_response({"error": error or object_ | fields}, status=status)


def key_said_back() -> web.Response:
    return refusal(401, code="key-not-a-key")


class LittleServer(ThreadedServer):
    """Answers every path with what the test last said."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys((CHAT, MESSAGES, RESPONSES), self._answer))
        self.say: Say = whole

    async def _answer(self, request: web.Request) -> web.Response:
        if "content-encoding" not in request.headers:  # what is packed stays so
            await request.read()
        return self.say()

    def judged(self, name: str, say: Say) -> Result:
        self.say = say
        check = next(check for check in CHECKS if check.name == name)
        return carry_out(check, Subject(self.url, "key", "m", timeout_s=5.0))


@pytest.fixture(scope="module")
def server() -> Iterator[LittleServer]:
    with LittleServer() as little:
        yield little


def without(frames: Frames, at: int) -> Frames:
    return frames[:at] + frames[at + 1 :]


def instead(frames: Frames, at: int, frame: tuple[str, Any]) -> Frames:
    return [*frames[:at], frame, *frames[at + 1 :]]


def also(frames: Frames, at: int, frame: tuple[str, Any]) -> Frames:
    return [*frames[:at], frame, *frames[at:]]


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("chat.stream.shape", chat_frames()),
        ("chat.stream.done", chat_frames()),
        ("chat.stream.finish", chat_frames()),
        ("chat.stream.utf-8", chat_frames()),
        ("chat.stream.usage-unasked", chat_frames()),
        ("chat.stream.usage", usage_frames()),
        ("chat.stream.tools", tool_frames()),
        ("messages.stream", message_frames()),
        ("messages.stream.usage", message_frames()),
        ("responses.stream", response_frames()),
        ("responses.stream.sequence", response_frames()),
        ("responses.stream.text", response_frames()),
    ],
)
def test_a_right_stream_passes(server: LittleServer, name: str, frames: Frames) -> None:
    result = server.judged(name, lambda: stream(frames))
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


@pytest.mark.parametrize(
    ("name", "frames", "reason"),
    [
        ("chat.stream.done", chat_frames()[:-1], "[DONE] comes 0 times"),
        ("chat.stream.done", [*chat_frames(), ("", "[DONE]")], "[DONE] comes 2 times"),
        ("chat.stream.done", [*chat_frames(), chat_frames()[2]], "not the last"),
        ("chat.stream.finish", also(chat_frames(), 3, chunk({}, "stop")), "{0: 2}"),
        ("chat.stream.finish", without(chat_frames(), 2), "{}"),
        ("chat.stream.finish", also(chat_frames(), 1, chunk({"content": "x"}, "")), "''"),
        ("chat.stream.finish", also(chat_frames(), 3, chunk({"content": "x"})), "after its end"),
        ("chat.stream.finish", also(chat_frames(), 2, ("", {"error": {}})), "the stream failed"),
        ("chat.stream.finish", also(chat_frames(), 2, ("", "{")), "not JSON"),
        ("chat.stream.shape", also(chat_frames(), 2, chunk({}, model="other")), "model differs"),
        ("chat.stream.shape", without(chat_frames(), 0), "role"),
        ("chat.stream.utf-8", instead(chat_frames(), 1, chunk({"content": "na�"})), "U+FFFD"),
        ("chat.stream.usage-unasked", usage_frames(), "without choices"),
        ("chat.stream.usage", chat_frames(), "comes 0 times"),
        ("chat.stream.usage", also(usage_frames(), 3, usage_frames()[3]), "comes 2 times"),
        ("chat.stream.usage", instead(usage_frames(), 3, chunk({}, usage=USAGE)), "has choices"),
        (
            "chat.stream.usage",
            instead(usage_frames(), 3, chunk({}, choices=[], usage=USAGE | {"total_tokens": 9})),
            "3 + 2 tokens are said to be 9",
        ),
        ("chat.stream.tools", chat_frames(), "no tool call"),
        ("chat.stream.tools", also(tool_frames(), 0, chunk({"tool_calls": []})), "empty list"),
        ("chat.stream.tools", without(tool_frames(), 0), "there is no name"),
        ("chat.stream.tools", without(tool_frames(), 1), "is not JSON"),
        ("chat.stream.tools", instead(tool_frames(), 3, chunk({}, "stop")), "not 'tool_calls'"),
        (
            "chat.stream.tools",
            also(tool_frames(), 1, chunk({"tool_calls": [{"function": {"arguments": ""}}]})),
            "there is no index",
        ),
        ("messages.stream", without(message_frames(), 0), "the first event is"),
        ("messages.stream", without(message_frames(), 1), "which is not open"),
        ("messages.stream", without(message_frames(), 3), "within a block"),
        ("messages.stream", also(message_frames(), 2, message_frames()[1]), "within another"),
        ("messages.stream", message_frames()[:-1], "the last event is"),
        ("messages.stream.usage", also(message_frames(), 1, message_frames()[0]), "2 times"),
        ("messages.stream.usage", without(message_frames(), 4), "no message_delta"),
        ("responses.stream", without(response_frames(), 0), "the first event is"),
        ("responses.stream", without(response_frames(), 2), "which is not open"),
        ("responses.stream", without(response_frames(), 6), "never done"),
        ("responses.stream", response_frames()[:-1], "the last event is"),
        ("responses.stream.sequence", without(response_frames(), 3), "sequence_numbers are"),
        ("responses.stream.text", without(response_frames(), 3), "another text"),
    ],
)  # fmt: skip
def test_a_wrong_stream_fails(server: LittleServer, name: str, frames: Frames, reason: str) -> None:
    result = server.judged(name, lambda: stream(frames))
    assert result.outcome is Outcome.FAILED
    assert reason in result.reason


@pytest.mark.parametrize(
    ("name", "right", "wrong", "reason"),
    [
        ("chat.shape", whole, lambda: whole(object="text"), "object is 'text'"),
        ("chat.shape", whole, lambda: whole(choices=[]), "not one choice"),
        ("chat.shape", whole, lambda: web.Response(text="<html>"), "content-type"),
        ("chat.usage", whole, lambda: whole(usage=None), "there is no prompt_tokens"),
        ("errors.nan", lambda: refusal(400), whole, "200, not 400"),
        ("errors.nan", lambda: refusal(400), lambda: refusal(400, "No."), "not an object"),
        ("errors.nan", lambda: refusal(400), lambda: refusal(500), "500, not 400"),
        ("errors.nan", lambda: refusal(400), lambda: refusal(400, {"message": "No."}), "no type"),
        ("errors.duplicate-key", lambda: refusal(400), whole, "200, not 400"),
        ("errors.depth", lambda: refusal(400), whole, "200, not 400"),
        ("errors.field", lambda: refusal(400, param="messages.0"), lambda: refusal(400), "param"),
        ("errors.model", lambda: refusal(404), lambda: refusal(400), "400, not 404"),
        ("errors.no-key", lambda: refusal(401), whole, "200, not 401"),
        ("errors.wrong-key", lambda: refusal(401), key_said_back, "repeats the key"),
        ("errors.gzip-bomb", lambda: refusal(413), whole, "200, not 413"),
        ("chat.stream.refused", lambda: refusal(400), lambda: stream(chat_frames()), "200"),
    ],
)  # fmt: skip
def test_a_whole_answer_is_judged(
    server: LittleServer, name: str, right: Say, wrong: Say, *, reason: str
) -> None:
    assert server.judged(name, right).reason == ""
    result = server.judged(name, wrong)
    assert result.outcome is Outcome.FAILED
    assert reason in result.reason


def test_what_a_server_has_not_is_skipped(server: LittleServer) -> None:
    for name in ("messages.shape", "responses.stream", "messages.errors"):
        result = server.judged(name, lambda: refusal(404))
        assert result.outcome is Outcome.SKIPPED
        assert "404" in result.reason
    refused = server.judged("chat.n", lambda: refusal(400, param="n"))
    assert (refused.outcome, "refuses n" in refused.reason) == (Outcome.SKIPPED, True)
    unpacked = server.judged("errors.gzip-bomb", lambda: refusal(415))
    assert unpacked.outcome is Outcome.SKIPPED


def test_letters_that_never_come_prove_nothing(server: LittleServer) -> None:
    plain = instead(chat_frames(), 1, chunk({"content": "plain"}))
    assert server.judged("chat.stream.utf-8", lambda: stream(plain)).outcome is Outcome.SKIPPED


def test_a_server_that_is_gone_fails() -> None:
    with LittleServer() as little:
        url = little.url
    result = carry_out(CHECKS[0], Subject(url, "key", "m", timeout_s=1.0))
    assert result.outcome is Outcome.FAILED
    assert "the connection failed" in result.reason


def test_every_check_has_a_name_of_its_own() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(check.about for check in CHECKS)
