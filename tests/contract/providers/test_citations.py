"""Citations of every provider's dialect, read, and told in every caller's, streamed and not.

The vendors' own packages judge what callers get.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anthropic.types
import msgspec
import openai.types.chat
import openai.types.responses
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))
from cited import ANSWERS, OTHER, TITLE, URL, Cited
from subjects import SURFACES

from legato.core.chat import Citation, CitationDelta, TextDelta
from legato.core.citations import joined
from legato.core.wire import Dialect, Operation, RequestView
from legato.gateway.translate import TranslatingReader
from legato.providers.base import Target
from legato.providers.openai_compatible.citations import Marks

if TYPE_CHECKING:
    from legato.core.chat import ChatEvent

CALLERS = [Dialect.OPENAI, Dialect.RESPONSES, Dialect.ANTHROPIC]
VIEW = RequestView("alias", stream=True)
Told = tuple[str, str, str, str]
"""The words that are cited, the source's address or name, its title and its own words."""


@pytest.fixture(params=ANSWERS)
def cited(request: pytest.FixtureRequest) -> Cited:
    return ANSWERS[request.param]


def test_a_whole_answer_is_read(cited: Cited) -> None:
    (choice,) = cited.provider().to_chat(cited.body()).choices
    assert tuple(joined(choice.parts)) == cited.citations


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1 << 20])
def test_a_stream_is_read(cited: Cited, chunk_bytes: int) -> None:
    raw, decoder = cited.stream(), cited.provider().decoder()
    events: list[ChatEvent] = []
    for at in range(0, len(raw), chunk_bytes):
        events += decoder.feed(raw[at : at + chunk_bytes])
    events += decoder.close()
    assert (decoder.finished, decoder.error) == (True, None)
    assert "".join(one.text for one in events if isinstance(one, TextDelta)) == cited.text
    found = [one.citation for one in events if isinstance(one, CitationDelta)]
    wanted = list(cited.citations)
    if cited is ANSWERS["mistral"]:  # a reference in a delta of its own says not to what
        wanted = [msgspec.structs.replace(one, span=None) for one in wanted]
    assert sorted(found, key=repr) == sorted(wanted, key=repr)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("name", ANSWERS)
def test_a_whole_answer_is_told(name: str, caller: Dialect) -> None:
    cited = ANSWERS[name]
    surface = SURFACES[caller, Operation.CHAT]
    body = msgspec.json.decode(surface.render(cited.provider().to_chat(cited.body())))
    text, told = READERS[caller](body)
    assert text == cited.text
    assert sorted(told) == sorted(expected(cited, caller))


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_is_told(name: str, caller: Dialect) -> None:
    cited = ANSWERS[name]
    encoder = SURFACES[caller, Operation.CHAT].encoder(VIEW)
    reader = TranslatingReader(cited.provider().decoder(), encoder, "m")
    frames = (reader.feed(cited.stream()) + reader.close()).decode()
    events = [
        msgspec.json.decode(frame.partition("data: ")[2])
        for frame in frames.split("\n\n")
        if "data: {" in frame
    ]
    text, told = READERS[caller](GATHERERS[caller](events))
    assert text == cited.text
    wanted = expected(cited, caller)
    if name == "mistral" or (caller is Dialect.ANTHROPIC and not cited.by_block):
        # cited when the text had gone out: by the whole block here, at no place there
        told, wanted = [one[1:] for one in told], [one[1:] for one in wanted]  # type: ignore[misc]
    assert sorted(told) == sorted(wanted)


def expected(cited: Cited, caller: Dialect) -> list[Told]:
    told = []
    for one in cited.citations:
        words = cited.text[slice(*one.span)] if one.span else ""
        if caller is Dialect.ANTHROPIC and not one.span:
            words = last_block(cited)
        if caller is Dialect.RESPONSES and not one.url:  # a file's has a place, not a stretch
            words = f"before {one.span[1] if one.span else len(cited.text)}"
        told.append((words, one.url or one.document, one.title, one.quote))
    return told


def last_block(cited: Cited) -> str:
    ends = [one.span[1] for one in cited.citations if one.span]
    starts = [one.span[0] for one in cited.citations if one.span and one.span[1] == max(ends)]
    return cited.text[max(starts) if max(ends) == len(cited.text) else max(ends) :]


