"""What a holdout's statement is made of, on both databases."""

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.ids import IdSource
from legato.core.records import ArmOutcome, EntryKind
from legato.core.tenant import Tenant
from legato.registry.holdouts import Holdouts
from legato.storage.ledger.ledger import Ledger
from legato.storage.registry.holdouts import HoldoutStore, holdout_stores
from legato.storage.registry.rollout_outcomes import prune_outcomes

from .journal_records import AT_NS, encoded, intent, settled, voided

ACME = Tenant("acme")
ROUTE = "fast"
WRITER = "boot-0"
_DAY_NS = 86_400_000_000_000


@pytest.fixture
def ledger(engine: Engine, clock: ManualClock) -> Ledger:
    return Ledger(engine, clock)


@pytest.fixture
def store(engine: Engine, clock: ManualClock, ids: IdSource) -> HoldoutStore:
    return holdout_stores(engine, clock, ids, ACME)[0]


def test_what_was_lost_and_then_known_counts_once(ledger: Ledger, store: HoldoutStore) -> None:
    lost = encoded(intent("known"), intent("voided"), intent("unpriced", cost=None))
    ledger.commit(f"{WRITER}/1", 1, lost)
    ledger.writer_finished(WRITER)
    before = store.traffic(ROUTE, 0)
    assert (before.cost, before.baseline_cost, before.unpriced) == (1_800, 4_000, 1)
    known = encoded(settled("known"), voided("voided"), settled("unpriced"))
    ledger.commit("boot-0/2", 1, known)
    after = store.traffic(ROUTE, 0)
    assert (after.cost, after.baseline_cost, after.unpriced) == (1_000, 3_000, 0)


def test_overhead_and_its_reversals_are_no_traffic(ledger: Ledger, store: HoldoutStore) -> None:
    judged = settled("judged", kind=EntryKind.JUDGE)
    ledger.commit("boot-0/1", 1, encoded(judged, settled("copied", kind=EntryKind.SHADOW)))
    assert store.traffic(ROUTE, 0).first_at_ns is None


def test_both_figures_are_of_the_time_whose_outcomes_are_kept(
    ledger: Ledger, engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    stores = holdout_stores(engine, clock, ids, ACME)
    begun = stores[0].start(ROUTE, 5_000, "ada", "")
    for number, at_ns in enumerate((AT_NS, AT_NS + _DAY_NS)):
        name = f"{number:032x}"
        outcome = ArmOutcome(name, "acme", f"{begun.id}/treated", at_ns, "ada", True, 500, 9)
        ledger.commit(f"boot-0/{number}", 1, encoded(outcome, settled(name, at_ns=at_ns)))
    statement = Holdouts(*stores).statement(begun)
    assert (statement.requests, statement.modelled.requests) == (2, 2)
    assert prune_outcomes(engine, AT_NS + 1) == 1
    statement = Holdouts(*stores).statement(begun)
    assert (statement.requests, statement.modelled.requests) == (1, 1)
