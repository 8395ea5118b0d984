"""What the supervisor sees to before the first worker: database, first admin key, keys."""

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from legato.app.context import Prepared
from legato.app.credentials import read_credentials, require_credentials
from legato.app.data_dir import DataDir
from legato.app.environment import environment
from legato.app.loaded import LoadedConfig
from legato.app.vaults import open_data_keys
from legato.app.weak_secrets import ADMIN_KEY_VARIABLE
from legato.core.clock import SystemClock
from legato.core.config import Key
from legato.core.ids import IdSource
from legato.core.money import amount
from legato.core.price import Price
from legato.core.principal import Scope, Window
from legato.core.tenant import EVERY_TENANT
from legato.storage.batches import BatchStore
from legato.storage.credentials import CredentialStore
from legato.storage.data_keys import DataKeyTable
from legato.storage.decided import DecidedBy
from legato.storage.engine import open_engine
from legato.storage.files import FileStore
from legato.storage.key_records import DeclaredKey, KeyBudget, KeyRecord, KeySpec
from legato.storage.keys import KeyStore
from legato.storage.migrate import upgrade
from legato.storage.prices import PriceStore
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.vault.secrets import new_secret

log = logging.getLogger(__name__)

_UNFINISHED_NS = 86_400_000_000_000
ADMIN_KEY_NAME = "admin"


def prepare_database(url: str, loaded: LoadedConfig, data: DataDir) -> Prepared:
    """Bring the schema up to date and the declared keys in, open the vault.

    The engine is closed before returning: a connection must not outlive a fork.

    Raises:
        OperatorError: the database is newer than this code, half-migrated, or away; or the
            vault can't be opened, or lacks a credential.
    """
    engine = open_engine(url)
    try:
        upgrade(engine)
        clock = SystemClock()
        keys = KeyStore(engine, clock, IdSource(clock), EVERY_TENANT)
        data_keys = open_data_keys(loaded, data, DataKeyTable(engine))
        vault = Vault(data_keys.root())
        keys.upsert_declared(_declared(loaded, vault))
        _warn_of_revoked(keys.list(), {key.name for key in loaded.config.keys})
        credentials = read_credentials(
            loaded.config, CredentialStore(engine, clock), Envelopes(data_keys)
        )
        require_credentials(loaded.config, credentials)
        FileStore(engine).forget_unfinished(clock.now_ns() - _UNFINISHED_NS)
        return Prepared(
            _first_admin_key(keys, vault),
            data_keys.root(),
            credentials,
            batches_open=bool(BatchStore(engine).open()),
        )
    finally:
        engine.dispose()


def record_prices(url: str, *books: Mapping[str, Price | None]) -> None:
    """Keep the prices now in force, so that each entry's price version can be looked up.

    Raises:
        StorageUnavailable: the database is away.
    """
    engine = open_engine(url)
    try:
        for prices in books:
            priced = {name: price for name, price in prices.items() if price is not None}
            PriceStore(engine, SystemClock()).record(priced)
    finally:
        engine.dispose()


def record_config(url: str, loaded: LoadedConfig) -> None:
    """Keep the configuration in force by its content hash, without secrets.

    Raises:
        StorageUnavailable: the database is away.
    """
    engine = open_engine(url)
    try:
        DecidedBy(engine, SystemClock()).record_config(loaded.content_hash, loaded.config)
    finally:
        engine.dispose()


def _declared(loaded: LoadedConfig, vault: Vault) -> Sequence[DeclaredKey]:
    return [
        DeclaredKey(_spec(key), vault.digest((loaded.secret(key.secret) or "").encode()))
        for key in loaded.config.keys
    ]


def _warn_of_revoked(records: Sequence[KeyRecord], declared: AbstractSet[str]) -> None:
    """Say which declared keys stay refused, though the configuration looks as if they worked."""
    in_force = {record.spec.name for record in records if record.revoked_at_ns is None}
    for name in sorted(declared - in_force):
        log.warning(
            "a declared key was revoked: calls with it are refused",
            extra={"key": name, "remedy": "Give it another secret, or remove its declaration."},
        )


def _spec(key: Key) -> KeySpec:
    budget = key.budget
    return KeySpec(
        name=key.name,
        team=key.team,
        feature=key.feature,
        org=key.org,
        scopes=frozenset({Scope.CALL, Scope.ADMIN} if key.admin else {Scope.CALL}),
        models=frozenset(key.models),
        tags=key.tags,
        requests_per_minute=key.requests_per_minute,
        concurrency_max=key.concurrency_max,
        budget=None if budget is None else KeyBudget(amount(budget.usd), Window(budget.window)),
        require=key.require,
    )


def _first_admin_key(keys: KeyStore, vault: Vault) -> str | None:
    if any(Scope.ADMIN in record.spec.scopes for record in keys.list()):
        return None
    given = environment().get(ADMIN_KEY_VARIABLE)
    secret = given or new_secret()
    keys.create(
        KeySpec(
            name=ADMIN_KEY_NAME,
            team="operators",
            feature="administration",
            scopes=frozenset({Scope.CALL, Scope.ADMIN}),
        ),
        vault.digest(secret.encode()),
    )
    return None if given else secret