def read_chat(body: dict[str, Any]) -> tuple[str, list[Told]]:
    message = openai.types.chat.ChatCompletion.model_validate(body).choices[0].message
    text = message.content or ""
    told = [
        (text[one.start_index : one.end_index], one.url, *titled(one.title, one.url), quote(one))
        for one in (annotation.url_citation for annotation in message.annotations or ())
    ]
    others: list[Any] = (message.model_extra or {}).get("citations") or []
    for one in others:
        assert not one.get("url")
        words = text[one["start_index"] : one["end_index"]]
        told.append((words, one["document"], one["title"], one.get("content", "")))
    return text, told


def read_responses(body: dict[str, Any]) -> tuple[str, list[Told]]:
    response = openai.types.responses.Response.model_validate(body)
    (part,) = [part for item in response.output if item.type == "message" for part in item.content]
    assert part.type == "output_text"
    told = []
    for one in part.annotations:
        if one.type == "url_citation":
            words = part.text[one.start_index : one.end_index]
            told.append((words, one.url, *titled(one.title, one.url), quote(one)))
        else:
            assert one.type == "file_citation"
            at = f"before {one.index}"
            told.append((at, one.file_id, *titled(one.filename, one.file_id), quote(one)))
    return part.text, told


def read_anthropic(body: dict[str, Any]) -> tuple[str, list[Told]]:
    message = anthropic.types.Message.model_validate(body)
    blocks: Any = [block for block in message.content if block.type == "text"]
    told = []
    for block in blocks:
        for one in block.citations or ():
            source = getattr(one, "url", None) or getattr(one, "source", None)
            title = getattr(one, "title", None) or getattr(one, "document_title", None)
            source = source or getattr(one, "file_id", None)
            told.append((block.text, source or "", title or "", one.cited_text))
    return "".join(block.text for block in blocks), told


def titled(title: str, source: str) -> tuple[str]:
    """A source without a title is told by its address."""
    return ("" if title == source else title,)


def quote(annotation: Any) -> str:
    return str((annotation.model_extra or {}).get("content", ""))


def gather_chat(events: list[Any]) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": "", "annotations": []}
    message["citations"] = []
    for event in events:
        openai.types.chat.ChatCompletionChunk.model_validate(event)
        delta = event["choices"][0]["delta"]
        message["content"] += delta.get("content") or ""
        message["annotations"] += delta.get("annotations") or []
        message["citations"] += delta.get("citations") or []
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {**events[0], "object": "chat.completion", "choices": [choice]}


def gather_responses(events: list[Any]) -> Any:
    final = events[-1]["response"]
    added = [event for event in events if event["type"].endswith("annotation.added")]
    for event in added:
        judge = openai.types.responses.ResponseOutputTextAnnotationAddedEvent
        judge.model_validate(event)
        item = final["output"][event["output_index"]]
        part = item["content"][event["content_index"]]
        assert item["id"] == event["item_id"]
        assert part["annotations"][event["annotation_index"]] == event["annotation"]
    parts = [part for item in final["output"] for part in item.get("content", ())]
    assert len(added) == sum(len(part.get("annotations", ())) for part in parts)
    return final


def gather_anthropic(events: list[Any]) -> Any:
    message = events[0]["message"]
    for event in events:
        if event["type"] == "content_block_start":
            message["content"].append(event["content_block"])
        elif event["type"] == "content_block_delta":
            assert event["index"] == len(message["content"]) - 1
            anthropic.types.RawContentBlockDeltaEvent.model_validate(event)
            block, delta = message["content"][-1], event["delta"]
            if delta["type"] == "text_delta":
                block["text"] += delta["text"]
            elif delta["type"] == "citations_delta":
                block.setdefault("citations", []).append(delta["citation"])
            else:
                assert block["type"] == "thinking"
    return message


READERS = {
    Dialect.OPENAI: read_chat,
    Dialect.RESPONSES: read_responses,
    Dialect.ANTHROPIC: read_anthropic,
}
GATHERERS = {
    Dialect.OPENAI: gather_chat,
    Dialect.RESPONSES: gather_responses,
    Dialect.ANTHROPIC: gather_anthropic,
}


