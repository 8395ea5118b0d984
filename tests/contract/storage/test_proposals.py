from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from legato.core.errors import Conflict, NotFound
from legato.core.tenant import Tenant
from legato.storage.registry.proposals import (
    ACCEPTED,
    ACCEPTING,
    OPEN,
    REVERTING,
    NewProposal,
    ProposalStore,
)

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
    store.reject(first.id, "ann", "no")
    assert store.raised(new(), "legato") is None
    assert [one.action for one in store.get(first.id)[1]] == ["proposed", "rejected"]
    assert store.page(9)[0].told == first.told


def test_processes_that_raise_a_fact_at_once_make_one_proposal(store: ProposalStore) -> None:
    with ThreadPoolExecutor(8) as processes:
        made = list(processes.map(lambda _: store.raised(new(), "legato"), range(8)))
    assert len([one for one in made if one is not None]) == 1
    assert len(store.page(9)) == 1


def test_what_was_decided_is_kept_with_who_and_why(
    store: ProposalStore, clock: ManualClock
) -> None:
    made = store.offer(new(), "ann")
    clock.advance(1)
    rejected = store.reject(made.id, "bob", "too dear")
    assert rejected.decided_at_ns == clock.now_ns()
    with pytest.raises(Conflict, match="is rejected, not open"):
        store.begin(made.id, ACCEPTING)
    assert store.offer(new(told="otherwise"), "ann") == rejected
    last = store.get(made.id)[1][-1]
    assert (last.actor, last.action, last.reason) == ("bob", "rejected", "too dear")


def test_an_accepted_one_can_be_taken_back(store: ProposalStore) -> None:
    made = store.offer(new(), "ann")
    with pytest.raises(Conflict, match="is open, not accepted"):
        store.begin(made.id, REVERTING)
    store.finish(store.begin(made.id, ACCEPTING), "ann", "")
    assert store.finish(store.begin(made.id, REVERTING), "ann", "no").decided_at_ns is None
    assert [one.action for one in store.get(made.id)[1]] == ["proposed", "accepted", "reverted"]


def test_one_person_at_a_time_accepts(store: ProposalStore) -> None:
    made = store.offer(new(), "ann")
    begun = store.begin(made.id, ACCEPTING)
    for through in (ACCEPTING, REVERTING):
        with pytest.raises(Conflict, match="accepting"):
            store.begin(made.id, through)
    with pytest.raises(Conflict, match="is accepting"):
        store.reject(made.id, "bob", "no")
    assert store.offer(new(told="otherwise"), "bob") == begun
    assert store.finish(begun, "ann", "agreed").state == ACCEPTED
    with pytest.raises(Conflict, match="is accepted, not open"):
        store.begin(made.id, ACCEPTING)


def test_who_died_while_accepting_is_followed_by_another(
    store: ProposalStore, clock: ManualClock
) -> None:
    made = store.offer(new(), "ann")
    begun = store.begin(made.id, ACCEPTING)
    clock.advance(61)
    taken_over = store.begin(made.id, ACCEPTING)
    store.give_up(begun)
    with pytest.raises(Conflict, match="somebody else"):
        store.finish(begun, "ann", "I was only slow")
    assert store.finish(taken_over, "bob", "finished it").state == ACCEPTED
    assert [one.actor for one in store.get(made.id)[1]] == ["ann", "bob"]


def test_what_cannot_be_carried_out_is_as_it_was(store: ProposalStore) -> None:
    made = store.offer(new(), "ann")
    store.give_up(store.begin(made.id, ACCEPTING))
    assert store.get(made.id)[0] == made
    accepted = store.finish(store.begin(made.id, ACCEPTING), "ann", "")
    store.give_up(store.begin(made.id, REVERTING))
    assert store.get(made.id)[0].state == accepted.state


def test_of_many_who_accept_at_once_one_does(store: ProposalStore) -> None:
    made = store.offer(new(), "ann")

    def attempt(_: int) -> bool:
        try:
            store.begin(made.id, ACCEPTING)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as people:
        assert sum(people.map(attempt, range(8))) == 1


def test_pages_are_newest_first_and_by_state(store: ProposalStore) -> None:
    made = [store.offer(new(f"d{n}"), "ann").id for n in range(3)]
    store.reject(made[1], "ann", "no")
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
        lambda: other.begin(made.id, ACCEPTING),
        lambda: other.reject(made.id, "eve", ""),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert other.offer(new(), "eve").id != made.id
