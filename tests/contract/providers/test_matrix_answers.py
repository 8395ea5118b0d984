"""What every provider's models say, told to every caller, whole and streamed.

A cell is something said, a provider whose dialect has words for it, and a caller. All of it
arrives but for what stands in `LOST`, each loss in words that the documents hold.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

sys.path.append(str(Path(__file__).parent))
from matrix import CALLERS, PROVIDERS, SPEAKS, body_of
from matrix_answers import ALL, SAID, URL, Said, write
from matrix_readers import READ
from test_matrix import documents

from legato.core.wire import Operation
from legato.gateway.translate import TranslatingReader, translated_answer
from legato.providers.base import Target

SEQUENCE = "which stop sequence ended an answer"
NOT_ASKED = "Only chat completions ask for more than one choice"
SCORES = "messages have no log probabilities"
LOST = {
    ("chat", "sequence"): SEQUENCE,
    ("responses", "sequence"): SEQUENCE,
    ("responses", "second"): NOT_ASKED,
    ("messages", "second"): NOT_ASKED,
    ("messages", "scored"): SCORES,
}
STOPS = {
    "chat": {"stop_sequence": "stop", "refusal": "content_filter"},
    "responses": {"stop_sequence": "stop", "refusal": "content_filter"},
    "messages": {"content_filter": "refusal"},
}
CELLS = [
    (feature, provider, caller)
    for feature, (_, dialects) in SAID.items()
    for provider in sorted(dialects)
    for caller in CALLERS
]


def test_every_dialect_has_its_cells() -> None:
    assert PROVIDERS.keys() == ALL
    assert READ.keys() == CALLERS.keys()


@pytest.mark.parametrize(("feature", "provider", "caller"), CELLS)
def test_what_is_said_is_told(feature: str, provider: str, caller: str) -> None:
    said = SAID[feature][0]
    written, asked = write(provider, said), PROVIDERS[provider].open()
    surface, (read_whole, read_stream) = CALLERS[caller], READ[caller]
    extra = {"stream_options": {"include_usage": True}} if caller == "chat" else {}
    body = body_of(caller, extra, stream=True)
    view = surface.read(body)
    if SPEAKS.get(caller) == provider:  # the reader is judged: it reads all there is
        assert asked.answer(Operation.CHAT, written.whole).body is None
        reader = asked.reader(view)
        stream = reader.feed(written.stream) + reader.close()
        assert read_whole(written.whole) == read_stream(stream) == stopped(said, caller)
        return
    wanted = stopped(without_lost(said, caller), caller)
    whole = translated_answer(surface, body, asked, written.whole, model="m")
    assert seen(read_whole(whole), caller) == wanted
    for size in (7, 1 << 20):
        translating = TranslatingReader(asked.decoder(), surface.encoder(view), "m")
        raw = written.stream
        stream = b"".join(translating.feed(raw[at : at + size]) for at in range(0, len(raw), size))
        stream += translating.close()
        assert translating.finished
        assert seen(read_stream(stream), caller) == wanted


def without_lost(said: Said, caller: str) -> Said:
    fresh = Said()._asdict()
    for (who, field), words in LOST.items():
        if who == caller and getattr(said, field) != fresh[field]:
            assert words in documents()
            said = said._replace(**{field: fresh[field]})
    if caller == "messages" and said.refusal:  # a text here, ended by the reason
        said = said._replace(text=said.refusal, refusal="", stop="refusal")
    return said


def stopped(said: Said, caller: str) -> Said:
    return said._replace(stop=STOPS[caller].get(said.stop, said.stop))


def seen(read: Said, caller: str) -> Said:
    """Undo what marks a vendor's own: opaque text in responses, Google's in messages."""
    if caller == "messages":
        return read._replace(call_signature=read.call_signature.removeprefix("google.call."))
    if caller == "responses":
        named = {"signature": "c2ln", "sealed": "ZW5j", "call_signature": "U0lH"}
        return read._replace(**{k: v for k, v in named.items() if getattr(read, k)})
    return read


@pytest.mark.parametrize("caller", ["responses", "messages"])
def test_openrouter_is_sent_back_what_was_signed(caller: str) -> None:
    asked = PROVIDERS["openai"]._replace(preset="openrouter").open()
    signed = write("openai", Said("Blue.", thought="Hm.", signature="c2ln", sealed="ZW5j"))
    whole = translated_answer(CALLERS[caller], {}, asked, signed.whole, model="m")
    answer, question = msgspec.json.decode(whole), {"role": "user", "content": "Why?"}
    turn = [{"role": "assistant", "content": answer.get("content")}]
    conversation = [question, *(answer.get("output") or turn), question]
    body = body_of(caller, {}, stream=False)
    body["input" if caller == "responses" else "messages"] = conversation
    chat = CALLERS[caller].to_chat(body, drop_unsupported=False)
    wire = msgspec.json.decode(asked.request_from_chat(chat, Target("m")).body)
    assert wire["messages"][1]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln",
         "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "ZW5j",
         "format": "anthropic-claude-v1", "index": 1},
    ]  # fmt: skip


@pytest.mark.parametrize("caller", ["chat", "responses"])
def test_tools_that_the_provider_ran_are_left_out_and_their_sources_kept(caller: str) -> None:
    written = write("anthropic", Said("Blue.", cites=URL))
    whole = msgspec.json.decode(written.whole)
    used = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "sky"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    whole["content"] = [used, found, *whole["content"]]
    asked, surface = PROVIDERS["anthropic"].open(), CALLERS[caller]
    told = translated_answer(surface, {}, asked, msgspec.json.encode(whole), model="m")
    assert READ[caller][0](told) == Said("Blue.", cites=URL)
    assert "Calls and results of tools that a provider ran itself are left out" in documents()
