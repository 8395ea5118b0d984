"""A call goes on with its redacted body."""

from __future__ import annotations

from typing import Any

import msgspec

from legato.api.anthropic.messages import Messages
from legato.core.guarding import Finding, Piece
from legato.gateway.context import Call
from legato.gateway.guards.masking import mask
from legato.guardrails.pieces import pieces


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


def masked(body: dict[str, Any], value: str) -> Call:
    """Return a call in which a value is redacted wherever it stands."""
    call = Call("r", Messages(), Nowhere(), 0)
    call.body, call.raw = body, msgspec.json.encode(body)
    texts = pieces(body)
    marked = [
        Marked(one, (Finding("PERSON", at, at + len(value)),))
        for one in texts
        if (at := one.text.find(value)) >= 0
    ]
    assert mask(call, marked, texts) is call.body
    return call


def test_nothing_of_a_call_holds_the_value_any_more() -> None:
    said = {"role": "user", "content": "I am Ann", "name": "Ann"}
    call = masked({"model": "m", "messages": [said], "metadata": {"user_id": "Ann"}}, "Ann")
    assert call.masked
    assert b"Ann" not in call.raw
    assert "Ann" not in repr(call.body)
    assert msgspec.json.decode(call.raw) == call.body
    assert len(call.answer_filters) == 1


def test_signed_thinking_that_is_changed_is_left_out() -> None:
    """What was signed can't be sent back in other words; what is unchanged stays."""
    changed = {"type": "thinking", "thinking": "of Ann", "signature": "s1"}
    unchanged = {"type": "thinking", "thinking": "of none", "signature": "s2"}
    unsigned = {"type": "thinking", "thinking": "for Ann"}
    answer = {"type": "text", "text": "hello Ann"}
    content = [changed, unchanged, unsigned, changed, answer]
    body = {"model": "m", "messages": [{"role": "assistant", "content": content}]}
    call = masked(body, "Ann")
    kept = call.body["messages"][0]["content"]
    assert [one["type"] for one in kept] == ["thinking", "thinking", "text"]
    assert kept[0] == unchanged
    assert kept[1]["thinking"].startswith("for PERSON_")
    assert body["messages"][0]["content"] == content
