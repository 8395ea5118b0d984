"""What the supervisor sees to before the first worker: database, first admin key, keys."""

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from legato.app.config.data_dir import DataDir
from legato.app.config.environment import environment
from legato.app.config.loaded import LoadedConfig
from legato.app.config.weak_secrets import ADMIN_KEY_VARIABLE
from legato.app.context import Prepared
from legato.app.credentials import read_credentials, require_credentials
from legato.app.models.model_guard import declared
from legato.app.models.served_reading import open_live
from legato.app.models.vaults import open_data_keys
from legato.core.budget_spec import check
from legato.core.clock import SystemClock
from legato.core.config import Config, Key
from legato.core.config_budgets import budget_of
from legato.core.errors import ConfigInvalid, Conflict, InvalidRequest
from legato.core.ids import IdSource
from legato.core.money import amount
from legato.core.networks import read_networks
from legato.core.price import Price
from legato.core.principal import Scope, Window
from legato.core.registry import DEFAULT_LABEL
from legato.core.tenant import EVERY_TENANT
from legato.registry.models import Live
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.storage.evaluation.evaluations import open_evaluations
from legato.storage.kept.files import FileStore
from legato.storage.ledger.decided import DecidedBy
from legato.storage.ledger.prices import PriceStore
from legato.storage.limits.budgets import BudgetStore
from legato.storage.migrate import upgrade
from legato.storage.registry.models import ModelPrice, ModelPrices, RegistryModels
from legato.storage.runs.batches import BatchStore
from legato.storage.tenants.credentials import CredentialStore
from legato.storage.tenants.key_records import DeclaredKey, KeyBudget, KeyRecord, KeySpec
from legato.storage.tenants.keys import KeyStore
from legato.storage.workflows.looking import RunLooking
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.vault.secrets import new_secret

log = logging.getLogger(__name__)

_UNFINISHED_NS = 86_400_000_000_000
ADMIN_KEY_NAME = "admin"


def prepare_database(
    url: str, loaded: LoadedConfig, data: DataDir, *, restored: Callable[[], None] | None = None
) -> Prepared:
    """Bring the schema up to date and the declared keys in, open the vault.

    `restored` takes back what a restored database brings back, before anybody is let in.
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
        if restored is not None:
            restored()
        keys.upsert_declared(_declared(loaded, vault))
        _take_in_budgets(BudgetStore(engine, clock, IdSource(clock), EVERY_TENANT), loaded, vault)
        _warn_of_revoked(keys.list(), {key.name for key in loaded.config.keys})
        credentials = read_credentials(
            loaded.config, CredentialStore(engine, clock), Envelopes(data_keys)
        )
        require_credentials(loaded.config, credentials)
        environment = loaded.config.registry.environment
        live = read_live(RegistryModels(engine, environment), Envelopes(data_keys))
        require_no_clash(loaded.config, live)
        FileStore(engine).forget_unfinished(clock.now_ns() - _UNFINISHED_NS)
        return Prepared(
            _first_admin_key(keys, vault),
            data_keys.root(),
            credentials,
            runs_open=bool(
                loaded.config.live_scoring
                or BatchStore(engine).open()
                or open_evaluations(engine)
                or RunLooking(engine).open()
            ),
            live=live,
        )
    finally:
        engine.dispose()


def read_live(models: RegistryModels, sealing: Envelopes) -> tuple[Live, ...]:
    """Return what is live in the registry, as far as it can be read; workers tell of the rest.

    Raises:
        StorageUnavailable: the database is away.
    """
    _, records, _ = models.read()
    live = []
    for record in records:
        with contextlib.suppress(ValueError):
            live.append(open_live(record, sealing))
    return tuple(live)


def require_no_clash(config: Config, live: Sequence[Live]) -> None:
    """Refuse a file that declares what is live in the registry: a name belongs to one of them.

    Raises:
        ConfigInvalid: naming them.
    """
    both = sorted(one.name for one in live if one.name.name in declared(config))
    if both:
        names = ", ".join(map(str, both))
        first = f"{both[0].kind}:{both[0].name}@{DEFAULT_LABEL}"
        raise ConfigInvalid(
            f"the configuration declares what is live in the registry: {names}. A name belongs to "
            "one of them: take it out of the file, or out of the registry, as by "
            f"`legato registry label --remove {first} {DEFAULT_LABEL}`"
        )


def record_prices(
    url: str, *books: Mapping[str, Price | None], of_registry: Sequence[ModelPrice] = ()
) -> None:
    """Keep the prices now in force, so that each entry's price version can be looked up.

    `of_registry` are those of deployments that are live there.

    Raises:
        StorageUnavailable: the database is away.
    """
    engine = open_engine(url)
    try:
        for prices in books:
            priced = {name: price for name, price in prices.items() if price is not None}
            PriceStore(engine, SystemClock()).record(priced)
        ModelPrices(engine, SystemClock()).record(of_registry)
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


def _take_in_budgets(store: BudgetStore, loaded: LoadedConfig, vault: Vault) -> None:
    """Keep the budgets of the configuration. Raises ConfigInvalid, naming one and its field."""
    declared = []
    for number, said in enumerate(loaded.config.budgets):
        try:
            budget = budget_of(said, pseudonym=vault.pseudonym)
            check(budget)
        except InvalidRequest as error:
            raise ConfigInvalid(f"budgets[{number}].{error}") from None
        declared.append(budget)
    try:
        store.apply_declared(declared)
    except Conflict as error:
        raise ConfigInvalid(f"budgets: {error}, made by the control API or a terminal") from None


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
        allow_from=read_networks(key.allow_from, "allow_from"),
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
