"""What checks look at: one instance, its configuration with what is live, and its database."""

import socket
from functools import cached_property

from legato.app.checks.instance import database_url
from legato.app.config.data_dir import DataDir
from legato.app.config.loaded import LoadedConfig
from legato.app.guards.policy_reading import PolicyReader, file_policies
from legato.app.models.model_checks import with_unknown_credentials
from legato.app.models.served_models import ServedModels
from legato.app.models.served_reading import ServedReader
from legato.app.models.vaults import open_data_keys
from legato.core.clock import Clock
from legato.core.config import Config
from legato.core.config_compliance import Bounds
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT
from legato.gateway.guards.policies import Snapshot
from legato.guardrails.policy.compiling import CompiledPolicy
from legato.storage.audit.exports import AuditExports
from legato.storage.audit.log import AuditLog
from legato.storage.audit.segments import Segments
from legato.storage.compliance.facts import ComplianceFacts
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.storage.ledger.verify import VerifyReport, verify
from legato.storage.limits.budgets import BudgetRecord, BudgetStore
from legato.storage.privacy.keeping import Keeping
from legato.storage.privacy.pruning import Due, due
from legato.storage.privacy.retention_terms import KeptTerms, kept_terms
from legato.storage.registry.models import RegistryModels
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.vault.envelope import Envelopes


class Scene:
    """One look; what is read twice is kept. Everything may raise StorageUnavailable."""

    def __init__(self, loaded: LoadedConfig, data: DataDir, clock: Clock) -> None:
        self.loaded = loaded
        self.data = data
        self.now_ns = clock.now_ns()
        self.url = database_url(loaded, data)
        self._clock = clock
        self._engine = open_engine(self.url)
        self.facts = ComplianceFacts(self._engine)
        self.log = AuditLog(self._engine, EVERY_TENANT)
        self.segments = Segments(self._engine)
        self.exports = AuditExports(self._engine)

    @property
    def file(self) -> Config:
        """What the configuration says."""
        return self.loaded.config

    @cached_property
    def retention_terms(self) -> KeptTerms:
        """What people set of retention beside the configuration."""
        return kept_terms(self._engine)

    def due(self, keeping: Keeping, before_ns: int, org: str | None) -> Due:
        """Return what of a table is older than a time, of one organisation or of all."""
        return due(self._engine, keeping, before_ns, org)

    @property
    def bounds(self) -> Bounds:
        """From where checks fail."""
        return self.loaded.config.compliance.bounds

    @property
    def node(self) -> str:
        """This machine's name."""
        return socket.gethostname()

    @cached_property
    def config(self) -> Config:
        """What the configuration says, and behind it what is live in the registry."""
        config = self.file
        reader = ServedReader(
            ServedModels(config, {}),
            RegistryModels(self._engine, config.registry.environment),
            self._sealing,
            with_unknown_credentials(config),
        )
        reader.load()
        return reader.now.config

    @cached_property
    def guarding(self) -> Snapshot:
        """The policies in force, and those that can't be read."""
        source = RegistrySnapshots(self._engine, self.file.registry.environment)
        live = PolicyReader(source, self._sealing).read() or Snapshot()
        return Snapshot((*file_policies(self.file), *live.policies), live.broken)

    @property
    def policies(self) -> tuple[CompiledPolicy, ...]:
        """The policies in force."""
        return self.guarding.policies

    def budgets(self) -> list[BudgetRecord]:
        """Return all budgets."""
        ids = IdSource(self._clock)
        return BudgetStore(self._engine, self._clock, ids, EVERY_TENANT).every()

    def verified_ledger(self) -> VerifyReport:
        """Read all of the ledger and check its rules."""
        return verify(self._engine)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @cached_property
    def _sealing(self) -> Envelopes:
        table = DataKeyTable(self._engine)
        return Envelopes(open_data_keys(self.loaded, self.data, table))
