"""Whatever is said or asked: written in one dialect and read back by that dialect's own reader.

Requests between chat completions and messages are in `test_requests.py`; here are the dialects that
only providers speak, whose judges read them, and answers.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))
from matrix import CALLERS, PROVIDERS
from matrix_readers import frames_of, plain

from legato.api.openai.responses.encoder import events_of
from legato.core.chat import (
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    CitationDelta,
    RedactedThinking,
    RedactedThinkingDelta,
    SignatureDelta,
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
from legato.core.citations import joined
from legato.core.usage import Usage
from legato.core.wire import RequestView
from legato.providers.base import Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from legato.core.chat import ChatEvent, Part

# Bedrock refuses a text of nothing but white space, and so does its judge
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip())
)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
PNG = "iVBORw0KGgo="
FEW = settings(max_examples=40)
VIEW = RequestView("m", stream=True, wants_stream_usage=True)


@st.composite
def chat_bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A conversation with calls, results, images and reasoning, in chat completions' words."""
    messages: list[dict[str, Any]] = []
    for turn in range(draw(st.integers(0, 3))):
        messages.append(asked(draw))
        said: dict[str, Any] = {"role": "assistant", "content": draw(WORDS)}
        if draw(st.booleans()):
            said["reasoning_content"] = draw(WORDS)
        ids = [f"call_{turn}_{number}" for number in range(draw(st.integers(0, 3)))]
        if ids:
            function = {"name": "weather", "arguments": json.dumps({"city": draw(WORDS)})}
            said["tool_calls"] = [{"id": i, "type": "function", "function": function} for i in ids]
            said["content"] = draw(st.one_of(st.none(), WORDS))
        messages.append(said)
        answers = [{"role": "tool", "tool_call_id": i, "content": draw(WORDS)} for i in ids]
        messages += draw(st.permutations(answers))
    messages.append(asked(draw))
    parameters = {"name": "weather", "description": "d", "parameters": SCHEMA}
    tools = [{"type": "function", "function": parameters}]
    body: dict[str, Any] = {"model": "m", "messages": messages, "tools": tools}
    if draw(st.booleans()):
        body["messages"] = [{"role": "system", "content": draw(WORDS)}, *messages]
    return body


def asked(draw: st.DrawFn) -> dict[str, Any]:
    text = draw(WORDS)
    if draw(st.booleans()):
        return {"role": "user", "content": text}
    url = f"data:image/png;base64,{PNG}"
    shown = {"type": "image_url", "image_url": {"url": url}}
    return {"role": "user", "content": [{"type": "text", "text": text}, shown]}


@pytest.mark.parametrize("provider", PROVIDERS)
@FEW
@given(body=chat_bodies())
def test_every_conversation_is_one_the_vendor_takes(provider: str, body: dict[str, Any]) -> None:
    asked = PROVIDERS[provider]
    chat = CALLERS["chat"].to_chat(body, drop_unsupported=False)
    wire = msgspec.json.decode(asked.open().request_from_chat(chat, Target(asked.model)).body)
    asked.judge(wire)
    told = "".join(strings(wire))
    for message in body["messages"]:
        assert all(text in told for text in texts_of(message))


@FEW
@given(body=chat_bodies())
def test_responses_ask_the_same_as_chat(body: dict[str, Any]) -> None:
    chat = CALLERS["chat"].to_chat(body, drop_unsupported=False)
    items: list[dict[str, Any]] = []
    for message in body["messages"]:
        items += items_of(message)
    tools = [{"type": "function", **tool["function"]} for tool in body["tools"]]
    request = {"model": "m", "input": items, "tools": tools}
    assert CALLERS["responses"].to_chat(request, drop_unsupported=False) == chat


def items_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A message of chat completions as items of responses."""
    role, content = message["role"], message["content"]
    if role == "tool":
        call_id = message["tool_call_id"]
        return [{"type": "function_call_output", "call_id": call_id, "output": content}]
    if role == "user" and isinstance(content, list):
        text, image = content
        shown = {"type": "input_image", "image_url": image["image_url"]["url"]}
        return [{"role": role, "content": [{"type": "input_text", "text": text["text"]}, shown]}]
    items: list[dict[str, Any]] = []
    if thought := message.get("reasoning_content"):
        part = {"type": "reasoning_text", "text": thought}
        items.append({"type": "reasoning", "summary": [], "content": [part]})
    items += [{"role": role, "content": content}] if content else []
    for call in message.get("tool_calls", ()):
        items.append({"type": "function_call", "call_id": call["id"], **call["function"]})
    return items


def texts_of(message: dict[str, Any]) -> Iterable[str]:
    content = message["content"]
    if isinstance(content, str):
        yield content
    elif content:
        yield content[0]["text"]


def strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


@st.composite
def answers(draw: st.DrawFn) -> ChatResponse:
    """An answer of the parts that all callers' dialects have, in the order they have them."""
    parts: list[Part] = []
    if draw(st.booleans()):
        parts.append(Thinking(draw(WORDS), draw(st.sampled_from(["c2ln", "bW9yZQ=="]))))
    if draw(st.booleans()):
        parts.append(RedactedThinking("ZW5j"))
    text = draw(WORDS)
    calls = draw(st.integers(0, 3))
    if draw(st.booleans()) or not calls:
        parts.append(Text(text, citations=tuple(draw(citations(len(text))))))
    parts += [
        ToolUse(f"call_{n}", "weather", json.dumps({"city": draw(WORDS)}, separators=(",", ":")))
        for n in range(calls)
    ]
    reasons = [StopReason.TOOL_USE] if calls else [StopReason.END, StopReason.LENGTH]
    usage = Usage(
        in_uncached=draw(st.integers(0, 99)),
        cache_read=draw(st.integers(0, 99)),
        cache_write_5m=draw(st.integers(0, 99)),
        out_text=draw(st.integers(0, 99)),
        reasoning=draw(st.integers(0, 9)),
    )
    choice = Choice(tuple(parts), draw(st.sampled_from(reasons)))
    return ChatResponse("r-1", "m", (choice,), usage, 1_795_000_000)


