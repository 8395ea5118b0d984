"""Answers that cite, as each vendor's documents show them: whole, streamed, and what they mean."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from legato.core.chat import Citation, CitedPlace
from legato.core.config import Provider as ProviderConfig
from legato.providers.anthropic import factory as anthropic_factory
from legato.providers.base import Provider, ProviderSettings
from legato.providers.bedrock import factory as bedrock_factory
from legato.providers.cohere import factory as cohere_factory
from legato.providers.gemini import factory as gemini_factory
from legato.providers.openai_compatible import factory as openai_factory

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
from aws_event_stream import event as aws_event

URL, OTHER = "https://example.org/rayleigh", "https://example.org/tyndall"
TITLE, QUOTE = "Rayleigh", "Blue scatters most."


class Cited(NamedTuple):
    """A vendor's answer; `by_block`: it cites whole blocks of text."""

    kind: Callable[[ProviderSettings], Provider]
    whole: dict[str, Any]
    events: list[dict[str, Any]]
    text: str
    citations: tuple[Citation, ...]
    by_block: bool = False
    preset: str | None = None

    def provider(self) -> Provider:
        settings = {"region": "eu-central-1"} if self.kind is bedrock_factory else {}
        config = ProviderConfig(name="p", kind="k", preset=self.preset, settings=settings)
        return self.kind(ProviderSettings(config, "http://up/v1", "sk-1"))

    def body(self) -> bytes:
        return json.dumps(self.whole).encode()

    def stream(self) -> bytes:
        if self.kind is bedrock_factory:
            return b"".join(aws_event(*next(iter(one.items()))) for one in self.events)
        named = self.kind in {anthropic_factory, cohere_factory}
        frames = [
            (f"event: {one['type']}\n" if named else "") + f"data: {json.dumps(one)}\n\n"
            for one in self.events
        ]
        done = "data: [DONE]\n\n" if self.kind is openai_factory else ""
        return ("".join(frames) + done).encode()


def anthropic() -> Cited:
    """Three blocks, the last two cited: a page of a document, and two web pages."""
    page = {
        "type": "page_location", "cited_text": QUOTE, "document_index": 1,
        "document_title": TITLE, "start_page_number": 2, "end_page_number": 3, "file_id": None,
    }  # fmt: skip
    web = [
        {
            "type": "web_search_result_location", "cited_text": QUOTE, "encrypted_index": "Eo8",
            "title": title, "url": url,
        }
        for title, url in ((TITLE, URL), ("", OTHER))
    ]  # fmt: skip
    blocks = [("Grüße: ", []), ("blue 🎼", [page]), (" scatters", web)]
    content = [
        {"type": "text", "text": text, **({"citations": cited} if cited else {})}
        for text, cited in blocks
    ]
    usage = {"input_tokens": 9, "output_tokens": 5}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude"}
    message = {**head, "content": content, "stop_reason": "end_turn", "usage": usage}
    opened = {**head, "content": [], "stop_reason": None, "usage": usage}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": opened}]
    for index, (text, cited) in enumerate(blocks):
        block: dict[str, Any] = {"type": "text", "text": ""}
        deltas: list[dict[str, Any]] = [
            {"type": "citations_delta", "citation": one} for one in cited
        ]
        deltas += [{"type": "text_delta", "text": half} for half in (text[:3], text[3:])]
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 5}})
    events.append({"type": "message_stop"})
    found = (
        Citation((7, 13), title=TITLE, quote=QUOTE, place=CitedPlace("page", 1, 2, 3)),
        Citation((13, 22), URL, TITLE, quote=QUOTE),
        Citation((13, 22), OTHER, quote=QUOTE),
    )
    return Cited(
        anthropic_factory, message, events, "Grüße: blue 🎼 scatters", found, by_block=True
    )


