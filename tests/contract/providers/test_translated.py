"""What kinds keep that are translated, each at its own server; no caller speaks most of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from legato.core.chat import (
    Ended,
    Started,
    Stopped,
    Text,
    TextDelta,
    Tool,
    ToolChoice,
    ToolUse,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.core.errors import (
    BadProviderResponse,
    InvalidRequest,
    ProviderRateLimited,
    ProviderRefusesCredentials,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)
from legato.core.wire import Dialect, Operation, RequestView
from legato.providers.base import Target
from legato.providers.transport import Timeouts, TransportError, open_transport

sys.path.append(str(Path(__file__).parent))  # --import-mode=importlib adds no folder by itself
from subjects import SURFACES
from translated import KINDS, Asked, question

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from legato.core.chat import ChatEvent, ChatResponse
    from legato.core.wire import StreamDecoder
    from legato.providers.transport import Response

WAITS = Timeouts(connect_s=5.0, first_byte_s=10.0, idle_s=10.0)
CHUNK_BYTES = (1, 7, 1 << 20)
MESSAGES = [{"role": "user", "content": "hello"}]
CALLERS = [dialect for dialect, operation in SURFACES if operation is Operation.CHAT]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CLASSES = [
    (400, ProviderRejected, 400, False),
    (401, ProviderRefusesCredentials, 502, False),
    (404, ProviderRejected, 404, False),
    (408, ProviderTimeout, 504, True),
    (429, ProviderRateLimited, 429, True),
    (500, ProviderUnavailable, 503, True),
    (503, ProviderUnavailable, 503, True),
    (529, ProviderUnavailable, 503, True),
]


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    with KINDS[request.param].server() as server:
        yield request.param, server


@pytest.fixture
async def asked(server: tuple[str, Any]) -> AsyncIterator[Asked]:
    kind = KINDS[server[0]]
    provider = kind.open(server[1])
    transport = open_transport("http1", provider.base_url, timeouts=WAITS)
    yield Asked(kind, provider, transport, server[1])
    await transport.close()


async def everything(response: Response) -> bytes:
    chunks = []
    while (chunk := await response.read_chunk()) is not None:
        chunks.append(chunk)
    return b"".join(chunks)


def decoded(asked: Asked, raw: bytes, size: int) -> tuple[StreamDecoder, list[ChatEvent]]:
    decoder = asked.provider.decoder()
    events: list[ChatEvent] = []
    for at in range(0, len(raw), size):
        events += decoder.feed(raw[at : at + size])
    return decoder, events + decoder.close()


def text_of(chat: ChatResponse) -> str:
    return "".join(part.text for part in chat.choices[0].parts if isinstance(part, Text))


async def failed(asked: Asked, said: str) -> UpstreamError:
    response = await asked.send(said)
    body = await response.read(1 << 20)
    return asked.provider.failure(response.status, response.headers, body)


async def test_a_whole_answer_and_a_stream_agree_for_any_split(asked: Asked) -> None:
    whole = await (await asked.send("hello")).read(1 << 20)
    answer, chat = asked.provider.answer(Operation.CHAT, whole), asked.provider.to_chat(whole)
    assert answer.usage is not None
    assert answer.model == chat.model
    raw = await everything(await asked.send("hello", stream=True))
    for size in CHUNK_BYTES:
        decoder, events = decoded(asked, raw, size)
        assert decoder.finished
        assert decoder.error is None
        assert [type(events[0]), type(events[-1])] == [Started, Ended]
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert text == text_of(chat) != ""
        reasons = [event.reason for event in events if isinstance(event, Stopped)]
        assert reasons == [chat.choices[0].stop_reason]
        usages = [event.usage for event in events if isinstance(event, UsageReported)]
        assert usages[-1] == answer.usage == chat.usage


async def test_a_request_is_framed_for_the_transport(asked: Asked) -> None:
    chat = SURFACES[Dialect.OPENAI, Operation.CHAT].to_chat(
        {"model": "alias", "messages": MESSAGES}, drop_unsupported=False
    )
    request = asked.provider.request_from_chat(chat, Target(asked.kind.model))
    assert request.path.startswith(b"/")
    lines = request.headers.split(b"\r\n")
    assert lines.pop() == b""
    own = (b"host:", b"content-length:", b"connection:", b"transfer-encoding:")
    assert not any(line.lower().startswith(own) for line in lines)


async def test_a_bound_of_ours_reaches_the_model(asked: Asked) -> None:
    target = Target(asked.kind.model, 5)
    said = asked.provider.request_from_chat(question("hello"), target).body.decode()
    names = ("max_tokens", "maxTokens", "maxOutputTokens")
    assert [name for name in names if f'"{name}":5' in said] != []


@pytest.mark.parametrize("caller", CALLERS)
async def test_callers_of_every_dialect_are_answered(asked: Asked, caller: Dialect) -> None:
    body: dict[str, Any] = {"model": "alias", "messages": MESSAGES, "max_tokens": 48}
    if caller is Dialect.RESPONSES:
        body = {"model": "alias", "input": MESSAGES, "max_output_tokens": 48}
    chat = SURFACES[caller, Operation.CHAT].to_chat(body, drop_unsupported=False)
    response = await asked.send_chat(chat)
    answer = await response.read(1 << 20)
    assert response.status == 200, answer
    assert text_of(asked.provider.to_chat(answer))


async def test_streamed_tool_calls_are_the_whole_ones(asked: Asked) -> None:
    fields: Any = {
        "tools": (Tool("weather", "Looks it up.", SCHEMA),),
        "tool_choice": ToolChoice("required"),
    }
    whole = asked.provider.to_chat(await (await asked.send("hello", **fields)).read(1 << 20))
    parts = [part for part in whole.choices[0].parts if isinstance(part, ToolUse)]
    calls = [(part.name, json.loads(part.arguments)) for part in parts]
    assert calls
    raw = await everything(await asked.send("hello", stream=True, **fields))
    for size in CHUNK_BYTES:
        _, events = decoded(asked, raw, size)
        begun = [event for event in events if isinstance(event, ToolUseStarted)]
        assert [(one.name, arguments_of(events, one.tool)) for one in begun] == calls
        assert all(one.id for one in begun)
        reasons = [event.reason for event in events if isinstance(event, Stopped)]
        assert reasons == [whole.choices[0].stop_reason]


def arguments_of(events: list[ChatEvent], tool: int) -> Any:
    pieces = [one for one in events if isinstance(one, ToolUseDelta) and one.tool == tool]
    return json.loads("".join(piece.arguments for piece in pieces))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
async def test_a_cut_stream_is_never_whole(asked: Asked, share: float) -> None:
    raw = await everything(await asked.send("hello", stream=True))
    decoder, _ = decoded(asked, raw[: int(len(raw) * share)], 11)
    assert not decoder.finished
    assert decoder.error is None


async def test_a_connection_that_breaks_is_an_error(asked: Asked) -> None:
    response = await asked.send(asked.kind.hanging_up, stream=True)
    with pytest.raises(TransportError) as broken:
        await everything(response)
    assert broken.value.sent


async def test_what_its_server_refuses_has_its_class(asked: Asked) -> None:
    kind = asked.kind
    assert type(await failed(asked, kind.throttled)) is ProviderRateLimited
    assert type(await failed(asked, kind.denied)) is ProviderRefusesCredentials
    assert type(await failed(asked, kind.failing)) is ProviderUnavailable
    assert type(await failed(asked, kind.rejected)) is ProviderRejected


@pytest.mark.parametrize(("status", "kind", "http_status", "retryable"), CLASSES)
@pytest.mark.parametrize("body", [b"", b"<h1>no</h1>", b"[]", b'"no"', b'{"error": 5}'])
async def test_a_status_has_its_class_whatever_its_body(  # noqa: PLR0917 -- the table's columns
    asked: Asked,
    status: int,
    kind: type[UpstreamError],
    http_status: int,
    body: bytes,
    *,
    retryable: bool,
) -> None:
    error = asked.provider.failure(status, [], body)
    assert type(error) is kind
    assert (error.http_status, error.retryable) == (http_status, retryable)
    assert error.fails_over is (kind is not ProviderRejected)
    assert error.message


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_any_failure_that_passes_may_say_when(asked: Asked, status: int) -> None:
    assert asked.provider.failure(status, [(b"Retry-After", b"12")], b"").retry_after_s == 12.0
    assert asked.provider.failure(status, [], b"").retry_after_s is None


async def test_an_error_in_a_stream_ends_it(asked: Asked) -> None:
    for said in asked.kind.failing_midway:
        response, decoder = await asked.send(said, stream=True), asked.provider.decoder()
        while (chunk := await response.read_chunk()) is not None:
            decoder.feed(chunk)
        assert isinstance(decoder.error, UpstreamError)
        assert not decoder.finished
        assert decoder.feed(b"data: {}\n\n") + decoder.close() == []


@pytest.mark.parametrize(
    "body", [b"", b"<h1>no</h1>", b"[]", b"5", b'{"a": [1', b"{}", b"[" * 9999]
)
async def test_garbage_under_a_status_of_success_is_a_fault(asked: Asked, body: bytes) -> None:
    for read in (lambda b: asked.provider.answer(Operation.CHAT, b), asked.provider.to_chat):
        with pytest.raises(BadProviderResponse):
            read(body)
    decoder, _ = decoded(asked, body, 11)
    assert not decoder.finished


async def test_no_error_tells_a_secret(asked: Asked) -> None:
    await (await asked.send("hello")).read(1 << 20)
    secret = asked.secret
    said = f"Incorrect credentials provided: {secret}."
    own = asked.kind.error(said)
    bodies = [*(json.dumps(one).encode() for one in (own, [own], said)), said.encode()]
    for body in bodies:
        for status in (400, 401, 403, 404, 409, 418, 429, 500, 503):
            error = asked.provider.failure(status, [(b"www-authenticate", secret.encode())], body)
            assert secret not in f"{error!r} {error} {error.__dict__} {error.__cause__!r}"
        for read in (lambda b: asked.provider.answer(Operation.CHAT, b), asked.provider.to_chat):
            with pytest.raises(UpstreamError) as raised:
                read(body)
            assert secret not in f"{raised.value!r} {raised.value} {raised.value.__dict__}"
        decoder, _ = decoded(asked, b"event: error\ndata: " + body + b"\n\n", 1 << 20)
        assert secret not in f"{decoder.error!r}"
        assert not decoder.finished


async def test_leaving_in_mid_stream_is_no_end(asked: Asked) -> None:
    response, decoder = await asked.send("hello", stream=True), asked.provider.decoder()
    chunk = await response.read_chunk()
    assert chunk is not None
    decoder.feed(chunk[:9])
    response.close()
    decoder.close()
    assert not decoder.finished


async def test_its_own_dialect_is_nobodys(asked: Asked) -> None:
    if asked.provider.dialect in CALLERS:
        pytest.skip("callers speak Anthropic's")
    with pytest.raises(InvalidRequest):
        asked.provider.request(Operation.CHAT, {}, RequestView("m"), Target("m"))
    with pytest.raises(InvalidRequest):
        asked.provider.reader(RequestView("m"))
