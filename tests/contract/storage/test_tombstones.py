"""Tombstones on both databases: kept with the act, handed on in order, applied at any time."""

import pytest
from sqlalchemy import Engine, select, text

from legato.core.clock import ManualClock
from legato.core.erasure import Subject
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.core.tombstones import Grave, Tombstone, standing
from legato.storage.database.engine import reading, writing
from legato.storage.erasures import ErasureStore
from legato.storage.privacy.tombstones import CopyState, TombstoneStore
from legato.storage.tables.schema import api_key
from legato.storage.tenants.key_records import KeySpec
from legato.storage.tenants.keys import KeyStore

ANN = "a" * 24


@pytest.fixture
def keys(engine: Engine, clock: ManualClock, ids: IdSource) -> KeyStore:
    return KeyStore(engine, clock, ids, EVERY_TENANT)


@pytest.fixture
def store(engine: Engine, clock: ManualClock) -> TombstoneStore:
    return TombstoneStore(engine, clock.now_ns)


def made(keys: KeyStore, name: str) -> str:
    return keys.create(KeySpec(name=name, team="t", feature="f", org="acme"), name.encode())


def test_acts_leave_tombstones_and_a_restored_database_takes_them(
    engine: Engine, keys: KeyStore, store: TombstoneStore, clock: ManualClock
) -> None:
    gone, turned, kept = (made(keys, name) for name in ("gone", "turned", "kept"))
    keys.rotate(turned, b"new", 0.0)
    keys.revoke(gone)
    ErasureStore(engine, clock, IdSource(clock), Tenant("acme")).begin(Subject(ANN), "operator:me")
    pending, last = store.pending(0)
    assert [one.kind for one in pending] == [Grave.SECRET, Grave.KEY, Grave.USER]
    assert {one.org for one in pending} != {"acme"}  # a list has ids, no names
    assert store.pending(last) == ([], last)
    with writing(engine) as connection:  # as a backup from before has it
        connection.execute(text("UPDATE api_key SET revoked_at_ns = NULL, revoked_by = ''"))
        connection.execute(text("UPDATE api_key_secret SET valid_until_ns = NULL"))
    named = store.named([*pending, Tombstone(kind=Grave.KEY, subject="x", at_ns=1, org="not here")])
    assert [one.org for one in named] == ["acme"] * 3
    counts = store.refuse(named, "vault")
    assert (counts["key"], counts["secret"], counts["user"]) == (1, 1, 1)
    again = store.refuse(named, "vault")
    assert (again["key"], again["secret"]) == (0, 0)
    clock.advance(1)
    assert set(keys.snapshot().by_digest) == {b"new", b"kept"}
    with reading(engine) as connection:
        revoked = connection.execute(
            select(api_key.c.id).where(api_key.c.revoked_by == "operator")
        ).scalars()
        assert list(revoked) == [gone]
    assert kept


def test_one_process_writes_to_a_copy_at_a_time(store: TombstoneStore, clock: ManualClock) -> None:
    assert store.state("vault") == CopyState("vault")
    assert store.claim("vault", "one", 10)
    assert not store.claim("vault", "other", 10)
    assert store.claim("vault", "one", 10)
    clock.advance(1)
    assert store.claim("vault", "other", 10)
    state = CopyState("vault", 3, b"h" * 32, 7, 9, "it is full")
    store.keep_state(state)
    assert store.state("vault") == state


def test_the_last_word_on_a_subject_holds() -> None:
    def said(subject: str, *, lifted: bool = False) -> Tombstone:
        return Tombstone(kind=Grave.ACCOUNT, subject=subject, at_ns=1, lifted=lifted)

    found = standing([said("a"), said("b"), said("a", lifted=True), said("b"), said("c")])
    assert [one.subject for one in found] == ["b", "c"]
