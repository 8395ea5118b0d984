"""What the database holds of how services keep their objectives, that people should be told of."""

from typing import Final

from sqlalchemy import Engine

from legato.core.clock import Clock
from legato.core.incident import Incident
from legato.core.tenant import EVERY_TENANT
from legato.storage.incidents.incidents import Incidents
from legato.storage.incidents.words import Words
from legato.storage.objectives.alerts import BurnAlert, BurnAlerts

_ROWS_MAX: Final = 500


class ServiceTraces:
    """Of the whole instance. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, words: Words | None = None) -> None:
        self._alerts = BurnAlerts(engine, EVERY_TENANT)
        self._incidents = Incidents(engine, clock, EVERY_TENANT, words)

    def burning(self, since_ns: int) -> list[BurnAlert]:
        """Return the alerts that began or ended since a time."""
        return self._alerts.changed_since(since_ns, _ROWS_MAX)

    def incidents(self, since_ns: int) -> list[Incident]:
        """Return those opened or resolved since a time."""
        return self._incidents.changed_since(since_ns, _ROWS_MAX)
