"""Wires the two ways a batch is run: by our own queue, and by the provider."""

import contextlib
from collections.abc import Callable
from typing import NamedTuple

from legato.app.batches.native_batches import guarded_by, native_lanes
from legato.app.context import BatchContext
from legato.app.credentials import read_credentials
from legato.app.leasing import lasting_leases
from legato.app.models.model_checks import with_unknown_credentials
from legato.app.models.served_models import ServedModels
from legato.app.models.served_reading import ServedReader
from legato.app.models.vaults import open_data_keys
from legato.app.ruling import rules_in_force
from legato.core.clock import Clock
from legato.core.config import Config
from legato.core.errors import StorageUnavailable
from legato.core.ids import IdSource
from legato.core.principal import Principal
from legato.core.registry import Kind
from legato.core.tenant import EVERY_TENANT
from legato.governance.coverage import may_cover
from legato.governance.ruled_keys import RuledKeys
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.storage.kept.files import FileStore
from legato.storage.ledger.ledger import Ledger
from legato.storage.limits.budgets import BudgetStore
from legato.storage.registry.models import RegistryModels
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.storage.runs.batch_claims import BatchClaims
from legato.storage.runs.batches import BatchStore
from legato.storage.runs.executors import ExecutorBeats
from legato.storage.tenants.credentials import CredentialStore
from legato.storage.tenants.keys import KeyStore
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.workflows.batch_calls import GatewayCalls
from legato.workflows.batch_files import BatchFiles
from legato.workflows.batch_run import BatchRun
from legato.workflows.batches import Batches
from legato.workflows.files import StoredFiles
from legato.workflows.native_books import NativeBooks
from legato.workflows.native_results import NativeResults
from legato.workflows.native_run import NativeRun


class Runs(NamedTuple):
    """What the batch process works with."""

    store: BatchStore
    roster: ExecutorBeats
    own: BatchRun
    native: NativeRun


def build_runs(context: BatchContext, clock: Clock) -> Runs:
    """Open the database, and build both workflows over it."""
    database = context.engine
    loaded, ids = context.loaded, IdSource(clock)
    data_keys = open_data_keys(loaded, context.data, DataKeyTable(database))
    envelopes, vault = Envelopes(data_keys), Vault(data_keys.root())
    store, keys = BatchStore(database), KeyStore(database, clock, ids, EVERY_TENANT)
    kept = StoredFiles(
        FileStore(database),
        envelopes,
        clock,
        new_id=ids.new,
        org_bytes_max=loaded.config.files.org_bytes_max,
    )
    batches = Batches(store, kept, envelopes, clock, new_id=ids.new)
    files = BatchFiles(store, batches, kept, clock)
    credentials = CredentialStore(database, clock)

    rules = rules_in_force(loaded.config.access, context.database_url)

    def principal_of(key_id: str) -> Principal | None:
        in_force = RuledKeys(keys, rules).snapshot().by_digest.values()
        return next((one for one in in_force if one.key_id == key_id), None)

    lane_of = native_lanes(
        context,
        lambda: read_credentials(loaded.config, credentials, envelopes),
        principal_of,
        clock,
        served=_served(
            context, RegistryModels(database, loaded.config.registry.environment), envelopes
        ),
        as_calls=_as_calls(loaded.config, context.database_url, clock),
    )
    leases, feed = lasting_leases(loaded, database)
    ledger = Ledger(database, clock, feed=feed)
    books = NativeBooks(leases, ledger, clock, config_version=loaded.content_hash)
    own = BatchRun(
        store,
        batches,
        files,
        GatewayCalls(context.base_url, ids.new),
        clock=clock,
        credential=context.acting.credential,
        lane_of=lane_of,
    )
    native = NativeRun(
        files,
        books,
        NativeResults(store, batches, books, now_ns=clock.now_ns, pseudonym=vault.pseudonym),
        batches=batches,
        clock=clock,
        claims=BatchClaims(database),
        lane_of=lane_of,
        principal_of=principal_of,
    )
    return Runs(store, ExecutorBeats(database), own, native)


def _as_calls(
    config: Config, database_url: str, clock: Clock
) -> Callable[[Principal, str, str], bool]:
    """Return what tells whether lines have to run as calls: for policies or budgets."""
    database = open_engine(database_url)
    registry = RegistrySnapshots(database, config.registry.environment)
    budgets = BudgetStore(database, clock, IdSource(clock), EVERY_TENANT)

    def as_calls(caller: Principal, model: str, deployment: str) -> bool:
        guarded = guarded_by(config, registry.read(Kind.GUARDRAIL)[1], caller.org)
        return guarded or may_cover(budgets.snapshot()[1], caller, model, deployment)

    return as_calls


def _served(
    context: BatchContext, source: RegistryModels, sealing: Envelopes
) -> Callable[[], ServedModels]:
    config = context.loaded.config
    file = ServedModels(config, context.prices, batch_prices=context.batch_prices)
    reader = ServedReader(file, source, sealing, with_unknown_credentials(config))

    def served() -> ServedModels:
        """Return what is served now; what was read last while the database is away."""
        with contextlib.suppress(StorageUnavailable):
            reader.load()
        return reader.now

    return served
