"""What a database keeps about keeping: residency, tombstones, retention."""

from functools import partial

from legato.app.checks.instance import Instance
from legato.app.desks.retention import RetentionDesk
from legato.app.desks.retention import Standing as TableStanding
from legato.app.desks.retention import standings as table_standings
from legato.core.clock import SystemClock
from legato.core.tenant import Reach, Tenant
from legato.storage.database.engine import open_engine
from legato.storage.privacy.pruning import due
from legato.storage.privacy.retention_terms import RetentionTermStore, kept_terms
from legato.storage.privacy.tombstones import TombstoneStore
from legato.storage.tenants.residency import ResidencyStore


class StoredPrivacy:
    """A part of `StoredData`. Connects when first asked."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._clock = SystemClock()

    def residency(self, org: str) -> ResidencyStore:
        """Return where an organisation's calls may go."""
        return ResidencyStore(self._engine, self._clock, Tenant(org))

    def residency_of(self, reach: Reach) -> ResidencyStore:
        """Return where the calls of all within reach may go."""
        return ResidencyStore(self._engine, self._clock, reach)

    def tombstones(self) -> TombstoneStore:
        """Return what was revoked and erased, and how its copies stand."""
        return TombstoneStore(self._engine, self._clock.now_ns)

    def retention(self, instance: Instance, org: str | None) -> list[TableStanding]:
        """Return how long every table is kept, and what is due."""
        look, kept = partial(due, self._engine), kept_terms(self._engine)
        return table_standings(look, instance.loaded.config, kept, self._clock.now_ns(), org=org)

    def retention_terms(self, instance: Instance, reach: Reach) -> RetentionDesk:
        """Return what is set of retention beside the configuration."""
        store = RetentionTermStore(self._engine, self._clock, reach)
        return RetentionDesk(store, instance.loaded.config)
