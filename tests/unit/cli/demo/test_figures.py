from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from legato.cli.demo.figures import Spread, spread, waterfall
from legato.core.records import EntryKind
from legato.core.usage import USAGE_CLASSES
from legato.storage.ledger.sums import SpendSum

AMOUNTS = st.integers(0, 10**12)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(EntryKind), "cost": AMOUNTS, "baseline_cost": AMOUNTS}
    )
)


def total_of(entries: list[dict[str, Any]]) -> SpendSum:
    cost = sum(entry["cost"] or 0 for entry in entries)
    baseline = sum(entry["baseline_cost"] or 0 for entry in entries)
    return SpendSum(
        group=(),
        requests=len(entries),
        attempts=len(entries),
        unpriced=0,
        provisional=0,
        cost=cost,
        baseline_cost=baseline,
        saved=baseline - cost,
        tokens=dict.fromkeys(USAGE_CLASSES, 0),
    )


@given(ENTRIES)
def test_the_steps_close_to_the_nano_dollar(entries: list[dict[str, Any]]) -> None:
    assert waterfall(entries, total_of(entries)).closes


def test_each_difference_lands_in_its_step() -> None:
    entries = [
        {"kind": "cache", "cost": 0, "baseline_cost": 700},
        {"kind": "usage", "cost": 20, "baseline_cost": 500},
        {"kind": "retry", "cost": 3, "baseline_cost": 0},
        {"kind": "judge", "cost": 4, "baseline_cost": 0},
    ]
    steps = waterfall(entries, total_of(entries))
    assert (steps.baseline, steps.cache, steps.routing, steps.overhead, steps.actual) == (
        1200, 700, 480, -7, 27,
    )  # fmt: skip


def test_an_entry_without_a_price_opens_the_waterfall() -> None:
    entries = [{"kind": "usage", "cost": None, "baseline_cost": 500}]
    assert not waterfall(entries, total_of(entries)).closes


def test_a_spread_names_latencies_that_were_measured() -> None:
    assert spread([]) == Spread(None, None)
    assert spread([2_500]) == Spread(2.5, 2.5)
    assert spread(1_000 * ms for ms in range(100, 0, -1)) == Spread(50.0, 95.0)
