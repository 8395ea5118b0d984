"""The audit log on either database: gapless, in the transaction of the act, provable."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, delete, event, func, insert, select, update

from legato.audit.acting import Acting, acting_as
from legato.audit.checking import Row, find_kept_fault
from legato.audit.event import Act, Actor, Subject
from legato.audit.merkle import (
    frontier_of,
    leaf_hash,
    proves_consistency,
    proves_inclusion,
)
from legato.audit.segments import split_hashes
from legato.audit.tiles import Tile, bundled, tiles_between
from legato.core.clock import ManualClock
from legato.core.errors import NotFound, StorageUnavailable
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.storage.audit.log import AuditFilter, AuditLog
from legato.storage.audit.tiles import LogTiles
from legato.storage.audit.writing import recorded, recorded_together
from legato.storage.database.engine import open_engine, reading, writing
from legato.storage.migrate import upgrade
from legato.storage.tables.audit import audit_event, audit_head
from legato.storage.tables.schema import organisation, store_version
from legato.storage.tenants.places import Kind, PlaceStore

ORGS = ("acme", "other", "")


def act(org: str = "acme", action: str = "key.create", name: str = "k") -> Act:
    return Act(org, action, Subject("key", name), details={"models": 2})


def record(engine: Engine, *acts: Act) -> None:
    for one in acts:
        with writing(engine) as connection:
            recorded(connection, one)


@pytest.fixture
def log(engine: Engine) -> AuditLog:
    return AuditLog(engine, EVERY_TENANT)


def test_an_act_is_told_with_who_did_it(engine: Engine, log: AuditLog) -> None:
    with acting_as(Actor("key", "k9"), "r7"):
        record(engine, act(name="k1"))
    event = log.get(0).event
    assert (event.index, event.org, event.org_index, event.action) == (0, "acme", 0, "key.create")
    assert (event.actor, event.request_id) == (Actor("key", "k9"), "r7")
    assert (event.subject, event.details) == (Subject("key", "k1"), {"models": 2})


def test_acts_recorded_together_are_those_recorded_one_by_one(
    engine: Engine, log: AuditLog
) -> None:
    record(engine, act("acme", name="first"))
    many = [
        (act(ORGS[n % 3], name=f"k{n}"), Acting(Actor("key", f"a{n}"), f"r{n}")) for n in range(9)
    ]
    with writing(engine) as connection:
        assert recorded_together(connection, many) == 1
    record(engine, act("other", name="last"))
    found = [one.event for one in log.all()]
    assert [one.index for one in found] == list(range(11))
    assert [one.subject.id for one in found] == ["first", *(f"k{n}" for n in range(9)), "last"]
    assert [(one.actor.id, one.request_id) for one in found[1:-1]] == [
        (f"a{n}", f"r{n}") for n in range(9)
    ]
    for org, count in (("acme", 4), ("other", 4), ("", 3)):
        assert [one.org_index for one in found if one.org == org] == list(range(count))
    leaves = [leaf_hash(one.leaf) for one in log.all()]
    assert frontier_of(leaves) == log.head()
    assert proves_inclusion(leaves[5], (5, 11), log.inclusion(5, 11), log.root(11))


def test_what_is_rolled_back_leaves_nothing(engine: Engine, log: AuditLog) -> None:
    def fails() -> None:
        with writing(engine) as connection:
            recorded(connection, act())
            raise KeyError

    record(engine, act(name="before"))
    with pytest.raises(KeyError):
        fails()
    record(engine, act(name="after"))
    assert [one.event.subject.id for one in log.all()] == ["before", "after"]
    assert [one.event.index for one in log.all()] == [0, 1]


def test_what_cannot_be_recorded_is_not_done(engine: Engine) -> None:
    def change() -> None:
        with writing(engine) as connection:
            connection.execute(insert(store_version), {"name": "act", "version": 1})
            recorded(connection, act())

    record(engine, act())
    for damage in (delete(audit_head), update(audit_head).values(size=6)):
        with writing(engine) as connection:
            connection.execute(damage)
        with pytest.raises(StorageUnavailable, match="legato audit verify"):
            change()
        with writing(engine) as connection:
            connection.execute(delete(audit_head))
            head = {"name": "log", "size": 1, "frontier": b"\0" * 32}
            connection.execute(insert(audit_head), head)
    with reading(engine) as connection:
        there = select(store_version.c.name).where(store_version.c.name == "act")
        assert connection.execute(there).first() is None


def test_proofs_are_made_of_what_appending_kept(engine: Engine, log: AuditLog) -> None:
    with writing(engine) as connection:
        for number in range(75):
            assert recorded(connection, act(ORGS[number % 3], name=str(number))) == number
    leaves = [leaf_hash(one.leaf) for one in log.all()]
    assert [one.hash for one in log.all()] == leaves
    for size in (1, 2, 31, 64, 75):
        root = log.root(size)
        assert root == frontier_of(leaves[:size]).root
        index = (size * 7) % size if size > 1 else 0
        assert proves_inclusion(leaves[index], (index, size), log.inclusion(index, size), root)
        path = log.consistency(size, 75)
        assert proves_consistency((size, root), (75, log.root(75)), path)
    assert log.head() == frontier_of(leaves)
    for size in (76, -1):
        with pytest.raises(NotFound):
            log.root(size)


def test_an_organisation_reads_its_own_events_only(engine: Engine, log: AuditLog) -> None:
    record(engine, *(act(org) for org in (*ORGS, *ORGS)))
    acme = AuditLog(engine, Tenant("acme"))
    assert [one.number for one in acme.all()] == [0, 3]
    assert [one.event.org_index for one in acme.all()] == [0, 1]
    assert [one.number for one in acme.page(1, AuditFilter())] == [3]
    assert (acme.count(), log.count()) == (2, 6)
    for call in (acme.get, lambda index: acme.inclusion(index, 6)):
        with pytest.raises(NotFound):
            call(1)


def test_events_are_found_by_what_and_when(engine: Engine, log: AuditLog) -> None:
    record(engine, act(action="key.create"), act(action="key.revoke"), act(action="keyring.load"))

    def found(**wanted: str | int) -> list[int]:
        return [one.number for one in log.page(9, AuditFilter(**wanted))]  # type: ignore[arg-type]

    assert found(action="key.*") == [1, 0]
    assert found(action="key.create") == [0]
    assert found(action="key") == []
    at_ns = log.get(1).event.at_ns
    assert found(since_ns=at_ns) == [2, 1]
    assert found(until_ns=at_ns) == [0]
    assert found(after=0, before=2) == [1]


def test_many_writers_leave_no_gap(engine: Engine, log: AuditLog) -> None:
    def work(org: str) -> None:
        for number in range(12):
            record(engine, act(org, name=str(number)))

    workers = [threading.Thread(target=work, args=(org,)) for org in ("a", "a", "b", "c")]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    events = [one.event for one in log.all()]
    assert [one.index for one in events] == list(range(48))
    of_a = [one.org_index for one in events if one.org == "a"]
    assert of_a == list(range(24))
    assert frontier_of([leaf_hash(one.leaf) for one in log.all()]) == log.head()


def test_head_and_newest_event_are_of_one_moment(engine: Engine, log: AuditLog) -> None:
    assert log.standing() == (log.head(), -1)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            record(engine, act())

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(30):
            head, newest = log.standing()
            assert newest == head.size - 1
    finally:
        stop.set()
        worker.join()
    assert log.standing()[0].size == log.count() > 0


def test_a_damaged_log_gives_no_proof(engine: Engine, log: AuditLog) -> None:
    record(engine, act(), act(), act())
    with writing(engine) as connection:
        connection.execute(delete(audit_event).where(audit_event.c.number == 1))
    with pytest.raises(ValueError, match="damaged at event 1"):
        log.root(3)


def test_tiles_hold_what_the_tree_is_made_of(engine: Engine, log: AuditLog) -> None:
    with writing(engine) as connection:
        for number in range(600):
            recorded(connection, act(ORGS[number % 3], name=str(number)))
    tiles, leaves = LogTiles(engine), [one.leaf for one in log.all()]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    for tile in tiles_between(0, 600):
        found = list(split_hashes(tiles.hashes(tile)))
        if tile.level == 0:
            first = tile.place * 256
            assert found == hashes[first : first + tile.width]
            assert bundled(tiles.events(tile)) == leaves[first : first + tile.width]
        else:
            assert found == [frontier_of(hashes[at : at + 256]).root for at in (0, 256)]
    assert list(split_hashes(tiles.hashes(Tile(0, 1, 7)))) == hashes[256:263]
    for missing in (Tile(0, 2), Tile(1, 0, 3), Tile(0, 9, 1)):
        with pytest.raises(NotFound):
            tiles.hashes(missing)
    with pytest.raises(NotFound):
        tiles.events(Tile(0, 2))


def test_all_proofs_at_once_are_those_one_by_one(engine: Engine, log: AuditLog) -> None:
    with writing(engine) as connection:
        for number in range(41):
            recorded(connection, act(ORGS[number % 3], name=str(number)))
    proven = list(AuditLog(engine, Tenant("acme")).proven(37))
    assert [one.number for one, _ in proven] == list(range(0, 37, 3))
    for one, path in proven:
        assert path == log.inclusion(one.number, 37)


def test_case_37_nothing_is_done_where_the_log_has_no_room(
    tmp_path: Path, clock: ManualClock, ids: IdSource
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'small.db'}")
    upgrade(engine)
    with reading(engine) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    @event.listens_for(engine, "checkout")
    def limit(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 8}")

    places, made = PlaceStore(engine, clock, ids, EVERY_TENANT), 0
    with suppress(StorageUnavailable):
        while made < 10_000:
            places.create(Kind.ORGANISATION, f"org-{made}", "")
            made += 1
    assert 0 < made < 10_000
    with pytest.raises(StorageUnavailable):
        places.create(Kind.ORGANISATION, "one-more", "")
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(organisation)).scalar() == made
    log = AuditLog(engine, EVERY_TENANT)
    assert [one.event.org for one in log.all()] == [f"org-{number}" for number in range(made)]
    assert (
        find_kept_fault((Row(**msgspec.structs.asdict(one)) for one in log.all()), log.head()).fault
        is None
    )
    engine.dispose()
