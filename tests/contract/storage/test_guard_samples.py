"""Samples of what rules found, on both databases: bounded, judged, forgotten, erased."""

from typing import Any

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.erasure import Subject
from legato.core.errors import Conflict, NotFound
from legato.core.guard_samples import Judgement, Sample
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.storage.erasing import ContentEraser, Meant
from legato.storage.erasures import ErasureStore
from legato.storage.kept.guard_samples import (
    GuardSampleIntake,
    GuardSampleStore,
    SampleFilter,
    SealedSample,
    prune_guard_samples,
)

ACME, OTHER = Tenant("acme"), Tenant("other")


@pytest.fixture
def store(engine: Engine, clock: ManualClock, ids: IdSource) -> GuardSampleStore:
    return GuardSampleStore(engine, clock, ids, ACME)


def sample(ids: IdSource, point: int, sealed: bytes = b"text", **fields: Any) -> SealedSample:
    found = {
        "id": ids.new(), "at_ns": 1, "expires_at_ns": 100, "text_until_ns": 50, "org": "acme",
        "request_id": ids.new(), "end_user": "ann", "policy": "p", "version": "guardrail/p@1",
        "rule": "r", "label": "PERSON", "detector": "names", "action": "flag", "mode": "shadow",
        "place": "input", "pointer": "/input", "first": 3, "last": 9, "score": 0.75,
        "at_least": 0.5, "point": point, **fields,
    }  # fmt: skip
    return SealedSample(Sample(**found), sealed)


def test_those_with_the_lowest_points_stay_and_judged_ones_count_apart(
    engine: Engine, store: GuardSampleStore, ids: IdSource
) -> None:
    intake = GuardSampleIntake(engine, 2)
    first = sample(ids, 5)
    intake.put([first, sample(ids, 9)])
    store.judge(first.sample.id, Judgement.CONFIRMED, "ann", b"")
    intake.put([sample(ids, 7), sample(ids, 3), sample(ids, 8, label="LOCATION")])
    points = {(one.sample.label, one.sample.point) for one in store.page(9)}
    assert points == {("PERSON", 5), ("PERSON", 3), ("PERSON", 7), ("LOCATION", 8)}
    opened = SampleFilter("p", "r", "PERSON", Judgement.OPEN)
    assert [one.sample.point for one in store.page(9, None, opened)] == [3, 7]
    newest = store.page(1)[0].sample.id
    assert newest not in {one.sample.id for one in store.page(9, newest)}


def test_what_is_said_is_kept_and_another_tenant_has_nothing(
    engine: Engine, clock: ManualClock, ids: IdSource, store: GuardSampleStore
) -> None:
    one = sample(ids, 1)
    GuardSampleIntake(engine, 9).put([one])
    found = one.sample.id
    assert store.get(found)[0].sample == one.sample
    store.judge(found, Judgement.CONFIRMED, "ann", b"")
    with pytest.raises(Conflict):
        store.judge(found, Judgement.CONFIRMED, "bob", b"")
    store.judge(found, Judgement.REJECTED, "bob", b"why")
    said = [(each.actor, each.judgement, each.sealed) for each in store.get(found)[1]]
    confirmed, rejected = Judgement.CONFIRMED, Judgement.REJECTED
    assert said == [("ann", confirmed, b""), ("bob", rejected, b"why")]
    assert [(each.judgement, each.count) for each in store.counts()] == [(rejected, 1)]
    assert [each.sample.score for each in store.judged("p", "r")] == [0.75]
    foreign = GuardSampleStore(engine, clock, ids, OTHER)
    assert (foreign.page(9), foreign.counts(), foreign.judged("p", "r")) == ([], [], [])
    for act in (
        lambda: foreign.get(found),
        lambda: foreign.judge(found, Judgement.CONFIRMED, "eve", b""),
    ):
        with pytest.raises(NotFound):
            act()


def test_texts_go_before_their_samples(
    engine: Engine, store: GuardSampleStore, ids: IdSource
) -> None:
    one = sample(ids, 1)
    GuardSampleIntake(engine, 9).put([one])
    store.judge(one.sample.id, Judgement.REJECTED, "ann", b"why")
    assert prune_guard_samples(engine, 50) == 0
    assert store.get(one.sample.id)[0].sealed == b"text"
    assert prune_guard_samples(engine, 51) == 0
    assert store.get(one.sample.id)[0].sealed == b""
    assert store.counts()[0].count == 1
    assert prune_guard_samples(engine, 101) == 1
    assert store.page(9) == []


def test_erased_texts_and_reasons_go_and_do_not_come_back(
    engine: Engine, clock: ManualClock, ids: IdSource, store: GuardSampleStore
) -> None:
    intake = GuardSampleIntake(engine, 9)
    one, late = sample(ids, 1), sample(ids, 2)
    intake.put([one])
    store.judge(one.sample.id, Judgement.REJECTED, "ann", b"why")
    meant = Meant({one.sample.request_id, late.sample.request_id})
    assert ContentEraser(engine, ACME, dry_run=True).guard_samples(meant) == 2
    assert ContentEraser(engine, OTHER).guard_samples(meant) == 0
    assert ContentEraser(engine, ACME).guard_samples(meant) == 2
    assert ContentEraser(engine, ACME).guard_samples(meant) == 0
    found, said = store.get(one.sample.id)
    assert (found.sealed, [each.sealed for each in said]) == (b"", [b""])
    assert found.judgement is Judgement.REJECTED
    marks = ErasureStore(engine, clock, ids, ACME)
    marks.begin(Subject(request_id=late.sample.request_id), "ann")
    intake.put([late])
    assert late.sample.id not in {each.sample.id for each in store.page(9)}
