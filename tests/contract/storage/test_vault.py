"""The vault on both databases: what is sealed stays readable through every rotation."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, update

from legato.core.clock import ManualClock
from legato.core.erasure import KeyDestroyed
from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.storage.data_keys import DataKeyTable
from legato.storage.tables.schema import data_key
from legato.storage.tenants.credentials import CredentialStore
from legato.vault.data_keys import INSTANCE, DataKeys
from legato.vault.envelope import Envelopes
from legato.vault.key_service import KeyService, LocalKeys, VaultUnusable

OLD, NEW = LocalKeys([b"o" * 32]), LocalKeys([b"n" * 32])
BOTH = LocalKeys([b"n" * 32, b"o" * 32])
Open = Callable[[KeyService], DataKeys]


@pytest.fixture
def opened(engine: Engine, clock: ManualClock, ids: IdSource) -> Open:
    """Opens the vault as one more process would."""
    return lambda service: DataKeys(DataKeyTable(engine), lambda: service, clock, ids)


def test_every_process_finds_the_same_keys_and_every_tenant_its_own(opened: Open) -> None:
    sealed = Envelopes(opened(OLD)).seal("acme", b"text", b"place")
    other = Envelopes(opened(OLD))
    assert other.open("acme", sealed, b"place") == b"text"
    for org, context in (("umbrella", b"place"), (INSTANCE, b"place"), ("acme", b"elsewhere")):
        with pytest.raises(ValueError, match="can't be opened"):
            other.open(org, sealed, context)
    assert opened(OLD).root() == opened(OLD).root()


def test_any_altered_byte_is_noticed(opened: Open) -> None:
    envelopes = Envelopes(opened(OLD))
    sealed = envelopes.seal("acme", b"text", b"")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(ValueError, match="can't be opened"):
            envelopes.open("acme", bytes(altered), b"")
    with pytest.raises(ValueError, match="can't be opened"):
        envelopes.open("acme", sealed[:20], b"")


def test_a_rotated_data_key_leaves_what_it_sealed_readable(
    opened: Open, clock: ManualClock
) -> None:
    running, idle = opened(OLD), opened(OLD)
    idle.current("acme")
    before = Envelopes(running).seal("acme", b"before", b"")
    assert opened(OLD).rotate("acme").version == 2
    after = Envelopes(opened(OLD)).seal("acme", b"after", b"")
    assert before[1:17] != after[1:17]
    assert Envelopes(running).open("acme", after, b"") == b"after", "a key it has not met"
    assert Envelopes(opened(OLD)).open("acme", before, b"") == b"before"
    assert idle.current("acme").version == 1
    clock.advance(31)
    assert idle.current("acme").version == 2, "sealed with by every process, soon"


def test_rotating_the_master_rewraps_and_touches_nothing_else(opened: Open, engine: Engine) -> None:
    keys = opened(OLD)
    root, sealed = keys.root(), Envelopes(keys).seal("acme", b"text", b"")
    assert keys.rewrap(BOTH) == 2
    assert keys.rewrap(BOTH) == 0
    assert {row.master_id for row in DataKeyTable(engine).all()} == {NEW.current_id}
    fresh = opened(NEW)
    assert fresh.root() == root
    assert Envelopes(fresh).open("acme", sealed, b"") == b"text"
    with pytest.raises(VaultUnusable, match="master_key_previous"):
        opened(OLD).root()


def test_a_rotation_that_cannot_unwrap_changes_nothing(opened: Open, engine: Engine) -> None:
    keys = opened(OLD)
    keys.root()
    before = DataKeyTable(engine).all()
    with pytest.raises(VaultUnusable):
        keys.rewrap(NEW)
    assert DataKeyTable(engine).all() == before


def test_a_process_with_the_last_master_key_makes_no_key_that_would_be_lost(
    opened: Open, engine: Engine
) -> None:
    running = opened(OLD)
    running.root()
    opened(OLD).rewrap(BOTH)
    with pytest.raises(VaultUnusable, match="restart"):
        running.current("acme")
    assert [row.org for row in DataKeyTable(engine).all()] == [INSTANCE]


def test_a_key_moved_to_another_tenant_does_not_unwrap(opened: Open, engine: Engine) -> None:
    opened(OLD).current("acme")
    with engine.begin() as connection:
        connection.execute(update(data_key).values(org="umbrella"))
    with pytest.raises(VaultUnusable, match="altered"):
        opened(OLD).current("umbrella")


def test_no_key_is_shown_by_its_repr(opened: Open) -> None:
    key = opened(OLD).current("acme")
    assert repr(key.key) not in repr(key)


def test_credentials_are_set_changed_and_forgotten(engine: Engine, clock: ManualClock) -> None:
    store = CredentialStore(engine, clock)
    versions = [store.version()]
    assert store.put("vendor", b"one").version == 1
    versions.append(store.version())
    assert store.put("vendor", b"two").version == 2
    versions.append(store.version())
    assert store.read(["vendor", "nobody"]) == {"vendor": b"two"}
    assert [(one.name, one.version) for one in store.list()] == [("vendor", 2)]
    store.remove("vendor")
    versions.append(store.version())
    assert versions == sorted(set(versions))
    with pytest.raises(NotFound):
        store.remove("vendor")


def test_a_destroyed_key_is_dropped_by_every_process_and_a_new_one_follows(
    opened: Open, engine: Engine, clock: ManualClock
) -> None:
    keys, table = opened(OLD), DataKeyTable(engine)
    running, root = Envelopes(keys), keys.root()
    before = running.seal("acme", b"text", b"")
    other = running.seal("umbrella", b"theirs", b"")
    assert table.destroy("acme", "operator:me", 1) == 1
    assert table.destroy("acme", "operator:me", 1) == 0
    clock.advance(2)
    for envelopes in (running, Envelopes(opened(OLD))):
        with pytest.raises(KeyDestroyed):
            envelopes.open("acme", before, b"")
    assert running.open("umbrella", other, b"") == b"theirs"
    assert keys.root() == root
    after = running.seal("acme", b"new", b"")
    assert keys.current("acme").version == 2
    assert Envelopes(opened(OLD)).open("acme", after, b"") == b"new"
    assert table.destroy("acme", "operator:me", 2) == 1
