"""Answers through filters, in every dialect, whole and as streams cut anywhere."""

import json
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from legato.api.anthropic.encoder import AnthropicEncoder
from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.api.openai.completions import Completions
from legato.api.openai.encoder import OpenAIEncoder
from legato.api.openai.rerank import Rerank
from legato.api.openai.responses.surface import Responses
from legato.core.chat import (
    ChatResponse,
    Choice,
    Citation,
    CitationDelta,
    Ended,
    RefusalDelta,
    Started,
    Stopped,
    StopReason,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolUse,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.core.clock import ManualClock
from legato.core.errors import BadProviderResponse, OutputBlocked
from legato.core.guarding import ARGUMENTS, Channel, Finding, Piece, TextFilter
from legato.core.ids import IdSource
from legato.core.usage import Usage
from legato.core.wire import StreamReader, Surface
from legato.gateway.context import Call, Reply
from legato.gateway.guards.answers import filtered, filtered_reply, filtering
from legato.gateway.guards.masking import mask
from legato.gateway.translate import TranslatingReader
from legato.providers import sse
from legato.providers.anthropic.decoder import AnthropicDecoder
from legato.providers.anthropic.stream import AnthropicReader
from legato.providers.openai_compatible.decoder import OpenAIDecoder
from legato.providers.openai_compatible.stream import OpenAIReader

CLOCK = ManualClock()
VALUES = ('Ann "Nan" Öz', "ann@example.org", "back\\slash", "日本 太郎")
WAYS = ("chat", "messages", "responses", "chat of messages", "messages of chat")


class Marked(msgspec.Struct, frozen=True):
    piece: Piece
    findings: tuple[Finding, ...]
    surrogates: frozenset[str] = frozenset()


class Nowhere:
    credential = None

    def header(self, name: bytes) -> None:
        del name

    async def body(self) -> bytes:
        return b""


def masked_call(surface: Surface, body: dict[str, Any] | None = None) -> tuple[Call, list[str]]:
    """Return a call whose VALUES are redacted, and what stands for them."""
    call = Call("r", surface, Nowhere(), 0)
    call.body = {"model": "m", "note": {str(n): value for n, value in enumerate(VALUES)}}
    call.body |= body or {}
    pieces = [Piece(value, f"/note/{number}") for number, value in enumerate(VALUES)]
    marked = [Marked(piece, (Finding("PERSON", 0, len(piece.text)),)) for piece in pieces]
    mask(call, marked, pieces)
    return call, [call.body["note"][str(number)] for number in range(len(VALUES))]


def surface_of(way: str) -> Surface:
    if way.startswith("messages"):
        return Messages()
    if way == "responses":
        asked = {"model": "m", "input": "hi", "reasoning": {"summary": "auto"}}
        return Responses(CLOCK, IdSource(CLOCK)).turn(asked)
    return ChatCompletions(CLOCK)


def reader_of(way: str, surface: Surface, call: Call) -> StreamReader:
    if way == "chat":
        return OpenAIReader(choices=1, wants_usage=True, secret=None)
    if way == "messages":
        return AnthropicReader(secret=None)
    decoder = AnthropicDecoder if way == "chat of messages" else OpenAIDecoder
    return TranslatingReader(decoder(secret=None), surface.encoder(call.view))


def upstream(way: str, events: list[Any]) -> bytes:
    """Return what a provider sends."""
    encoder: Any = OpenAIEncoder(wants_usage=True, now_s=1)
    if way in {"messages", "chat of messages"}:
        encoder = AnthropicEncoder()
    return b"".join(map(encoder.encode, events))


class Said(msgspec.Struct):
    """What a stream said to the caller."""

    text: str = ""
    reasoning: str = ""
    arguments: str = ""
    refusal: str = ""
    ended: bool = False


def payloads(frames: bytes) -> Iterator[dict[str, Any]]:
    for event in sse.split(frames):
        payload = sse.data(event)
        if payload and payload != b"[DONE]":
            yield json.loads(payload)


def heard(way: str, frames: bytes) -> Said:
    said = Said()
    if way.startswith("chat"):
        _hear_chat(said, frames)
    elif way.startswith("messages"):
        _hear_messages(said, frames)
    else:
        _hear_responses(said, frames)
    return said


def _hear_chat(said: Said, frames: bytes) -> None:
    for body in payloads(frames):
        for choice in body["choices"]:
            assert not said.ended
            delta = choice["delta"]
            said.text += delta.get("content") or ""
            said.reasoning += delta.get("reasoning_content") or ""
            said.refusal += delta.get("refusal") or ""
            for call in delta.get("tool_calls") or ():
                said.arguments += call["function"].get("arguments") or ""
            said.ended = choice["finish_reason"] is not None
    assert frames.endswith(b"data: [DONE]\n\n")


def _hear_messages(said: Said, frames: bytes) -> None:
    is_open: int | None = None
    for body in payloads(frames):
        kind = body["type"]
        if kind == "content_block_start":
            assert is_open is None
            is_open = body["index"]
        elif kind == "content_block_stop":
            assert is_open == body["index"]
            is_open = None
        elif kind == "content_block_delta":
            assert is_open == body["index"]
            delta = body["delta"]
            said.text += delta.get("text", "")
            said.reasoning += delta.get("thinking", "")
            said.arguments += delta.get("partial_json", "")
        said.ended = said.ended or kind == "message_stop"


def _hear_responses(said: Said, frames: bytes) -> None:
    final: dict[str, Any] = {}
    names = {"output_text": "text", "refusal": "refusal", "reasoning_summary_text": "reasoning"}
    names["function_call_arguments"] = "arguments"
    for number, body in enumerate(payloads(frames)):
        assert body["sequence_number"] == number
        _, kind, *ending = body["type"].split(".")
        if kind in names and ending == ["delta"]:
            setattr(said, names[kind], getattr(said, names[kind]) + body["delta"])
        elif kind in names and ending == ["done"]:
            told = next(body[name] for name in ("text", "refusal", "arguments") if name in body)
            assert told == getattr(said, names[kind])
        elif kind == "completed":
            final, said.ended = body["response"], True
    assert _finally(final) == said


def _finally(response: dict[str, Any]) -> Said:
    said = Said(ended=True)
    for item in response["output"]:
        for part in (*item.get("content", ()), *item.get("summary", ())):
            name = {"output_text": "text", "refusal": "refusal"}.get(part["type"], "reasoning")
            setattr(said, name, part.get("text", part.get("refusal")))
        said.arguments += item.get("arguments", "")
    return said


def events_of(draw: random.Random, standing: list[str]) -> tuple[list[Any], Said]:
    """Return an answer with what stands for values, in random pieces, and what it should say."""
    said = Said(ended=True)
    events: list[Any] = [Started("i", "m")]

    def told(*, is_json: bool = False) -> list[str]:
        parts = [draw.choice(["x", " P", "PERSON_", "é", "\u2028", "😀", *standing, *standing])
                 for _ in range(draw.randrange(5))]  # fmt: skip
        text = "".join(parts)
        pieces, start = [], 0
        text = json.dumps({"to": text}, ensure_ascii=False) if is_json else text
        while start < len(text):
            size = draw.choice((1, 2, 7, 40))
            pieces.append(text[start : start + size])
            start += size
        return pieces

    def plain(pieces: list[str], *, is_json: bool = False) -> str:
        text = "".join(pieces)
        for stands, value in zip(standing, VALUES, strict=True):
            text = text.replace(
                stands, json.dumps(value, ensure_ascii=False)[1:-1] if is_json else value
            )
        return text

    thought, text, arguments = told(), told(), told(is_json=True)
    events += map(ThinkingDelta, thought)
    events += map(TextDelta, text)
    events += [ToolUseStarted(0, "c", "f"), *(ToolUseDelta(0, one) for one in arguments)]
    said.reasoning, said.text = plain(thought), plain(text)
    said.arguments = plain(arguments, is_json=True)
    usage = UsageReported(Usage(out_text=5))
    return [*events, usage, Stopped(StopReason.TOOL_USE), Ended()], said


def cut(draw: random.Random, sent: bytes) -> Iterator[bytes]:
    """Yield packets: characters and events fall apart."""
    start = 0
    while start < len(sent):
        size = draw.choice((1, 3, 50, 400))
        yield sent[start : start + size]
        start += size


def check_stream(way: str, seed: int) -> None:
    draw = random.Random(seed)
    surface = surface_of(way)
    call, standing = masked_call(surface)
    events, said = events_of(draw, standing)
    reader = filtering(call, reader_of(way, surface, call))
    frames = b"".join(map(reader.feed, cut(draw, upstream(way, events)))) + reader.close()
    assert reader.error is None
    assert reader.finished
    assert heard(way, frames) == said, seed
    assert json.loads(said.arguments)


@pytest.mark.parametrize("way", WAYS)
def test_streams_are_restored_whatever_cuts_them(way: str) -> None:
    """Cases 1, 7 and 8, in every dialect and between them."""
    for seed in range(60):
        check_stream(way, seed)


@pytest.mark.soak
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("way", WAYS)
def test_a_million_texts_are_restored(way: str) -> None:
    for seed in range(67_000):  # three texts each
        check_stream(way, seed)


def test_whole_answers_are_restored_in_every_dialect() -> None:
    for way in ("chat", "messages", "responses"):
        surface = surface_of(way)
        call, standing = masked_call(surface)
        parts = (
            Thinking(f"hm {standing[0]}"),
            Text(f"to {standing[0]}"),
            ToolUse("c", "f", json.dumps({standing[1]: standing[0]})),
        )
        response = ChatResponse("i", "m", (Choice(parts, StopReason.TOOL_USE),))
        body = filtered(call, surface.render(response)).decode()
        for value in VALUES[:2]:
            assert json.dumps(value, ensure_ascii=False)[1:-1] in body
        assert standing[0] not in body
        assert standing[1] not in body
        assert json.dumps(VALUES[0], ensure_ascii=False) in _arguments(way, json.loads(body))


def _arguments(way: str, body: dict[str, Any]) -> str:
    if way == "chat":
        told: str = body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
        return told
    if way == "messages":
        return json.dumps(body["content"][-1]["input"], ensure_ascii=False)
    arguments: str = body["output"][-1]["arguments"]
    return arguments


def test_json_answers_stay_json() -> None:
    call, standing = masked_call(ChatCompletions(CLOCK))
    asked = {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "response_format": {"type": "json_object"},
    }
    call.view = call.surface.read(asked)
    content = json.dumps({"name": standing[0]})
    body = {"choices": [{"index": 0, "message": {"content": content}, "finish_reason": "stop"}]}
    answer = json.loads(filtered(call, json.dumps(body).encode()))
    assert json.loads(answer["choices"][0]["message"]["content"]) == {"name": VALUES[0]}


def test_texts_of_completions_and_ranked_documents_are_restored() -> None:
    call, standing = masked_call(Completions())
    body = {"choices": [{"index": 0, "text": standing[0], "logprobs": {"tokens": ["x"]}}]}
    answer = json.loads(filtered(call, json.dumps(body).encode()))
    assert answer["choices"] == [{"index": 0, "text": VALUES[0], "logprobs": None}]
    call, standing = masked_call(Rerank())
    ranked = {"results": [{"index": 0, "document": {"text": standing[0]}}]}
    answer = json.loads(filtered(call, json.dumps(ranked).encode()))
    assert answer["results"][0]["document"] == {"text": VALUES[0]}


def test_choices_of_completions_that_stream_keep_apart() -> None:
    call, standing = masked_call(Completions())
    reader = filtering(call, OpenAIReader(choices=2, wants_usage=False, secret=None))
    said = ["", ""]
    frames = b""
    for a, b in zip(standing[0], standing[1], strict=True):
        for index, char in ((0, a), (1, b)):
            chunk = {"choices": [{"index": index, "text": char, "finish_reason": None}]}
            frames += reader.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    for index in (0, 1):
        chunk = {"choices": [{"index": index, "text": "P", "finish_reason": "length"}]}
        frames += reader.feed(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    frames += reader.feed(b"data: [DONE]\n\n") + reader.close()
    for body in payloads(frames):
        said[body["choices"][0]["index"]] += body["choices"][0]["text"]
    assert said == [f"{VALUES[0]}P", f"{VALUES[1]}P"]


def test_a_citation_in_a_changed_text_is_put_at_its_end() -> None:
    call, standing = masked_call(ChatCompletions(CLOCK))
    reader = filtering(call, OpenAIReader(choices=1, wants_usage=True, secret=None))
    cited = Citation(span=(0, 4), url="https://x.test", title=f"By {standing[0]}")
    events = [Started("i", "m"), TextDelta(standing[0]), CitationDelta(cited)]
    events += [Stopped(StopReason.END), Ended()]
    frames = reader.feed(upstream("chat", events)) + reader.close()
    found = [body["choices"][0]["delta"].get("annotations") for body in payloads(frames)]
    told = next(one for one in found if one)[0]["url_citation"]
    assert told["title"] == f"By {VALUES[0]}"
    assert told["start_index"] == told["end_index"] == len(VALUES[0])


class Forbids(msgspec.Struct):
    """A check that holds a text back to its end."""

    word: str
    held: str = ""

    def feed(self, text: str) -> str:
        self.held += text
        return ""

    def end(self) -> str:
        if self.word in self.held:
            raise OutputBlocked("not this")
        return self.held


def forbids(channel: Channel) -> TextFilter | None:
    return None if channel.name == ARGUMENTS else Forbids("poison")


@pytest.mark.parametrize("way", WAYS)
def test_a_check_sees_the_redacted_text_and_nothing_goes_out_before_it_agrees(way: str) -> None:
    surface = surface_of(way)
    call, standing = masked_call(surface)
    call.answer_filters = (forbids, *call.answer_filters)
    events = [Started("i", "m"), TextDelta(f"poison {standing[0]}")]
    reader = filtering(call, reader_of(way, surface, call))
    first = reader.feed(upstream(way, events))
    assert not reader.started
    assert b"poison" not in first
    whole = upstream(way, [*events, Stopped(StopReason.END), Ended()])
    frames = reader.feed(whole[len(upstream(way, events)) :]) + reader.close()
    assert isinstance(reader.error, OutputBlocked)
    assert b"poison" not in frames


def test_a_response_that_fails_late_repeats_nothing_of_it() -> None:
    surface = surface_of("responses")
    call, standing = masked_call(surface)
    reader: Any = filtering(call, reader_of("responses", surface, call))
    sent = reader.feed(upstream("chat", [Started("i", "m"), TextDelta(f"see {standing[0]}. ")]))
    failed = reader.failure(surface.stream_error(OutputBlocked("no"), "r"))
    numbers = [body["sequence_number"] for body in payloads(sent + failed)]
    assert numbers == list(range(len(numbers)))
    assert list(payloads(failed))[-1]["response"]["output"] == []


def test_what_cannot_be_read_is_not_passed_on() -> None:
    call, _ = masked_call(ChatCompletions(CLOCK))
    with pytest.raises(BadProviderResponse):
        filtered(call, b'{"choices":[{"message":{"content":"x","tool_calls":[1]}}]}')


def test_a_recorded_answer_passes_the_filters_too() -> None:
    call, standing = masked_call(ChatCompletions(CLOCK))
    events = [Started("i", "m"), TextDelta(standing[0]), Stopped(StopReason.END), Ended()]
    reply = filtered_reply(call, Reply(upstream("chat", events), frames=True))
    assert heard("chat", reply.body).text == VALUES[0]


def test_refusals_are_restored() -> None:
    call, standing = masked_call(ChatCompletions(CLOCK))
    reader = filtering(call, OpenAIReader(choices=1, wants_usage=True, secret=None))
    events = [Started("i", "m"), RefusalDelta(f"not {standing[0]}")]
    frames = reader.feed(upstream("chat", [*events, Stopped(StopReason.END), Ended()]))
    assert heard("chat", frames + reader.close()).refusal == f"not {VALUES[0]}"