@pytest.mark.parametrize("name", ["perplexity", "cohere", "gemini", "anthropic"])
def test_an_answer_that_cites_can_be_sent_back(name: str) -> None:
    cited = ANSWERS[name]
    answer = cited.provider().to_chat(cited.body())
    for caller in CALLERS:
        surface = SURFACES[caller, Operation.CHAT]
        body = msgspec.json.decode(surface.render(answer))
        asked = {"role": "user", "content": "And why?"}
        request: dict[str, Any] = {"model": "m"}
        if caller is Dialect.RESPONSES:
            request["input"] = [asked, *body["output"], asked]
        elif caller is Dialect.OPENAI:
            request["messages"] = [asked, body["choices"][0]["message"], asked]
        else:
            turn = {"role": "assistant", "content": body["content"]}
            request |= {"messages": [asked, turn, asked], "max_tokens": 9}
        chat = surface.to_chat(request, drop_unsupported=False)
        wire = cited.provider().request_from_chat(chat, Target("m"))
        assert TITLE.encode() not in wire.body
        assert cited.text in "".join(
            part.text for part in chat.messages[1].parts if hasattr(part, "text")
        )


def test_openais_clients_of_mistral_see_references_too() -> None:
    cited = ANSWERS["mistral"]
    provider = cited.provider()
    whole = provider.answer(Operation.CHAT, cited.body()).body
    assert whole is not None
    assert msgspec.json.decode(whole)["choices"][0]["message"]["citations"] == [
        {"document": "3", "start_index": 6, "end_index": 10},
        {"document": "a", "start_index": 6, "end_index": 10},
    ]
    reader = provider.reader(VIEW)
    frames = reader.feed(cited.stream()) + reader.close()
    assert frames.count(b'"citations":[{"document":"3"},{"document":"a"}]') == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"annotations": "x", "citations": 7},
        {"annotations": [{"type": "url_citation"}, 3], "citations": [None]},
        {"annotations": [{"url_citation": {"url": 5, "start_index": -1, "end_index": "z"}}]},
    ],
)
def test_citations_amiss_never_spoil_an_answer(odd: dict[str, Any]) -> None:
    cited = ANSWERS["openai"]
    whole = {**cited.whole, "citations": {"a": 1}, "search_results": [4]}
    choice = whole["choices"][0]
    whole["choices"] = [{**choice, "message": {**choice["message"], **odd}}]
    answer = cited.provider().to_chat(msgspec.json.encode(whole))
    for caller in CALLERS:
        assert SURFACES[caller, Operation.CHAT].render(answer)


def test_overlapping_stretches_are_one_block_for_anthropics_callers() -> None:
    told = [(0, 10, URL), (6, 14, OTHER)]
    annotations = [
        {
            "type": "url_citation",
            "url_citation": {"start_index": start, "end_index": end, "url": url, "title": ""},
        }
        for start, end, url in told
    ]
    whole = {**ANSWERS["openai"].whole}
    choice = whole["choices"][0]
    whole["choices"] = [{**choice, "message": {**choice["message"], "annotations": annotations}}]
    answer = ANSWERS["openai"].provider().to_chat(msgspec.json.encode(whole))
    body = msgspec.json.decode(SURFACES[Dialect.ANTHROPIC, Operation.CHAT].render(answer))
    first, second = body["content"]
    assert (first["text"], second["text"]) == ("Grüße blue (ex", "ample.org)")
    assert [one["url"] for one in first["citations"]] == [URL, OTHER]
    assert "citations" not in second


@given(st.lists(st.sampled_from(["[1]", "[2", "[", "]", "1", "2]", "a[3]b", "[999]", "🎼"])))
def test_numbers_mean_the_same_however_a_text_is_cut(pieces: list[str]) -> None:
    sources = (Citation(url=URL), Citation(url=OTHER))
    whole, cut, single = Marks(), Marks(), Marks()
    whole.feed("".join(pieces))
    for piece in pieces:
        cut.feed(piece)
    for character in "".join(pieces):
        single.feed(character)
    found = list(whole.numbered(sources))
    assert list(cut.numbered(sources)) == list(single.numbered(sources)) == found
    text = "".join(pieces)
    assert all(text[slice(*one.span)] in {"[1]", "[2]"} for one in found if one.span)