@st.composite
def citations(draw: st.DrawFn, chars: int) -> list[Citation]:
    """Stretches that don't overlap, in order, each with a source or two."""
    cuts = sorted(draw(st.sets(st.integers(0, chars), max_size=4)))
    found = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        for source in draw(st.lists(st.integers(0, 9), min_size=1, max_size=2, unique=True)):
            where = {"url": f"https://example.org/{source}"}
            if source % 2:
                where = {"document": f"doc:{source}"}
            quote = draw(st.sampled_from(["", "Its words."]))
            found.append(Citation((start, end), title=f"T{source}", quote=quote, **where))  # type: ignore[arg-type]
    return found


DIALECTS = [("chat", "openai"), ("messages", "anthropic")]


@pytest.mark.parametrize(("caller", "provider"), DIALECTS)
@FEW
@given(answer=answers())
def test_an_answer_is_read_back(caller: str, provider: str, answer: ChatResponse) -> None:
    body = CALLERS[caller].render(answer)
    back = PROVIDERS[provider].open().to_chat(body)
    assert back.usage == answer.usage
    assert back.choices[0].stop_reason is answer.choices[0].stop_reason
    assert told(back.choices[0].parts) == told(answer.choices[0].parts)


@pytest.mark.parametrize(("caller", "provider"), DIALECTS)
@FEW
@given(answer=answers(), size=st.sampled_from([1, 7, 1 << 20]))
def test_a_stream_is_read_back(caller: str, provider: str, answer: ChatResponse, size: int) -> None:
    encoder = CALLERS[caller].encoder(VIEW)
    stream = b"".join(encoder.encode(event) for event in events_of(answer))
    decoder = PROVIDERS[provider].open().decoder()
    events: list[ChatEvent] = []
    for at in range(0, len(stream), size):
        events += decoder.feed(stream[at : at + size])
    events += decoder.close()
    assert (decoder.finished, decoder.error) == (True, None)
    (usage,) = {event.usage for event in events if isinstance(event, UsageReported)}
    assert usage == answer.usage
    (stopped,) = [event for event in events if isinstance(event, Stopped)]
    assert stopped.reason is answer.choices[0].stop_reason
    back, wanted = gathered(events), told(answer.choices[0].parts)
    if caller == "messages":  # here the block that was open is cited
        for one in (wanted, back):
            spanless = [msgspec.structs.replace(cited, span=None) for cited in one["cited"]]
            one["cited"] = sorted(spanless, key=repr)
    assert back == wanted


@FEW
@given(answer=answers())
def test_a_response_is_sent_back_as_it_came(answer: ChatResponse) -> None:
    body = msgspec.json.decode(CALLERS["responses"].render(answer))
    asked = {"role": "user", "content": "Why?"}
    request = {"model": "m", "input": [asked, *body["output"], asked]}
    chat = CALLERS["responses"].to_chat(request, drop_unsupported=False)
    plain = [
        Text(part.text) if isinstance(part, Text) else part for part in answer.choices[0].parts
    ]
    assert list(chat.messages[1].parts) == plain


def told(parts: Iterable[Part]) -> dict[str, Any]:
    """What an answer says, however its texts are cut into blocks."""
    parts = list(parts)
    thought = [part for part in parts if isinstance(part, Thinking)]
    return {
        "text": "".join(part.text for part in parts if isinstance(part, Text)),
        "thought": "".join(part.text for part in thought),
        "signature": "".join(part.signature for part in thought),
        "sealed": [p.data for p in parts if isinstance(p, RedactedThinking)],
        "calls": [(p.id, p.name, plain(p.arguments)) for p in parts if isinstance(p, ToolUse)],
        "cited": sorted((placeless(one) for one in joined(parts)), key=repr),
    }


def placeless(citation: Citation) -> Citation:
    """Messages tell a named source as a search result, whose numbers mean nothing."""
    return msgspec.structs.replace(citation, place=None)


