"""Reasoning that OpenRouter's other vendors sealed: back to OpenRouter as it came, to no other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.append(str(Path(__file__).parent))
from matrix import CALLERS, PROVIDERS, body_of
from matrix_readers import frames_of

from legato.core.errors import InvalidRequest
from legato.core.wire import Operation, RequestView
from legato.gateway.translate import TranslatingReader, translated_answer
from legato.providers.base import Target

ASKED = {"role": "user", "content": "Why?"}
TOLD = [
    {"type": "reasoning.encrypted", "data": "Z0FB", "id": "rs_1",
     "format": "openai-responses-v1", "index": 0},
    {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln",
     "format": "google-gemini-v1", "index": 1},
]  # fmt: skip
SHOWN = {"type": "reasoning.summary", "summary": "Hm.", "format": "openai-responses-v1"}
HEAD = {"id": "c", "created": 1, "model": "m"}
VIEW = RequestView("m", stream=True)


def openrouter() -> Any:
    return PROVIDERS["openai"]._replace(preset="openrouter").open()


def answer(caller: str) -> list[dict[str, Any]]:
    """The answer's turn in the caller's words."""
    message = {"role": "assistant", "content": "Light.", "reasoning": "Hm."}
    message |= {"reasoning_details": [SHOWN, *TOLD]}
    whole = HEAD | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    raw = msgspec.json.encode(whole)
    body = msgspec.json.decode(translated_answer(CALLERS[caller], {}, openrouter(), raw, model="m"))
    if caller == "chat":
        return [body["choices"][0]["message"]]
    if caller == "responses":
        return list(body["output"])
    return [{"role": "assistant", "content": body["content"]}]


def again(caller: str) -> dict[str, Any]:
    field = "input" if caller == "responses" else "messages"
    return body_of(caller, {field: [ASKED, *answer(caller), ASKED]}, stream=False)


@pytest.mark.parametrize("caller", CALLERS)
def test_it_goes_back_as_it_came(caller: str) -> None:
    chat = CALLERS[caller].to_chat(again(caller), drop_unsupported=False)
    wire = msgspec.json.decode(openrouter().request_from_chat(chat, Target("m")).body)
    assert wire["messages"][1]["reasoning_details"] == TOLD
    assert wire["messages"][1]["content"] == "Light."


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "converse", "cohere"])
def test_it_goes_to_no_other(caller: str, provider: str) -> None:
    asked, body = PROVIDERS[provider], again(caller)
    if (caller, provider) == ("messages", "anthropic"):
        view = CALLERS[caller].read(body)
        raw = asked.open().request(Operation.CHAT, body, view, Target("m")).body
    else:
        chat = CALLERS[caller].to_chat(body, drop_unsupported=False)
        raw = asked.open().request_from_chat(chat, Target(asked.model)).body
        asked.judge(msgspec.json.decode(raw))
    assert b"openrouter." not in raw
    assert b"Z0FB" not in raw
    assert b"Light." in raw


def test_a_stream_tells_it_to_chat_as_it_came() -> None:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning": "Hm.", "reasoning_details": [SHOWN]}]
    deltas += [{"reasoning_details": [one]} for one in TOLD] + [{"content": "Light."}]
    ends = [None] * (len(deltas) - 1) + ["stop"]
    chunks = [
        HEAD | {"choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
        for delta, end in zip(deltas, ends, strict=True)
    ]
    stream = b"".join(b"data: " + msgspec.json.encode(one) + b"\n\n" for one in chunks)
    reader = TranslatingReader(openrouter().decoder(), CALLERS["chat"].encoder(VIEW))
    frames = frames_of(reader.feed(stream + b"data: [DONE]\n\n") + reader.close())
    told = [c["delta"].get("reasoning_details", []) for f in frames for c in f["choices"]]
    assert [one for details in told for one in details] == TOLD


def test_what_a_caller_spoilt_is_refused() -> None:
    spoilt = {"type": "redacted_thinking", "data": "openrouter.?"}
    turns = [ASKED, {"role": "assistant", "content": [spoilt]}, ASKED]
    body = body_of("messages", {"messages": turns}, stream=False)
    chat = CALLERS["messages"].to_chat(body, drop_unsupported=False)
    with pytest.raises(InvalidRequest, match="as it came"):
        openrouter().request_from_chat(chat, Target("m"))
