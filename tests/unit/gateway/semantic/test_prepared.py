from __future__ import annotations

from legato.cache.exact import CachedAnswer
from legato.cache.semantic.entry import Entry
from legato.core.usage import Usage
from legato.gateway.semantic.prepared import SIZE_MAX, Prepared


def test_questions_are_read_once_in_bounded_memory() -> None:
    prepared = Prepared()
    first = prepared.of(entry("0", "How tall is it?"))
    assert prepared.of(entry("0", "How tall is it?")) is first
    for number in range(1, 600):
        prepared.of(entry(str(number), f"{number} " + "long " * 799))
        assert prepared.size <= SIZE_MAX
    assert prepared.of(entry("0", "How tall is it?")) == first


def entry(entry_id: str, text: str) -> Entry:
    answer = CachedAnswer(b"{}", False, Usage(), 1, "small", "m", 1)
    return Entry(entry_id, b"p", text, answer, None, "o", "t", "r", "", (), 0, 1)