def converse() -> Cited:
    """A plain block, one that cites a document's characters, and one that cites a web page."""
    quoted = {"title": TITLE, "source": "notes.txt", "sourceContent": [{"text": QUOTE}]}
    where = {"documentChar": {"documentIndex": 0, "start": 4, "end": 23}}
    in_document = {**quoted, "location": where}
    on_page = {"title": TITLE, "location": {"web": {"url": URL, "domain": "example.org"}}}
    blocks = [("Grüße: ", None), ("blue", in_document), (" sky", on_page)]
    content = [
        {"text": text}
        if one is None
        else {"citationsContent": {"content": [{"text": text}], "citations": [one]}}
        for text, one in blocks
    ]
    usage = {"inputTokens": 9, "outputTokens": 5, "totalTokens": 14}
    whole = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": usage,
    }
    events: list[dict[str, Any]] = [{"messageStart": {"role": "assistant"}}]
    for index, (text, one) in enumerate(blocks):
        deltas: list[dict[str, Any]] = [{"text": text}]
        deltas += [{"citation": one}] if one else []
        events += [
            {"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}} for delta in deltas
        ]
        events.append({"contentBlockStop": {"contentBlockIndex": index}})
    events += [{"messageStop": {"stopReason": "end_turn"}}, {"metadata": {"usage": usage}}]
    found = (
        Citation((7, 11), "", TITLE, "notes.txt", QUOTE, CitedPlace("char", 0, 4, 23)),
        Citation((11, 15), URL, TITLE),
    )
    return Cited(bedrock_factory, whole, events, "Grüße: blue sky", found, by_block=True)


def cohere() -> Cited:
    """What a tool put out, with an address and without; reasoning in front of the text."""
    page = {"type": "tool", "id": "find_0:0", "tool_output": {"url": URL, "title": TITLE}}
    note = {"type": "document", "id": "doc:1", "document": {"title": TITLE, "text": QUOTE}}
    wire = [
        {"start": 6, "end": 10, "text": "blue", "sources": [page, note], "content_index": 1,
         "type": "TEXT_CONTENT"},
        {"start": 0, "end": 3, "text": "Sky", "sources": [note], "content_index": 0,
         "type": "THINKING_CONTENT"},
    ]  # fmt: skip
    content = [{"type": "thinking", "thinking": "Sky?"}, {"type": "text", "text": "Grüße blue"}]
    usage = {"tokens": {"input_tokens": 9, "output_tokens": 5}}
    message = {"role": "assistant", "content": content, "citations": wire}
    whole = {"id": "c-1", "finish_reason": "COMPLETE", "message": message, "usage": usage}
    events: list[dict[str, Any]] = [
        {"type": "message-start", "id": "c-1", "delta": {"message": {"role": "assistant"}}}
    ]
    for index, block in enumerate(content):
        kind = block["type"]
        for step, text in (("start", ""), ("delta", block[kind])):
            delta = {"message": {"content": {"type": kind, kind: text}}}
            events.append({"type": f"content-{step}", "index": index, "delta": delta})
        events.append({"type": "content-end", "index": index})
    for index, one in enumerate(wire):
        delta = {"message": {"citations": one}}
        events.append({"type": "citation-start", "index": index, "delta": delta})
        events.append({"type": "citation-end", "index": index})
    end = {"finish_reason": "COMPLETE", "usage": usage}
    events.append({"type": "message-end", "id": "c-1", "delta": end})
    found = (
        Citation((6, 10), URL, TITLE, "find_0:0"),
        Citation((6, 10), "", TITLE, "doc:1"),
        Citation(None, "", TITLE, "doc:1"),
    )
    return Cited(cohere_factory, whole, events, "Grüße blue", found)


def gemini() -> Cited:
    """Bytes for places, a thought in front, a source that supports nothing, a recited text."""
    chunks = [
        {"web": {"uri": URL, "title": TITLE}},
        {"retrievedContext": {"title": TITLE, "text": QUOTE, "documentName": "stores/1"}},
        {"web": {"uri": OTHER, "title": ""}},
    ]
    segment = {"partIndex": 1, "startIndex": 8, "endIndex": 12, "text": "blue"}
    grounding = {
        "webSearchQueries": ["sky"],
        "groundingChunks": chunks,
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 1]}],
    }
    recited = {"citationSources": [{"startIndex": 0, "endIndex": 7, "uri": OTHER}]}
    thought = {"text": "Sky?", "thought": True}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 14}
    head = {"responseId": "r-1", "modelVersion": "gemini-3"}

    def one(parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        content = {"parts": parts, "role": "model"}
        return {"candidates": [{"content": content, **more}], "usageMetadata": usage, **head}

    cites = {"groundingMetadata": grounding, "citationMetadata": recited}
    whole = one([thought, {"text": "Grüße blue"}], finishReason="STOP", **cites)
    # partIndex counts parts of the whole answer; a stream has other parts
    events = [
        one([thought]),
        one([{"text": "Grüße "}], citationMetadata=recited),
        one([{"text": "blue"}], finishReason="STOP", **cites),
    ]
    found = (
        Citation((6, 10), URL, TITLE),
        Citation((6, 10), "", TITLE, "stores/1", QUOTE),
        Citation(None, OTHER),
        Citation((0, 5), OTHER),
    )
    return Cited(gemini_factory, whole, events, "Grüße blue", found)


def chat(
    text: str,
    found: tuple[Citation, ...],
    *,
    beside: dict[str, Any] | None = None,
    preset: str | None = None,
    **message: Any,
) -> Cited:
    """An answer in OpenAI's dialect; `beside` stands at the top, `message` in message or delta."""
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
    head = {"id": "c-1", "created": 1_795_000_000, "model": "m", **(beside or {})}
    said = {"role": "assistant", "content": text, **message}
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    if isinstance(said["content"], list):
        deltas += [({"content": [part]}, None) for part in said["content"]]
    else:
        deltas += [({"content": text[:4]}, None), ({"content": text[4:]}, None)]
    deltas += [(message, None)] if message and "content" not in message else []
    events = [
        {
            **head,
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        for delta, finish in [*deltas, ({}, "stop")]
    ]
    events.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    return Cited(openai_factory, whole, events, text, found, preset=preset)


def openai() -> Cited:
    """A search model's annotation, over the link that stands in the text."""
    text = "Grüße blue (example.org)"
    told = {"start_index": 11, "end_index": 24, "url": URL, "title": TITLE}
    annotations = [{"type": "url_citation", "url_citation": told}]
    return chat(text, (Citation((11, 24), URL, TITLE),), annotations=annotations)


def perplexity() -> Cited:
    """Numbers in the text, sources beside it; one of them has no number."""
    results = [{"title": TITLE, "url": URL, "snippet": QUOTE}, {"title": "", "url": OTHER}]
    beside = {"citations": [URL, OTHER], "search_results": results}
    found = (Citation((10, 13), URL, TITLE, quote=QUOTE), Citation(None, OTHER))
    return chat("Grüße blue[1].", found, beside=beside, preset="perplexity")


def mistral() -> Cited:
    """A text that refers to what a tool found."""
    content = [
        {"type": "text", "text": "Grüße "},
        {"type": "text", "text": "blue"},
        {"type": "reference", "reference_ids": [3, "a"]},
    ]
    found = (Citation((6, 10), document="3"), Citation((6, 10), document="a"))
    return chat("Grüße blue", found, preset="mistral", content=content)


ANSWERS = {
    one.__name__: one()
    for one in (anthropic, converse, cohere, gemini, openai, perplexity, mistral)
}
