from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.errors import ConfigInvalid, InvalidRequest, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.money import NanoUSD
from legato.core.principal import Scope, Window
from legato.core.tenant import EVERY_TENANT
from legato.storage.tenants.key_records import DeclaredKey, KeyBudget, KeySpec
from legato.storage.tenants.keys import KeyStore

FULL = KeySpec(
    name="support-bot",
    team="support",
    feature="bot",
    org="acme",
    scopes=frozenset({Scope.CALL, Scope.ADMIN}),
    models=frozenset({"fast", "smart"}),
    tags={"cost_centre": "42"},
    requests_per_minute=60,
    concurrency_max=4,
    budget=KeyBudget(NanoUSD(5_000_000_000), Window.DAY),
    expires_at_ns=1_800_000_000_000_000_000,
)
PLAIN = KeySpec(name="plain", team="t", feature="f")


@pytest.fixture
def keys(engine: Engine, clock: ManualClock, ids: IdSource) -> KeyStore:
    return KeyStore(engine, clock, ids, EVERY_TENANT)


def test_a_key_comes_back_whole(keys: KeyStore) -> None:
    key_id = keys.create(FULL, b"digest")
    assert keys.get(key_id).spec == FULL
    assert [record.id for record in keys.list()] == [key_id]
    principal = keys.snapshot().by_digest[b"digest"]
    assert principal.key_id == key_id
    assert principal.budget is not None
    assert (principal.budget.id, principal.budget.window) == (f"key:{key_id}", Window.DAY)
    assert principal.tags == {"cost_centre": "42"}
    assert principal.expires_at_ns == FULL.expires_at_ns


def test_a_name_in_force_is_taken_and_free_after_its_revocation(keys: KeyStore) -> None:
    first = keys.create(PLAIN, b"one")
    with pytest.raises(InvalidRequest, match="in force"):
        keys.create(PLAIN, b"two")
    keys.revoke(first)
    second = keys.create(PLAIN, b"two")
    assert set(keys.snapshot().by_digest) == {b"two"}
    assert second != first


def test_a_change_touches_terms_and_nothing_else(keys: KeyStore) -> None:
    key_id = keys.create(FULL, b"digest")
    before, number = keys.get(key_id), keys.version()
    other = KeySpec(name="other", team="u", feature="g", org="o", models=frozenset({"fast"}))
    changed = keys.change(key_id, other, before.version)
    terms = {"models": frozenset({"fast"}), "tags": {}, "budget": None, "expires_at_ns": None}
    terms |= {"requests_per_minute": None, "concurrency_max": None}
    assert changed.spec == replace(FULL, **terms)
    assert changed == keys.get(key_id)
    assert keys.version() > number
    assert set(keys.snapshot().by_digest) == {b"digest"}
    with pytest.raises(PreconditionFailed, match="since you read it"):
        keys.change(key_id, FULL, before.version)
    assert keys.change(key_id, FULL, changed.version) == before


def test_of_many_changes_to_one_version_one_is_made(keys: KeyStore) -> None:
    key_id = keys.create(PLAIN, b"one")
    version = keys.get(key_id).version

    def change(limit: int) -> bool:
        try:
            keys.change(key_id, replace(PLAIN, requests_per_minute=limit), version)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(change, range(1, 5))) == 1


def test_every_change_raises_the_version(keys: KeyStore) -> None:
    versions = [keys.version()]
    key_id = keys.create(PLAIN, b"one")
    versions.append(keys.version())
    keys.rotate(key_id, b"two", 60)
    versions.append(keys.version())
    keys.revoke(key_id)
    versions.append(keys.version())
    assert versions == sorted(set(versions))
    assert keys.snapshot().version == versions[-1]
    keys.revoke(key_id)
    assert keys.version() == versions[-1]


def test_a_rotated_secret_ends_after_the_overlap(keys: KeyStore, clock: ManualClock) -> None:
    key_id = keys.create(PLAIN, b"old")
    keys.rotate(key_id, b"new", 60)
    snapshot = keys.snapshot().by_digest
    assert snapshot[b"old"].expires_at_ns == clock.now_ns() + 60_000_000_000
    assert snapshot[b"new"].expires_at_ns is None
    clock.advance(61)
    assert set(keys.snapshot().by_digest) == {b"new"}


def test_a_second_rotation_does_not_lengthen_the_first_overlap(
    keys: KeyStore, clock: ManualClock
) -> None:
    key_id = keys.create(PLAIN, b"a")
    keys.rotate(key_id, b"b", 60)
    keys.rotate(key_id, b"c", 600)
    snapshot = keys.snapshot().by_digest
    assert snapshot[b"a"].expires_at_ns == clock.now_ns() + 60_000_000_000
    assert snapshot[b"b"].expires_at_ns == clock.now_ns() + 600_000_000_000


def test_unknown_and_unfit_keys_are_refused(keys: KeyStore) -> None:
    with pytest.raises(NotFound):
        keys.get("nobody")
    with pytest.raises(NotFound):
        keys.revoke("nobody")
    key_id = keys.create(PLAIN, b"a")
    with pytest.raises(InvalidRequest, match="in use"):
        keys.rotate(key_id, b"a", 0)
    keys.revoke(key_id)
    with pytest.raises(InvalidRequest, match="revoked"):
        keys.rotate(key_id, b"b", 0)
    keys.upsert_declared([DeclaredKey(PLAIN, b"c")])
    declared = keys.snapshot().by_digest[b"c"].key_id
    with pytest.raises(InvalidRequest, match="declared"):
        keys.rotate(declared, b"d", 0)


def test_declared_keys_follow_the_configuration(keys: KeyStore) -> None:
    keys.upsert_declared([DeclaredKey(PLAIN, b"a"), DeclaredKey(FULL, b"b")])
    first = keys.snapshot()
    keys.upsert_declared([DeclaredKey(PLAIN, b"a"), DeclaredKey(FULL, b"b")])
    assert keys.version() == first.version, "the same configuration changes nothing"

    keys.upsert_declared([DeclaredKey(KeySpec(name="plain", team="t2", feature="f"), b"a2")])
    second = keys.snapshot().by_digest
    assert set(second) == {b"a2"}
    assert second[b"a2"].team == "t2"
    assert second[b"a2"].key_id == first.by_digest[b"a"].key_id

    keys.upsert_declared([DeclaredKey(FULL, b"b")])
    assert keys.snapshot().by_digest[b"b"].key_id == first.by_digest[b"b"].key_id, "revived"


def test_an_operators_revocation_outlives_a_restart(keys: KeyStore) -> None:
    keys.upsert_declared([DeclaredKey(PLAIN, b"a")])
    revoked = keys.snapshot().by_digest[b"a"].key_id
    keys.revoke(revoked)
    keys.upsert_declared([DeclaredKey(PLAIN, b"a")])
    assert keys.snapshot().by_digest == {}
    keys.upsert_declared([])
    keys.upsert_declared([DeclaredKey(PLAIN, b"a")])
    assert keys.snapshot().by_digest == {}
    keys.upsert_declared([DeclaredKey(PLAIN, b"fresh")])
    assert keys.snapshot().by_digest[b"fresh"].key_id != revoked


def test_a_declared_key_must_not_take_what_is_anothers(keys: KeyStore) -> None:
    keys.create(PLAIN, b"a")
    with pytest.raises(ConfigInvalid, match="this name"):
        keys.upsert_declared([DeclaredKey(PLAIN, b"b")])
    with pytest.raises(ConfigInvalid, match="secret"):
        keys.upsert_declared([DeclaredKey(FULL, b"a")])
    assert len(keys.list()) == 1, "nothing of a refused configuration stays"
