"""What every provider kind keeps: requests, answers and streams against a real wire."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from subjects import KINDS, MESSAGES, SURFACES, Wired
from translated import KINDS as TRANSLATED

from legato.app.config.provider_kinds import BUILT_IN
from legato.core.chat import Ended, Text, TextDelta, Thinking, ToolUse, ToolUseDelta, UsageReported
from legato.core.errors import InvalidRequest
from legato.core.wire import Dialect, Operation, RequestView
from legato.providers.base import Target
from legato.providers.transport import open_transport

if TYPE_CHECKING:
    from legato.core.chat import ChatEvent, ChatResponse
    from legato.core.wire import StreamDecoder, StreamReader
    from legato.providers.simulated.server import SimulatedServer

SHARES = {"cached_share": 0.25, "reasoning_share": 0.2, "output_tokens": 20}
TRANSPORT_OWNS = (b"host:", b"content-length:", b"connection:", b"transfer-encoding:")
DEEP = {"list": [1, {"inner": ["x"]}], "text": "kept"}
CHUNK_BYTES = (1, 7, 1 << 20)


def test_every_built_in_kind_is_under_contract() -> None:
    translated = {one.kind for one in TRANSLATED.values()}  # see `test_translated.py`
    assert KINDS.keys() | translated >= BUILT_IN
    assert KINDS.keys() - BUILT_IN == {"signed_vendor"}


def body_for(wired: Wired, operation: Operation) -> dict[str, Any]:
    if operation is Operation.EMBEDDINGS:
        return {"model": "alias", "input": ["one", "two"], "metadata": copy.deepcopy(DEEP)}
    if operation not in {Operation.CHAT, Operation.COUNT_TOKENS}:
        return {"model": "alias", "input": "a", "prompt": "b", "metadata": copy.deepcopy(DEEP)}
    body: dict[str, Any] = {"model": "alias", "messages": copy.deepcopy(MESSAGES)}
    body["metadata"] = copy.deepcopy(DEEP)
    if operation is Operation.CHAT:
        body |= {"stream": True, "max_tokens": 9}
        if wired.dialect is Dialect.OPENAI:
            body["stream_options"] = {"include_usage": False}
    return body


@pytest.mark.parametrize("output_tokens_max", [None, 5])
def test_a_request_never_changes_the_callers_body(
    wired: Wired, output_tokens_max: int | None
) -> None:
    target = Target("real-1", output_tokens_max)
    known = [operation for dialect, operation in SURFACES if dialect is wired.dialect]
    supported = [operation for operation in known if wired.provider.supports(operation)]
    assert Operation.CHAT in supported
    for operation in supported:
        body = body_for(wired, operation)
        before = copy.deepcopy(body)
        view = wired.surface(operation).read(body)
        request = wired.provider.request(operation, body, view, target)
        assert body == before
        wire = msgspec.json.decode(request.body)
        assert wire["model"] == "real-1"
        assert wire["metadata"] == DEEP  # a field the provider need not know


def test_a_request_is_framed_for_the_transport(wired: Wired) -> None:
    request = wired.write(wired.chat())
    assert request.path.startswith(b"/")
    lines = request.headers.split(b"\r\n")
    assert lines.pop() == b""
    assert all(b": " in line for line in lines)
    assert not any(line.lower().startswith(TRANSPORT_OWNS) for line in lines)


async def test_a_bound_of_ours_reaches_the_model(wired: Wired) -> None:
    body = wired.chat()
    if wired.dialect is Dialect.OPENAI:
        del body["max_tokens"]  # a caller of the other dialect must always name one
    request = wired.write(body, Target(wired.target.model, 5))
    response = await wired.send(request, output_tokens=30)
    answer = wired.provider.answer(Operation.CHAT, await response.read(1 << 20))
    assert answer.usage is not None
    assert answer.usage.output_tokens == 5


CALLERS = [dialect for dialect, operation in SURFACES if operation is Operation.CHAT]


@pytest.mark.parametrize("caller", CALLERS)
async def test_callers_of_every_dialect_are_answered(answering: Wired, caller: Dialect) -> None:
    body = answering.chat(temperature=0)
    if caller is Dialect.RESPONSES:
        body = {"model": "alias", "input": MESSAGES, "max_output_tokens": 48, "temperature": 0}
    chat = SURFACES[caller, Operation.CHAT].to_chat(body, drop_unsupported=False)
    response = await answering.send(answering.provider.request_from_chat(chat, answering.target))
    assert response.status == 200
    answer = answering.provider.to_chat(await response.read(1 << 20))
    assert text_of(answer)


async def test_an_effort_makes_anthropics_models_think(server: SimulatedServer) -> None:
    provider = KINDS["anthropic"].open("anthropic", server.url)
    transport = open_transport("http1", provider.base_url)
    wired = Wired(provider, transport)
    body = {"model": "alias", "messages": MESSAGES, "reasoning_effort": "low"}
    chat = SURFACES[Dialect.OPENAI, Operation.CHAT].to_chat(body, drop_unsupported=False)
    response = await wired.send(provider.request_from_chat(chat, wired.target), reasoning_share=0.5)
    answer = provider.to_chat(await response.read(1 << 20))
    await transport.close()
    thoughts = [part for part in answer.choices[0].parts if isinstance(part, Thinking)]
    assert thoughts
    assert all(thought.text and thought.signature for thought in thoughts)


async def test_accounting_and_translation_read_the_same_answer(answering: Wired) -> None:
    raw = await answering.whole(answering.chat(temperature=0), **SHARES)
    answer = answering.provider.answer(Operation.CHAT, raw)
    chat = answering.provider.to_chat(raw)
    assert answer.usage is not None
    assert answer.usage == chat.usage
    assert answer.model == chat.model != ""
    assert answer.usage.total_tokens == vendors_total(msgspec.json.decode(raw)["usage"])
    assert min(msgspec.structs.astuple(answer.usage)) >= 0


@pytest.mark.parametrize("chunk_bytes", CHUNK_BYTES)
async def test_forwarding_and_translation_read_the_same_stream(
    answering: Wired, chunk_bytes: int
) -> None:
    raw = await answering.stream(answering.chat(temperature=0), **SHARES)
    reader, frames = forwarded(answering, raw, chunk_bytes)
    decoder, events = decoded(answering, raw, chunk_bytes)
    assert (reader.finished, reader.error) == (True, None)
    assert (decoder.finished, decoder.error) == (True, None)
    assert reader.started
    assert reader.usage == last_usage(events)
    assert reader.model != ""
    assert isinstance(events[-1], Ended)
    again, _ = forwarded(answering, frames, 1 << 20)
    assert again.finished
    assert streamed_text(decoded(answering, frames, 1 << 20)[1]) == streamed_text(events) != ""


async def test_a_stream_and_a_whole_answer_agree(answering: Wired) -> None:
    body = answering.chat(temperature=0, max_tokens=12)
    whole = answering.provider.to_chat(await answering.whole(body, **SHARES))
    raw = await answering.stream(body, **SHARES)
    reader, _ = forwarded(answering, raw, 1 << 20)
    assert reader.usage == whole.usage
    assert streamed_text(decoded(answering, raw, 1 << 20)[1]) == text_of(whole)


async def test_a_streamed_tool_call_is_the_whole_one(wired: Wired) -> None:
    body = wired.chat(tools=[wired.tool()])
    if wired.provider.dialect is Dialect.OPENAI and refuses_tools(wired, body):
        pytest.skip("this local model's template has no place for tools")
    whole = wired.provider.to_chat(await wired.whole(body, call_tool="true"))
    raw = await wired.stream(body, call_tool="true")
    reader, _ = forwarded(wired, raw, 7)
    _, events = decoded(wired, raw, 7)
    (call,) = [part for part in whole.choices[0].parts if isinstance(part, ToolUse)]
    streamed = "".join(event.arguments for event in events if isinstance(event, ToolUseDelta))
    assert msgspec.json.decode(streamed) == msgspec.json.decode(call.arguments)
    assert reader.started
    assert reader.usage == whole.usage


def refuses_tools(wired: Wired, body: dict[str, Any]) -> bool:
    try:
        wired.write(body)
    except InvalidRequest:
        return True
    return False


def forwarded(wired: Wired, raw: bytes, chunk_bytes: int) -> tuple[StreamReader, bytes]:
    reader = wired.provider.reader(RequestView("alias", stream=True, wants_stream_usage=True))
    frames = b"".join(reader.feed(raw[at : at + chunk_bytes]) for at in steps(raw, chunk_bytes))
    return reader, frames + reader.close()


def decoded(wired: Wired, raw: bytes, chunk_bytes: int) -> tuple[StreamDecoder, list[ChatEvent]]:
    decoder = wired.provider.decoder()
    events = [
        event
        for at in steps(raw, chunk_bytes)
        for event in decoder.feed(raw[at : at + chunk_bytes])
    ]
    return decoder, events + decoder.close()


def steps(raw: bytes, chunk_bytes: int) -> range:
    return range(0, len(raw), chunk_bytes)


def last_usage(events: list[ChatEvent]) -> Any:
    return [event.usage for event in events if isinstance(event, UsageReported)][-1]


def streamed_text(events: list[ChatEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def text_of(chat: ChatResponse) -> str:
    return "".join(part.text for part in chat.choices[0].parts if isinstance(part, Text))


def vendors_total(usage: dict[str, Any]) -> int:
    if "total_tokens" in usage:
        return int(usage["total_tokens"])
    fields = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return sum(usage[field] for field in fields) + int(usage["output_tokens"])
