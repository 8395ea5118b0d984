"""Schedules of reports, and each report that was made: once for each time, whatever is killed.

A report, its digest in the audit log, its deliveries in the outbox and the schedule's next time
are written in one transaction: who is killed before has made nothing, who is killed later has
made all of it.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.cron import read_cron
from legato.core.errors import Conflict, NotFound
from legato.core.report_schedule import ReportRun, ReportSchedule, checked
from legato.core.tenant import Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.notifications.outbox import Addressed, Outbox
from legato.storage.tables.schedules import report_run, report_schedule

_SCHEDULES_MAX: Final = 100
_PRUNED_PER_WRITE: Final = 100
_c: Final = report_schedule.c
_run: Final = report_run.c
_RUN_FIELDS: Final = tuple(column for column in report_run.columns if column.name != "document")


class Schedules:
    """Within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, reach: Reach) -> None:
        self._engine = engine
        self._clock = clock
        self._reach = reach

    def add(self, said: ReportSchedule, known: frozenset[str]) -> ReportSchedule:
        """Keep one, which the caller found within reach; `known` are the channels there are.

        Raises:
            InvalidRequest: naming the field.
            Conflict: the name is taken, or the organisation has as many as it may.
        """
        checked(said, known)
        now_ns = self._clock.now_ns()
        following = read_cron(said.cron, said.time_zone).after(now_ns)
        made = msgspec.structs.replace(said, at_ns=now_ns, next_ns=following or 0)
        with writing(self._engine) as connection:
            lock(connection, [f"legato:schedules:{said.org}"])
            mine = select(_c.name).where(_c.org == said.org, _c.removed_at_ns.is_(None))
            names = set(connection.execute(mine).scalars())
            if said.name in names:
                raise Conflict(f"there is a schedule {said.name!r} already: remove it first")
            if len(names) >= _SCHEDULES_MAX:
                raise Conflict(f"an organisation has up to {_SCHEDULES_MAX} schedules")
            connection.execute(insert(report_schedule), _row(made))
            _record(connection, made, "report_schedule.add")
        return made

    def remove(self, schedule_id: str) -> ReportSchedule:
        """End one, by id or name; what it made stays. Raises NotFound."""
        found = self.get(schedule_id)
        gone = msgspec.structs.replace(found, removed_at_ns=self._clock.now_ns())
        ended = update(report_schedule).where(
            _c.id == found.id, *within(self._reach, report_schedule)
        )
        with writing(self._engine) as connection:
            connection.execute(ended.values(removed_at_ns=gone.removed_at_ns))
            _record(connection, gone, "report_schedule.remove")
        return gone

    def in_force(self) -> list[ReportSchedule]:
        """Return those that weren't removed, by organisation and name."""
        wanted = select(report_schedule).where(
            *within(self._reach, report_schedule), _c.removed_at_ns.is_(None)
        )
        return self._read(wanted.order_by(_c.org, _c.name))

    def due(self, now_ns: int) -> list[ReportSchedule]:
        """Return those whose time has come, the oldest first."""
        wanted = select(report_schedule).where(
            *within(self._reach, report_schedule),
            _c.removed_at_ns.is_(None),
            _c.next_ns <= now_ns,
            _c.next_ns > 0,
        )
        return self._read(wanted.order_by(_c.next_ns, _c.id))

    def one(self, schedule_id: str) -> ReportSchedule:
        """Return one, in force or removed. Raises NotFound."""
        wanted = select(report_schedule).where(
            _c.id == schedule_id, *within(self._reach, report_schedule)
        )
        for found in self._read(wanted):
            return found
        raise NotFound(f"there is no schedule {schedule_id[:64]!r}", param="schedule")

    def get(self, named: str) -> ReportSchedule:
        """Return one in force, by id or name. Raises NotFound."""
        for one in self.in_force():
            if named in {one.id, one.name}:
                return one
        raise NotFound(f"there is no schedule {named[:64]!r}", param="schedule")

    def made(
        self, one: ReportSchedule, run: ReportRun, document: bytes, *, told: Addressed
    ) -> ReportRun | None:
        """Keep a report and have it delivered; None where its time was done before.

        The event of the audit log is recorded with it.
        """
        outbox = Outbox(self._engine, self._reach)
        with writing(self._engine) as connection:
            lock(connection, [f"legato:schedule:{one.id}"])
            same = (_run.schedule_id == one.id, _run.due_ns == run.due_ns)
            if connection.execute(select(_run.id).where(*same)).first() is not None:
                self._move_on(connection, one, run.due_ns)
                return None
            details: dict[str, Detail] = {
                "schedule": one.name,
                "period": run.period,
                "form": one.form,
                "told": run.told,
            }
            subject = Subject("report", f"report {one.kind}", run.digest)
            event = recorded(connection, Act(one.org, "report.schedule", subject, details=details))
            kept = msgspec.structs.replace(run, event=event)
            row = msgspec.structs.asdict(kept) | {"document": document}
            connection.execute(insert(report_run), row)
            outbox.put(connection, told.notification, told.channels)
            self._move_on(connection, one, run.due_ns)
        return kept

    def runs(self, schedule_id: str, count: int) -> list[ReportRun]:
        """Return the newest of a schedule."""
        wanted = select(*_RUN_FIELDS).where(
            _run.schedule_id == schedule_id, *within(self._reach, report_run)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_run.due_ns.desc()).limit(count)).mappings()
            return [ReportRun(**row) for row in rows]

    def document(self, run_id: str) -> tuple[ReportRun, bytes]:
        """Return a report with its bytes. Raises NotFound."""
        wanted = select(report_run).where(_run.id == run_id, *within(self._reach, report_run))
        with reading(self._engine) as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None:
            raise NotFound(f"there is no report {run_id[:64]!r}", param="run_id")
        plain = dict(row)
        document = bytes(plain.pop("document"))
        return ReportRun(**plain), document

    def _move_on(self, connection: Connection, one: ReportSchedule, due_ns: int) -> None:
        """Set the next time behind now: what was missed while nobody ran comes once, not often."""
        since_ns = max(due_ns, self._clock.now_ns())
        following = read_cron(one.cron, one.time_zone).after(since_ns) or 0
        moved = update(report_schedule).where(_c.id == one.id, _c.next_ns <= since_ns)
        connection.execute(moved.values(next_ns=following))

    def _read(self, wanted: Any) -> list[ReportSchedule]:
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).mappings()
            return [
                ReportSchedule(
                    **{**row, "channels": tuple(msgspec.json.decode(row["channels"], type=list))}
                )
                for row in rows
            ]


def prune_runs(engine: Engine, before_ns: int) -> int:
    """Delete reports made before a time; return how many. Raises StorageUnavailable."""
    old = select(_run.id).where(_run.made_ns < before_ns).limit(_PRUNED_PER_WRITE)
    total = 0
    while True:
        with writing(engine) as connection:
            gone = connection.execute(delete(report_run).where(_run.id.in_(old))).rowcount
        total += gone
        if gone < _PRUNED_PER_WRITE:
            return total


def _record(connection: Connection, one: ReportSchedule, action: str) -> None:
    details: dict[str, Detail] = {
        "kind": one.kind,
        "form": one.form,
        "cron": one.cron,
        "time_zone": one.time_zone,
        "channels": " ".join(one.channels),
    }
    recorded(
        connection, Act(one.org, action, Subject("report_schedule", one.name), details=details)
    )


def _row(one: ReportSchedule) -> dict[str, Any]:
    plain = msgspec.structs.asdict(one)
    return plain | {"channels": msgspec.json.encode(one.channels).decode()}
