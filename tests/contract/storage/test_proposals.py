from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from legato.core.errors import Conflict, NotFound
from legato.core.tenant import Tenant
from legato.storage.proposals import ACCEPTED, OPEN, REJECTED, NewProposal, ProposalStore

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from legato.core.clock import ManualClock
    from legato.core.ids import IdSource


@pytest.fixture
def store(engine: Engine, clock: ManualClock, ids: IdSource) -> ProposalStore:
    return ProposalStore(engine, clock, ids, Tenant("acme"))


def new(digest: str = "d1", told: str = "more") -> NewProposal:
    return NewProposal(digest, "price", "big", "{}", "[]", None, told)


def test_a_fact_is_proposed_once_and_its_figures_are_made_again(store: ProposalStore) -> None:
    first = store.offer(new(), "ann")
    again = store.offer(new(told="less"), "ann")
    assert (first.id, first.revision, again.id, again.revision) == (first.id, 1, first.id, 2)
    assert again.told == "less"
    assert [one.action for one in store.get(first.id)[1]] == ["proposed", "refreshed"]


def test_a_fact_that_is_raised_again_changes_nothing(store: ProposalStore) -> None:
    first = store.raised(new(), "legato")
    assert first is not None
    assert store.raised(new(told="otherwise"), "legato") is None
    store.decide(first.id, REJECTED, "ann", "no")
    assert store.raised(new(), "legato") is None
    assert [one.action for one in store.get(first.id)[1]] == ["proposed", "rejected"]
    assert store.page(9)[0].told == first.told


def test_what_was_decided_is_kept_with_who_and_why(
    store: ProposalStore, clock: ManualClock
) -> None:
    made = store.offer(new(), "ann")
    clock.advance(1)
    rejected = store.decide(made.id, REJECTED, "bob", "too dear")
    assert rejected.decided_at_ns == clock.now_ns()
    with pytest.raises(Conflict, match="is rejected, not open"):
        store.decide(made.id, ACCEPTED, "bob", "")
    assert store.offer(new(told="otherwise"), "ann") == rejected
    last = store.get(made.id)[1][-1]
    assert (last.actor, last.action, last.reason) == ("bob", "rejected", "too dear")


def test_an_accepted_one_can_be_taken_back(store: ProposalStore) -> None:
    made = store.offer(new(), "ann")
    with pytest.raises(Conflict):
        store.decide(made.id, OPEN, "ann", "")
    store.decide(made.id, ACCEPTED, "ann", "")
    assert store.decide(made.id, OPEN, "ann", "no").decided_at_ns is None
    assert [one.action for one in store.get(made.id)[1]] == ["proposed", "accepted", "reverted"]


def test_pages_are_newest_first_and_by_state(store: ProposalStore) -> None:
    made = [store.offer(new(f"d{n}"), "ann").id for n in range(3)]
    store.decide(made[1], REJECTED, "ann", "no")
    assert [one.id for one in store.page(2)] == made[:0:-1]
    assert [one.id for one in store.page(2, made[1])] == made[:1]
    assert [one.id for one in store.page(9, None, OPEN)] == [made[2], made[0]]


def test_another_organisation_sees_nothing(
    store: ProposalStore, engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    made = store.offer(new(), "ann")
    other = ProposalStore(engine, clock, ids, Tenant("other"))
    assert other.page(9) == []
    for attempt in (
        lambda: other.get(made.id),
        lambda: other.decide(made.id, ACCEPTED, "eve", ""),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert other.offer(new(), "eve").id != made.id
