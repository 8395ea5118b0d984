"""Kept redaction maps, on both databases: read only once it is written down, forgotten, erased."""

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.erasure import Subject
from legato.core.errors import Forbidden, NotFound
from legato.core.ids import IdSource
from legato.core.kept_maps import MapHead
from legato.core.tenant import Tenant
from legato.storage.erasing import ContentEraser, Meant
from legato.storage.erasures import ErasureStore
from legato.storage.kept.kept_maps import (
    Asking,
    KeptMapIntake,
    KeptMaps,
    SealedMap,
    prune_kept_maps,
)

ACME, OTHER = Tenant("acme"), Tenant("other")
ANN = Asking("key:ann", "ann", b"why")


@pytest.fixture
def maps(engine: Engine, clock: ManualClock, ids: IdSource) -> KeptMaps:
    return KeptMaps(engine, clock, ids, ACME)


def kept(ids: IdSource, clock: ManualClock, who: tuple[str, ...] | None = None) -> SealedMap:
    now_ns = clock.now_ns()
    head = MapHead(
        org="acme", request_id=ids.new(), end_user="u", at_ns=now_ns, expires_at_ns=now_ns + 10,
        policies=("guardrail/p@1",), who=who, count=2,
    )  # fmt: skip
    return SealedMap(head, b"sealed")


def test_each_reading_is_written_down_and_so_is_each_refusal(
    engine: Engine, clock: ManualClock, ids: IdSource, maps: KeptMaps
) -> None:
    anyones, named = kept(ids, clock), kept(ids, clock, ("ann",))
    KeptMapIntake(engine).put([anyones, named])
    assert maps.read(anyones.head.request_id, ANN) == anyones
    assert maps.read(named.head.request_id, ANN) == named
    with pytest.raises(Forbidden):
        maps.read(named.head.request_id, Asking("key:bob", "bob", b""))
    maps.read(named.head.request_id, Asking("operator:root", None, b""))
    found = [(one.actor, one.outcome) for one in maps.readings(named.head.request_id)]
    assert found == [("key:ann", "read"), ("key:bob", "refused"), ("operator:root", "read")]
    foreign = KeptMaps(engine, clock, ids, OTHER)
    with pytest.raises(NotFound):
        foreign.read(named.head.request_id, ANN)
    assert foreign.readings(named.head.request_id) == []


def test_it_goes_with_its_time(
    engine: Engine, clock: ManualClock, ids: IdSource, maps: KeptMaps
) -> None:
    one = kept(ids, clock)
    KeptMapIntake(engine).put([one])
    until_ns = one.head.expires_at_ns
    assert prune_kept_maps(engine, until_ns) == 0
    clock.advance(20e-9)
    with pytest.raises(NotFound):  # late to be pruned, it isn't given any more
        maps.read(one.head.request_id, ANN)
    assert prune_kept_maps(engine, until_ns + 1) == 1


def test_what_is_erased_is_gone_and_does_not_come_back(
    engine: Engine, clock: ManualClock, ids: IdSource, maps: KeptMaps
) -> None:
    intake, one, late = KeptMapIntake(engine), kept(ids, clock), kept(ids, clock)
    intake.put([one])
    maps.read(one.head.request_id, ANN)
    meant = Meant({one.head.request_id, late.head.request_id})
    assert ContentEraser(engine, ACME, dry_run=True).kept_maps(meant) == 1
    assert ContentEraser(engine, OTHER).kept_maps(meant) == 0
    assert ContentEraser(engine, ACME).kept_maps(meant) == 1
    with pytest.raises(NotFound):
        maps.read(one.head.request_id, ANN)
    said = [(each.actor, each.sealed) for each in maps.readings(one.head.request_id)]
    assert said == [("key:ann", b"")]
    marks = ErasureStore(engine, clock, ids, ACME)
    marks.begin(Subject(request_id=late.head.request_id), "ann")
    intake.put([late])
    with pytest.raises(NotFound):
        maps.read(late.head.request_id, ANN)