def gathered(events: list[ChatEvent]) -> dict[str, Any]:
    calls = [[e.id, e.name, ""] for e in events if isinstance(e, ToolUseStarted)]
    for event in events:
        if isinstance(event, ToolUseDelta):
            calls[event.tool][2] += event.arguments
    cited = [placeless(e.citation) for e in events if isinstance(e, CitationDelta)]
    sealed = [e.data for e in events if isinstance(e, RedactedThinkingDelta)]
    signed = [e.signature for e in events if isinstance(e, SignatureDelta)]
    return {
        "text": "".join(e.text for e in events if isinstance(e, TextDelta)),
        "thought": "".join(e.text for e in events if isinstance(e, ThinkingDelta)),
        "signature": "".join(signed),
        "sealed": sealed,
        "calls": [(one, name, plain(arguments)) for one, name, arguments in calls],
        "cited": sorted(cited, key=repr),
    }


@FEW
@given(answer=answers())
def test_chats_details_hold_what_anthropic_wants_to_see_again(answer: ChatResponse) -> None:
    message = msgspec.json.decode(CALLERS["chat"].render(answer))["choices"][0]["message"]
    encoder = CALLERS["chat"].encoder(VIEW)
    stream = b"".join(encoder.encode(event) for event in events_of(answer))
    deltas = [c["choices"][0]["delta"] for c in frames_of(stream) if c["choices"]]
    streamed = [one for delta in deltas for one in delta.get("reasoning_details", ())]
    assert streamed == message.get("reasoning_details", [])
    body = {"model": "m", "messages": [{"role": "user", "content": "?"}, message]}
    chat = CALLERS["chat"].to_chat(body, drop_unsupported=False)
    kinds = (Thinking, RedactedThinking)
    kept = [part for part in chat.messages[1].parts if isinstance(part, kinds)]
    assert kept == [part for part in answer.choices[0].parts if isinstance(part, kinds)]


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, bytes]:
    """A name, a media type and what the file holds."""
    name = draw(WORDS)
    if draw(st.booleans()):
        return name, "text/plain", draw(WORDS).encode()
    return name, "application/pdf", b"%PDF-1.7 " + draw(st.binary(max_size=20))


FILES = st.lists(files(), min_size=1, max_size=4)


def asked_with(caller: str, sent: list[tuple[str, str, bytes]]) -> ChatRequest:
    """A question behind files, in the caller's words, in canonical form."""
    parts: list[dict[str, Any]] = []
    for name, media_type, held in sent:
        data = base64.b64encode(held).decode()
        named = {"filename": name, "file_data": f"data:{media_type};base64,{data}"}
        source = {"type": "base64", "media_type": media_type, "data": data}
        if media_type == "text/plain":
            source |= {"type": "text", "data": held.decode()}
        parts.append(
            {
                "chat": {"type": "file", "file": named},
                "responses": {"type": "input_file", **named},
                "messages": {"type": "document", "title": name, "source": source},
            }[caller]
        )
    kind = "input_text" if caller == "responses" else "text"
    turn = {"role": "user", "content": [*parts, {"type": kind, "text": "?"}]}
    body = {"model": "m", "max_tokens": 9, "messages": [turn]}
    if caller == "responses":
        body = {"model": "m", "max_output_tokens": 9, "input": [turn]}
    return CALLERS[caller].to_chat(body, drop_unsupported=False)


@FEW
@given(sent=FILES)
def test_all_callers_send_the_same_documents(sent: list[tuple[str, str, bytes]]) -> None:
    chats = [asked_with(caller, sent).messages for caller in CALLERS]
    assert chats[0] == chats[1] == chats[2]


@FEW
@given(sent=FILES)
def test_documents_are_read_back_as_they_were_written(sent: list[tuple[str, str, bytes]]) -> None:
    chat = asked_with("chat", sent)
    wire = PROVIDERS["anthropic"].open().request_from_chat(chat, Target("m")).body
    body = msgspec.json.decode(wire)
    assert CALLERS["messages"].to_chat(body, drop_unsupported=False).messages == chat.messages
    pdfs = [one for one in sent if one[1] == "application/pdf"]
    chat = asked_with("messages", pdfs)
    body = msgspec.json.decode(PROVIDERS["openai"].open().request_from_chat(chat, Target("m")).body)
    assert CALLERS["chat"].to_chat(body, drop_unsupported=False).messages == chat.messages


@pytest.mark.parametrize("provider", ["anthropic", "gemini", "converse"])
@FEW
@given(sent=FILES)
def test_every_document_is_one_the_vendor_takes(
    provider: str, sent: list[tuple[str, str, bytes]]
) -> None:
    asked = PROVIDERS[provider]
    wire = asked.open().request_from_chat(asked_with("chat", sent), Target(asked.model)).body
    asked.judge(msgspec.json.decode(wire))
    told = "".join(strings(msgspec.json.decode(wire)))
    for _, _, held in sent:
        data = base64.b64encode(held).decode()
        assert data in told or held.decode() in told
