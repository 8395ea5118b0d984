"""Opening an instance's database for a command."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from legato.app.checks.instance import Instance
from legato.app.desks.audit import AuditDesk, signing_key
from legato.app.desks.erasing import Erasing, rooms_of
from legato.app.desks.erasing import Rooms as ErasingRooms
from legato.app.desks.evaluations import evaluation_rooms
from legato.app.desks.finance import margin_gates
from legato.app.desks.floor_desk import RouterVersion
from legato.app.desks.registry_access import ALONE, Beside, RegistryAccess
from legato.app.desks.run_telling import tell_runs
from legato.app.desks.stored_privacy import StoredPrivacy
from legato.app.desks.tasks import tasks_on
from legato.app.guards.policy_reading import PolicyReader
from legato.app.models.model_checks import with_unknown_credentials
from legato.app.models.model_guard import ModelGuard
from legato.app.models.router_follower import (
    RouterFollower,
    followed,
    predictors,
    router_versions,
)
from legato.app.models.served_models import ServedModels
from legato.app.models.served_reading import ServedReader
from legato.app.models.vaults import open_data_keys
from legato.app.prices.price_book import PriceBook
from legato.app.ruling import rules_in_force
from legato.audit.event import Act, Detail, Subject
from legato.core.budget import Budget
from legato.core.clock import SystemClock
from legato.core.errors import OperatorError
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Reach, Tenant
from legato.evaluation.datasets import Datasets
from legato.evaluation.runs import Rooms
from legato.gateway.guards.policies import Snapshot
from legato.insights.guard_samples import GuardSamples
from legato.insights.kept_maps import Restoring
from legato.insights.reviews import Reviews
from legato.registry.holdouts import Holdouts
from legato.registry.registry import Registry
from legato.registry.rollouts import Rollouts
from legato.storage.accounting.stores import Stores, open_stores, verify_all
from legato.storage.audit.access import AccessLog
from legato.storage.audit.log import AuditLog
from legato.storage.audit.segments import Segments
from legato.storage.data_keys import DataKeyTable
from legato.storage.erasing import ContentEraser
from legato.storage.erasures import ErasureStore
from legato.storage.evaluation.datasets import DatasetBlocks
from legato.storage.evaluation.evaluations import EvaluationStore
from legato.storage.evaluation.feedback_reading import FeedbackReader
from legato.storage.evaluation.judge_records import JudgeRecords
from legato.storage.evaluation.live_scores import LiveScoreReader, LiveScores
from legato.storage.evaluation.reviews import ReviewStore
from legato.storage.imports.usage_imports import UsageImports
from legato.storage.kept.captures import CaptureReader
from legato.storage.kept.files import FileStore
from legato.storage.kept.guard_samples import GuardSampleStore
from legato.storage.kept.kept_maps import KeptMaps
from legato.storage.kept.semantic_entries import SemanticEntryStore
from legato.storage.ledger.decided import DecidedBy
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.prices import PriceStore
from legato.storage.ledger.sums import Backlog, SpendSums, read_backlog
from legato.storage.ledger.verify import VerifyReport
from legato.storage.limits.budget_events import BudgetEventStore
from legato.storage.limits.budgets import BudgetStore
from legato.storage.limits.standing import Standing, standings
from legato.storage.migrate import SchemaState, SchemaStatus, check, state, upgrade
from legato.storage.privacy.subject_exports import SubjectExports
from legato.storage.privacy.subject_rows import SubjectRows
from legato.storage.registry.changes import RegistryChanges, make_together
from legato.storage.registry.comparisons import ComparisonReader
from legato.storage.registry.floors import FloorStore
from legato.storage.registry.holdouts import holdout_stores
from legato.storage.registry.models import ModelPrices, RegistryModels
from legato.storage.registry.proposals import ProposalStore
from legato.storage.registry.reader import RegistryReader
from legato.storage.registry.records import Changes
from legato.storage.registry.rollouts import RolloutStore
from legato.storage.registry.routers import RouterModels
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.storage.rollups.reading import SpendReader
from legato.storage.rollups.rolling import Roller
from legato.storage.runs.batches import BatchStore
from legato.storage.tables.schema import ledger_entry
from legato.storage.tenants.credentials import CredentialStore
from legato.storage.tenants.keys import KeyStore
from legato.storage.tenants.places import PlaceStore
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.workflows.people.tasks import Tasks

if TYPE_CHECKING:
    from legato.app.caches.cache_desk import CacheDesk
    from legato.app.desks.subject_export import SubjectExporting
    from legato.evaluation.routing.kept import Routers

_NAME_CHARACTERS: Final = 128


class StoredData(StoredPrivacy):
    """What is kept in one database, of every tenant: for the operator's commands.

    Connects when first asked. Close it when done.
    """

    def schema(self) -> SchemaState:
        """Return how the database stands to this code. Raises StorageUnavailable."""
        return state(self._engine)

    def check(self) -> None:
        """Return if the schema is this code's. Raises OperatorError saying what to do."""
        check(self._engine)

    def create(self) -> None:
        """Bring an empty database to this code's schema; leave any other alone."""
        if self.schema().status is SchemaStatus.EMPTY:
            upgrade(self._engine)

    def upgrade(self) -> None:
        """Bring an older database to this code's schema; for those who start the server next.

        Raises:
            OperatorError: the schema is newer than this code, or half-migrated.
        """
        upgrade(self._engine)

    def keys(self) -> KeyStore:
        """Return the keys."""
        return KeyStore(self._engine, self._clock, IdSource(self._clock), EVERY_TENANT)

    def places(self) -> PlaceStore:
        """Return organisations, teams and features."""
        return PlaceStore(self._engine, self._clock, IdSource(self._clock), EVERY_TENANT)

    def budgets(self) -> BudgetStore:
        """Return the budgets."""
        return BudgetStore(self._engine, self._clock, IdSource(self._clock), EVERY_TENANT)

    def budget_events(self) -> BudgetEventStore:
        """Return what came of budgets."""
        return BudgetEventStore(self._engine, EVERY_TENANT)

    def budget_standings(self, budget: Budget) -> list[Standing]:
        """Return how a budget stands."""
        return standings(self._engine, budget)

    def usage_imports(self) -> UsageImports:
        """Return what other reports say was used."""
        return UsageImports(self._engine, self._clock, IdSource(self._clock), EVERY_TENANT)

    def data_keys(self) -> DataKeyTable:
        """Return the wrapped data keys."""
        return DataKeyTable(self._engine)

    def credentials(self) -> CredentialStore:
        """Return the providers' sealed credentials."""
        return CredentialStore(self._engine, self._clock)

    def registry(
        self,
        instance: Instance,
        org: str,
        environment: str | None = None,
        beside: Beside = ALONE,
    ) -> Registry:
        """Return the registry of an organisation, "" for the instance's own.

        `beside` is what is applied at the same time.
        """
        config = instance.loaded.config
        data_keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        sealing = Envelopes(data_keys)
        models = ModelGuard(
            config,
            lambda where: RegistryModels(self._engine, where),
            sealing,
            ask=PriceBook(instance.data.cache, self._clock).ask,
            prices=ModelPrices(self._engine, self._clock),
        )
        tenant, ids = Tenant(org), IdSource(self._clock)
        stores = (
            RegistryReader(self._engine, tenant),
            RegistryChanges(self._engine, self._clock, ids, tenant),
        )
        access = RegistryAccess(
            (instance.loaded, rules_in_force(config.access, instance.database_url)),
            sealing,
            models,
            environment=environment or config.registry.environment,
            predictor_kept=predictors(partial(RouterModels, self._engine)),
            beside=beside,
            margins=margin_gates(config.finance, instance.database_url, self._clock),
        )
        return access.open(org, stores)

    def make_together(self, parts: Sequence[tuple[RegistryChanges, Changes]]) -> None:
        """Change several registries: all of it, or nothing. Raises as `RegistryChanges.make`."""
        make_together(self._engine, parts)

    def served(self, instance: Instance) -> ServedModels:
        """Return the file's deployments and routes with those live in the registry."""
        config = instance.loaded.config
        sealing = Envelopes(open_data_keys(instance.loaded, instance.data, self.data_keys()))
        reader = ServedReader(
            ServedModels(config, {}),
            RegistryModels(self._engine, config.registry.environment),
            sealing,
            with_unknown_credentials(config),
        )
        reader.load()
        return reader.now

    def rollouts(self, instance: Instance, org: str) -> Rollouts:
        """Return the rollouts of an organisation."""
        tenant, ids = Tenant(org), IdSource(self._clock)
        store = RolloutStore(self._engine, self._clock, ids, tenant)
        reader = RegistryReader(self._engine, tenant)
        rules = instance.loaded.config.registry.approvals
        return Rollouts(reader, store, rules, self.registry(instance, org))

    def reviews(self, instance: Instance, org: str) -> Reviews:
        """Return the answers that an organisation's people review."""
        data_keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        store = ReviewStore(self._engine, Tenant(org))
        ids = IdSource(self._clock)
        return Reviews(org, store, Envelopes(data_keys), self._clock, new_id=ids.new)

    def tasks(self, instance: Instance, org: str) -> Tasks:
        """Return what workflows ask an organisation's people."""
        keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        vault = Vault(keys.root())
        sealing = Envelopes(keys)
        tell = tell_runs(sealing, self._clock)
        opened = tasks_on(instance.database_url, self._clock, sealing, vault, tell=tell)
        return opened(Tenant(org))

    def restoring(self, instance: Instance, org: str) -> Restoring:
        """Return what reads the redaction maps that an organisation's policies keep."""
        data_keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        maps = KeptMaps(self._engine, self._clock, IdSource(self._clock), Tenant(org))
        return Restoring(org, maps, Envelopes(data_keys))

    def guard_samples(self, instance: Instance, org: str) -> GuardSamples:
        """Return an organisation's samples of what rules found."""
        data_keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        ids, tenant = IdSource(self._clock), Tenant(org)
        store = GuardSampleStore(self._engine, self._clock, ids, tenant)
        return GuardSamples(org, store, Envelopes(data_keys))

    def live_scores(self, org: str) -> LiveScores:
        """Return an organisation's scores of live answers."""
        return LiveScores(self._engine, Tenant(org))

    def live_score_reader(self, org: str) -> LiveScoreReader:
        """Return what reads them."""
        return LiveScoreReader(self._engine, Tenant(org))

    def judge_records(self, org: str) -> JudgeRecords:
        """Return how an organisation's judges agree with people."""
        return JudgeRecords(self._engine, Tenant(org))

    def evaluations(self, instance: Instance, org: str) -> Rooms:
        """Return an organisation's evaluations, with the cases that they ask."""
        data_keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        tenant = Tenant(org)
        stores = EvaluationStore(self._engine, tenant), DatasetBlocks(self._engine, tenant)
        return evaluation_rooms(stores, tenant, Envelopes(data_keys))

    def datasets(self, instance: Instance, org: str) -> Datasets:
        """Return the cases of an organisation's data sets."""
        data_keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        return Datasets(org, DatasetBlocks(self._engine, Tenant(org)), Envelopes(data_keys))

    def cache_desk(self, instance: Instance, tenant: Tenant) -> "CacheDesk":
        """Return what people do with an organisation's semantic cache. Raises OperatorError."""
        try:
            from legato.app.caches.cache_desk import Sources, open_cache_desk  # noqa: PLC0415 - an extra
        except ImportError as error:
            told = f"the semantic cache needs {error.name}: pip install 'legato[semantic]'"
            raise OperatorError(told) from None
        sources = Sources(
            self.data_keys(),
            self.semantic_entries(),
            self.tenant_entries(tenant),
            self.registry_models(instance.loaded.config.registry.environment),
        )
        return open_cache_desk(sources, instance, tenant)

    def semantic_entries(self) -> SemanticEntryStore:
        """Return the semantic cache's entries, sealed."""
        return SemanticEntryStore(self._engine, self._clock)

    def holdouts(self, org: str) -> Holdouts:
        """Return the holdouts of an organisation."""
        ids, tenant = IdSource(self._clock), Tenant(org)
        return Holdouts(*holdout_stores(self._engine, self._clock, ids, tenant))

    def ledger_offsets(self) -> dict[str, int]:
        """Return up to where each journal segment is in the ledger."""
        return Ledger(self._engine, self._clock).offsets()

    def write_off(self, writer: str) -> None:
        """Give up a writer whose journal is lost. Raises NotFound."""
        Ledger(self._engine, self._clock).write_off(writer)

    def entries(self) -> EntryReader:
        """Return the ledger's entries and the traces."""
        return EntryReader(self._engine, EVERY_TENANT)

    def entry_columns(self) -> dict[str, type]:
        """Return the columns of an entry with their Python types."""
        columns = {column.name: column.type.python_type for column in ledger_entry.columns}
        return columns | {"tags": dict}

    def sums(self) -> SpendSums:
        """Return the sums over the ledger."""
        return SpendSums(self._engine, EVERY_TENANT)

    def tenant_sums(self, tenant: Tenant) -> SpendSums:
        """Return the sums over one organisation's entries."""
        return SpendSums(self._engine, tenant)

    def tenant_entries(self, tenant: Tenant) -> EntryReader:
        """Return the entries and traces of one organisation."""
        return EntryReader(self._engine, tenant)

    def feedback(self, reach: Reach = EVERY_TENANT) -> FeedbackReader:
        """Return what callers said of their answers."""
        return FeedbackReader(self._engine, reach)

    def comparisons(self, tenant: Tenant) -> ComparisonReader:
        """Return what came of an organisation's comparisons with baselines."""
        return ComparisonReader(self._engine, tenant)

    def floors(self) -> FloorStore:
        """Return what is proven of routes' quality."""
        clock = SystemClock()
        return FloorStore(self._engine, clock, IdSource(clock))

    def decided_by(self) -> DecidedBy:
        """Return the configurations and routes that decisions were made by."""
        return DecidedBy(self._engine, self._clock)

    def prices(self) -> PriceStore:
        """Return every price that was ever in force."""
        return PriceStore(self._engine, self._clock)

    def policies(self, instance: Instance) -> Snapshot:
        """Return the policies that are live in the registry, of every organisation."""
        data_keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        environment = instance.loaded.config.registry.environment
        source = RegistrySnapshots(self._engine, environment)
        return PolicyReader(source, Envelopes(data_keys)).read() or Snapshot()

    def registry_reader(self, org: str) -> RegistryReader:
        """Return an organisation's versions, sealed."""
        return RegistryReader(self._engine, Tenant(org))

    def registry_models(self, environment: str) -> RegistryModels:
        """Return the deployments and routes that are live in an environment, sealed."""
        return RegistryModels(self._engine, environment)

    def proposals(self, org: str) -> ProposalStore:
        """Return an organisation's proposals."""
        return ProposalStore(self._engine, self._clock, IdSource(self._clock), Tenant(org))

    def captures(self, reach: Reach) -> CaptureReader:
        """Return what is captured of requests, sealed."""
        return CaptureReader(self._engine, reach)

    def erasing(self, instance: Instance, org: str) -> Erasing:
        """Return what erases in an organisation."""
        tenant = Tenant(org)
        return Erasing(
            org,
            ErasureStore(self._engine, self._clock, IdSource(self._clock), tenant),
            lambda dry_run: ContentEraser(self._engine, tenant, dry_run=dry_run),
            self._rooms_of_people(instance, org),
        )

    def subject_exporting(self, instance: Instance, org: str) -> "SubjectExporting":
        """Return what tells all that is held about somebody in an organisation."""
        from legato.app.desks.subject_export import Stores, SubjectExporting  # noqa: PLC0415 - seldom

        tenant = Tenant(org)
        keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        stores = Stores(
            ErasureStore(self._engine, self._clock, IdSource(self._clock), tenant),
            SubjectRows(self._engine, tenant),
            SubjectExports(self._engine, self._clock, tenant),
        )
        rooms = self._rooms_of_people(instance, org)
        return SubjectExporting(tenant, stores, rooms, Envelopes(keys), clock=self._clock)

    def _rooms_of_people(self, instance: Instance, org: str) -> ErasingRooms:
        keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        routers = None if find_spec("numpy") is None else self.routers(instance, org)
        stores = FileStore(self._engine), BatchStore(self._engine), self.semantic_entries()
        return rooms_of(self.datasets(instance, org), stores, keys, routers)

    def routers(self, instance: Instance, org: str) -> "Routers":
        """Return an organisation's trained routers."""
        from legato.evaluation.routing.kept import Routers  # noqa: PLC0415 - numpy is an extra

        data_keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        return Routers(org, RouterModels(self._engine, Tenant(org)), Envelopes(data_keys))

    def live_routers(self, instance: Instance) -> RouterFollower:
        """Return the trained routers as workers have them; `load` reads them."""
        data_keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        source = RegistrySnapshots(self._engine, instance.loaded.config.registry.environment)
        models_of = partial(RouterModels, self._engine)
        return followed(source, models_of, Envelopes(data_keys), instance.data.models)

    def router_version(self, instance: Instance) -> RouterVersion:
        """Return what tells the version of an organisation's router that a route asks."""
        environment = instance.loaded.config.registry.environment
        return router_versions(partial(RegistryReader, self._engine), environment)

    def audit(self, instance: Instance, org: str | None = None) -> AuditDesk:
        """Return the audit log, of one organisation where it is named."""
        whole = AuditLog(self._engine, EVERY_TENANT)
        log = whole if org is None else AuditLog(self._engine, Tenant(org))
        keys = open_data_keys(instance.loaded, instance.data, self.data_keys())
        return AuditDesk(log, whole, signing_key(Vault(keys.root())))

    def reads(self, org: str, action: str, name: str = "", **details: Detail) -> None:
        """Record that somebody reads data; what can't be recorded isn't to be shown."""
        subject = Subject(action.partition(".")[0], name[:_NAME_CHARACTERS])
        AccessLog(self._engine).record(Act(org, action, subject, "granted", details=details))

    def record(self, act: Act) -> None:
        """Write an act down that changes no row here."""
        AccessLog(self._engine).record(act)

    def segments(self) -> Segments:
        """Return the segments that the audit log anchors."""
        return Segments(self._engine)

    def books(self, org: str) -> Stores:
        """Return the stores of an organisation's books."""
        return open_stores(self._engine, self._clock, Tenant(org))

    def backlog(self) -> Backlog:
        """Return what has not become an entry."""
        return read_backlog(self._engine)

    def verify(self) -> VerifyReport:
        """Check every rule of the ledger, reading all of it."""
        return verify_all(self._engine)

    def spend(self, reach: Reach = EVERY_TENANT) -> SpendReader:
        """Return what reads sums by hour and day."""
        return SpendReader(self._engine, reach)

    def roller(self) -> Roller:
        """Return what keeps the sums by hour and day."""
        return Roller(self._engine)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


@contextmanager
def stored_data(instance: Instance, *, create: bool = False) -> Iterator[StoredData]:
    """Open the database, checked; `create` makes one where there is none yet.

    Raises:
        OperatorError: nothing is stored yet, or by another version.
        StorageUnavailable: the database does not answer.
    """
    url = instance.database_url
    if create:
        instance.data.create()
    elif url == instance.data.database_url and not instance.data.database.is_file():
        raise OperatorError(
            f"nothing is stored in {instance.data.root} yet: start `legato up`, "
            "or name the data directory with --data"
        )
    stored = StoredData(url)
    try:
        if create:
            stored.create()
        stored.check()
        yield stored
    finally:
        stored.close()
