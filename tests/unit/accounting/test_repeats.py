from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from legato.accounting.imports.reader import Asked
from legato.accounting.imports.row import UsageRow
from legato.accounting.repeats import RepeatCounter, near_repeats, plain

if TYPE_CHECKING:
    from pathlib import Path

HOUR_MS = 3_600_000


def call(at_ms: int, cost: int | None = 10, **tags: str) -> UsageRow:
    return UsageRow(
        source="litellm", vendor="x", start_ms=at_ms, end_ms=at_ms, cost=cost, tags=tags
    )


def asked(question: str, context: str = "m") -> Asked:
    return Asked(question, question, context)


def test_the_same_question_again_was_paid_for_again(tmp_path: Path) -> None:
    counter = RepeatCounter(tmp_path)
    counter.add(call(0), asked("How do I return it?"))
    counter.add(call(HOUR_MS), asked("  how do I   return it? "))  # written otherwise
    counter.add(call(HOUR_MS), asked("How do I return it?", "another model"))
    counter.add(call(2 * HOUR_MS, 7), asked("How do I return it?"))
    counter.add(call(30 * HOUR_MS), asked("How do I return it?"))  # no cache keeps it so long
    counter.add(call(31 * HOUR_MS, None), asked("How do I return it?"))
    counter.add(call(31 * HOUR_MS, 0, cache_hit="true"), asked("How do I return it?"))
    counter.add(call(0), None)
    found = counter.result()
    counter.close()
    assert (found.calls, found.repeated, found.unseen) == (7, 3, 1)
    assert (found.cost, found.repeated_cost) == (47, 17)
    assert [day.calls for day in found.days] == [4, 3]
    assert sum(day.repeated_cost for day in found.days) == found.repeated_cost
    assert not list(tmp_path.iterdir())


def test_it_agrees_with_counting_in_memory(tmp_path: Path) -> None:
    generator = random.Random(7)
    calls = [(generator.randrange(100) * HOUR_MS + n, generator.randrange(40)) for n in range(3000)]
    counter = RepeatCounter(tmp_path, within_s=7 * 3600)
    for at_ms, question in calls:
        counter.add(call(at_ms), asked(f"q{question}"))
    expected, paid = 0, dict[int, int]()
    for at_ms, question in sorted(calls):
        if question in paid and at_ms - paid[question] <= 7 * HOUR_MS:
            expected += 1
        else:
            paid[question] = at_ms
    assert counter.result().repeated == expected > 0
    counter.close()


def test_near_ones_by_the_embedder_that_is_shipped() -> None:
    pytest.importorskip("wordllama")
    from pathlib import Path

    from legato.embedding.loading import load_embedder

    model = load_embedder("wordllama", Path())
    texts = [
        "How do I return a parcel?",
        "How can I return a parcel?",
        "How do I return 3 parcels?",  # another number is another question
        "What is the capital of France?",
        "how do i return a PARCEL?",  # identical as it is compared: counted apart
    ]
    found = near_repeats([(b"c", text) for text in texts], model.embed, model.name)
    assert found.looked_at == 4
    assert found.middle == 1
    assert found.low <= found.middle <= found.high
    apart = near_repeats([(bytes([n]), text) for n, text in enumerate(texts)], model.embed, "w")
    assert apart.high == 0  # questions of different contexts are never one


def test_what_is_compared_has_one_form() -> None:
    assert plain("  \uff28allo\n WELT ") == "hallo welt"
