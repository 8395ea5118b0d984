"""Answers that people review, on both databases: handed out, labelled, doubled, forgotten."""

import threading

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.errors import Conflict, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.storage.evaluation.judge_records import JudgeRecord, JudgeRecords
from legato.storage.evaluation.reviews import Item, NewItem, ReviewStore, SealedLabel, prune_reviews

ACME, OTHER = Tenant("acme"), Tenant("other")
LEASE_NS = 1_000


@pytest.fixture
def store(engine: Engine) -> ReviewStore:
    return ReviewStore(engine, ACME)


def added(store: ReviewStore, ids: IdSource, *wanted: int, judge: str = "good") -> list[str]:
    """Add an item for each number of labels wanted."""
    items = [NewItem(ids.new(), judge, "api", b"sealed", labels) for labels in wanted]
    store.add(items, 5)
    return [one.id for one in items]


def claim(store: ReviewStore, reviewer: str, now_ns: int = 0, judge: str = "good") -> str | None:
    found = store.claim(judge, reviewer, now_ns, now_ns + LEASE_NS)
    return None if found is None else found.id


def say(
    store: ReviewStore, item_id: str, reviewer: str, levels: str = '{"a":1}', *, skip: bool = False
) -> None:
    store.label(SealedLabel(item_id, reviewer, skip, "{}" if skip else levels, b"texts", 7))


def test_two_people_do_not_get_the_same_item(store: ReviewStore, ids: IdSource) -> None:
    first, second = added(store, ids, 1, 1)
    assert claim(store, "ann") == first
    assert claim(store, "ann") == first  # what she has before her already
    assert claim(store, "ben") == second
    assert claim(store, "cat") is None
    assert claim(store, "cat", LEASE_NS) == first  # nobody came back in time
    assert claim(store, "ann", judge="other") is None


def test_a_label_ends_a_claim_and_closes_the_item(store: ReviewStore, ids: IdSource) -> None:
    first, second = added(store, ids, 1, 1)
    say(store, first, "ann")
    assert store.get(first) == Item(first, "good", "api", b"sealed", 1, 1, 5)
    assert claim(store, "ann") == second
    with pytest.raises(Conflict, match="all the labels"):
        say(store, first, "ben")
    say(store, first, "ann", '{"a":2}')  # she may think again
    assert [(one.reviewer, one.levels) for one in store.labels([first])] == [("ann", '{"a":2}')]
    assert store.get(first).labels_given == 1
    assert [one.id for one in store.page(9, None, "good", only_open=True)] == [second]
    assert [one.id for one in store.page(9, first, None)] == [second]


def test_a_doubled_item_goes_to_two_people(store: ReviewStore, ids: IdSource) -> None:
    (only,) = added(store, ids, 2)
    assert (claim(store, "ann"), claim(store, "ben"), claim(store, "cat")) == (only, only, None)
    say(store, only, "ann")
    assert claim(store, "ann") is None
    assert claim(store, "cat") is None  # ben has it before him
    say(store, only, "ben")
    assert store.get(only).labels_given == 2


def test_who_skips_is_not_asked_again_and_others_are(store: ReviewStore, ids: IdSource) -> None:
    (only,) = added(store, ids, 1)
    say(store, only, "ann", skip=True)
    assert claim(store, "ann") is None
    assert claim(store, "ben") == only
    say(store, only, "ann")  # she thought again
    assert store.get(only).labels_given == 1


def test_many_at_once_get_each_item_once(engine: Engine, ids: IdSource) -> None:
    wanted = added(ReviewStore(engine, ACME), ids, *[1] * 8)
    found: list[str | None] = []

    def work(reviewer: str) -> None:
        found.append(claim(ReviewStore(engine, ACME), reviewer))

    threads = [threading.Thread(target=work, args=(f"r{number}",)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one for one in found if one is not None) == sorted(wanted)
    assert found.count(None) == 2


def test_nobody_meets_anothers_reviews(engine: Engine, store: ReviewStore, ids: IdSource) -> None:
    (mine,) = added(store, ids, 1)
    other = ReviewStore(engine, OTHER)
    assert claim(other, "ann") is None
    assert other.page(9, None, None) == []
    for refused in (lambda: other.get(mine), lambda: say(other, mine, "ann")):
        with pytest.raises(NotFound):
            refused()
    say(store, mine, "ann")
    assert other.labels([mine]) == []


def test_what_has_had_its_time_is_forgotten_with_all_that_was_said(
    engine: Engine, store: ReviewStore, ids: IdSource
) -> None:
    old, kept = added(store, ids, 1, 1)
    store.add([NewItem(ids.new(), "good", "api", b"", 1)], 50)
    say(store, old, "ann")
    claim(store, "ben")
    assert prune_reviews(engine, 6) == 2
    assert len(store.page(9, None, None)) == 1
    assert store.labels([old, kept]) == []


def test_the_newest_measurement_of_a_version_counts(
    engine: Engine, ids: IdSource, clock: ManualClock
) -> None:
    records = JudgeRecords(engine, ACME)
    made = [
        JudgeRecord(ids.new(), "good", digest, "ann", clock.now_ns(), record)
        for digest, record in (("d1", "{}"), ("d1", '{"items":2}'), ("d2", "{}"))
    ]
    for one in made:
        records.put(one)
    assert records.latest("good", "d1") == made[1]
    assert records.latest("good", "d3") is None
    assert records.page(2, None, "good") == [made[2], made[1]]
    assert records.page(9, made[1].id, None) == [made[0]]
    assert JudgeRecords(engine, OTHER).page(9, None, None) == []
