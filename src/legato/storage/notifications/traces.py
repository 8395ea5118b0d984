"""What the database holds that people should be told of: traces that others left there."""

from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, Select, select

from legato.core.budget import Budget, BudgetEvent
from legato.core.tenant import EVERY_TENANT
from legato.storage.anomalies.found import Anomalies, Anomaly
from legato.storage.audit.exports import ExportState
from legato.storage.database.engine import reading
from legato.storage.limits.budget_events import BudgetEventStore
from legato.storage.limits.budgets import read_budgets
from legato.storage.tables.audit_exports import audit_export
from legato.storage.tables.erasures import erasure
from legato.storage.tables.live_scores import drift_alarm
from legato.storage.tables.rollouts import rollout
from legato.storage.tables.schema import api_key, journal_alarm

_ROWS_MAX: Final = 500
_HOUR_NS: Final = 3_600_000_000_000
_ROLLED_BACK: Final = "rolled_back"


class Place(NamedTuple):
    """Whom a key works for, and its own budget's window, "" for none."""

    name: str
    team: str
    feature: str
    window: str


class OfBudget(NamedTuple):
    """An event of a budget: with the budget while it is there, or the key whose limit it is."""

    id: int
    event: BudgetEvent
    budget: Budget | None
    key: Place | None


class RolledBack(NamedTuple):
    """A rollout that was taken back."""

    org: str
    id: str
    kind: str
    name: str
    told: str
    at_ns: int


class Drifted(NamedTuple):
    """An alarm over scores of live answers."""

    org: str
    id: str
    policy: str
    scorer: str
    versions: str
    at_ns: int


class Expiring(NamedTuple):
    """A key that soon works no more."""

    id: str
    name: str
    org: str
    team: str
    feature: str
    expires_at_ns: int


class CutOff(NamedTuple):
    """An act of erasing that didn't end."""

    org: str
    id: str
    at_ns: int


class Damaged(NamedTuple):
    """A record that couldn't be read."""

    digest: str
    reason: str
    at_ns: int


class Traces:
    """Of the whole instance. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest_budget_event(self) -> int:
        """Return the id of the newest event, 0 for none."""
        return BudgetEventStore(self._engine, EVERY_TENANT).newest()

    def budget_events(self, after_id: int) -> list[OfBudget]:
        """Return the next events of budgets, oldest first."""
        store = BudgetEventStore(self._engine, EVERY_TENANT)
        found = store.page(_ROWS_MAX, after_id)
        with reading(self._engine) as connection:
            named = {event.budget_id for _, event in found if event.budget_id}
            budgets = read_budgets(connection, named) if named else {}
        keys = self._keys({_key(event) for _, event in found if not event.budget_id})
        return [
            OfBudget(number, event, budgets.get(event.budget_id), keys.get(_key(event)))
            for number, event in found
        ]

    def rolled_back(self, since_ns: int) -> list[RolledBack]:
        """Return the rollouts that were taken back since a time."""
        table = rollout.c
        wanted = select(
            table.org, table.id, table.kind, table.name, table.told, table.ended_at_ns
        ).where(table.phase == _ROLLED_BACK, table.ended_at_ns >= since_ns)
        return [RolledBack(*row) for row in self._rows(wanted.order_by(table.ended_at_ns))]

    def drifted(self, since_ns: int) -> list[Drifted]:
        """Return the alarms over scores since a time."""
        table = drift_alarm.c
        wanted = select(
            table.org, table.id, table.policy, table.scorer, table.versions, table.at_ns
        ).where(table.at_ns >= since_ns)
        return [Drifted(*row) for row in self._rows(wanted.order_by(table.at_ns))]

    def damaged(self, since_ns: int) -> list[Damaged]:
        """Return the records that couldn't be read into the ledger since a time."""
        table = journal_alarm.c
        wanted = select(table.digest, table.reason, table.at_ns).where(table.at_ns >= since_ns)
        return [Damaged(*row) for row in self._rows(wanted.order_by(table.at_ns))]

    def copies(self) -> list[ExportState]:
        """Return how the copies of the audit log stand that fail."""
        wanted = select(audit_export).where(audit_export.c.failing_since_ns.is_not(None))
        return [
            ExportState(
                row.name, row.size, bytes(row.root), row.at_ns, row.failing_since_ns,
                bool(row.forked), row.told,
            )
            for row in self._rows(wanted)
        ]  # fmt: skip

    def anomalies(self, since_ns: int) -> list[Anomaly]:
        """Return the anomalies of spend found since a time, newest first."""
        found = Anomalies(self._engine, EVERY_TENANT).page(_ROWS_MAX)
        return [one for one in found if one.found_at_ns >= since_ns]

    def expiring(self, now_ns: int, within_ns: int) -> list[Expiring]:
        """Return the keys in force that expire within a time from now."""
        table = api_key.c
        wanted = select(
            table.id, table.name, table.org, table.team, table.feature, table.expires_at_ns
        ).where(
            table.revoked_at_ns.is_(None),
            table.expires_at_ns > now_ns,
            table.expires_at_ns <= now_ns + within_ns,
        )
        return [Expiring(*row) for row in self._rows(wanted.order_by(table.expires_at_ns))]

    def cut_off(self, now_ns: int, since_ns: int) -> list[CutOff]:
        """Return the erasures begun since a time that were under way an hour ago, and still are."""
        table = erasure.c
        wanted = select(table.org, table.id, table.at_ns).where(
            table.ended_at_ns.is_(None), table.at_ns >= since_ns, table.at_ns < now_ns - _HOUR_NS
        )
        return [CutOff(*row) for row in self._rows(wanted.order_by(table.at_ns))]

    def _keys(self, ids: set[str]) -> dict[str, Place]:
        table = api_key.c
        wanted = select(table.id, table.name, table.team, table.feature, table.budget_window).where(
            table.id.in_(ids)
        )
        found = self._rows(wanted) if ids else []
        return {
            row.id: Place(row.name, row.team, row.feature, row.budget_window or "") for row in found
        }

    def _rows(self, wanted: Select[Any]) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.execute(wanted.limit(_ROWS_MAX)).all())


def _key(event: BudgetEvent) -> str:
    """Return the key whose own limit an event is of; nobody's id where it is a budget's."""
    return event.limit_id.removeprefix("key:")
