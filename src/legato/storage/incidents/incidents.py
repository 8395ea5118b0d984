"""Incidents: each step of one is an act of the audit log."""

from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.incident import BY_ITSELF, NOTE_MAX, Cause, Incident, Source, Standing, checked
from legato.core.tenant import Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.incidents.words import Words, is_told, opened, said_by
from legato.storage.tables.objectives import incident

_c: Final = incident.c
_PRUNED_PER_WRITE: Final = 1_000


class Durations(NamedTuple):
    """Sums over incidents that were resolved in some time, in ns, and how many there were."""

    resolved: int
    resolution_ns: int
    detection_ns: int


class Incidents:
    """Within reach. Every method may raise StorageUnavailable."""

    def __init__(
        self, engine: Engine, clock: Clock, reach: Reach, words: Words | None = None
    ) -> None:
        """Without `words` nothing that people say can be written, and it is read as hidden."""
        self._engine = engine
        self._clock = clock
        self._reach = reach
        self._words = words

    def open(self, found: Incident) -> Incident | None:
        """Keep one, which the caller found within reach.

        None where what opened it did so before, or its subject has one that isn't resolved.

        Raises:
            InvalidRequest: naming the field.
        """
        said = checked(found)
        row = _row(said)
        if is_told(said):
            row |= self._told(said, "origin_user", said.subject)
        with writing(self._engine) as connection:
            lock(connection, ["legato:incidents"])
            if said.source is not Source.PERSON and _is_known(connection, said):
                return None
            connection.execute(insert(incident), row)
            details: dict[str, Detail] = {
                "source": said.source.value,
                "subject": said.subject,
                "severity": said.severity,
            }
            subject = Subject("incident", said.id)
            recorded(connection, Act(said.org, "incident.open", subject, details=details))
        return said

    def acknowledge(self, incident_id: str, author: str, cause: Cause = Cause.UNKNOWN) -> Incident:
        """Take one on. Raises NotFound; Conflict where it is resolved."""
        found = self.get(incident_id)
        if found.state is Standing.RESOLVED:
            raise Conflict(f"the incident {incident_id} is resolved")
        taken = msgspec.structs.replace(
            found,
            state=Standing.ACKNOWLEDGED,
            acknowledged_at_ns=found.acknowledged_at_ns or self._clock.now_ns(),
            acknowledged_by=found.acknowledged_by or author,
            cause=cause or found.cause,
        )
        return self._change(found, taken, "incident.acknowledge")

    def resolve(
        self, incident_id: str, author: str, *, cause: Cause = Cause.UNKNOWN, note: str = ""
    ) -> Incident:
        """Say that one is over, and what it was.

        Raises:
            NotFound: there is none.
            Conflict: it is resolved already.
            InvalidRequest: its cause isn't known, or the note is too long.
        """
        found = self.get(incident_id)
        if found.state is Standing.RESOLVED:
            raise Conflict(f"the incident {incident_id} is resolved")
        if not (cause or found.cause):
            known = ", ".join(one.value for one in Cause if one)
            raise InvalidRequest(f"cause: say what it was: {known}", param="cause")
        if len(note) > NOTE_MAX:
            raise InvalidRequest(f"note: up to {NOTE_MAX:,} characters", param="note")
        return self._resolved(found, author, cause=cause, note=note)

    def recovered(self, source: Source, subject: str, org: str) -> list[Incident]:
        """Resolve what a source opened over a subject that is well again; nobody says the cause."""
        wanted = select(incident).where(
            _c.source == source.value,
            _c.subject == subject,
            _c.org == org,
            _c.state != Standing.RESOLVED.value,
            *within(self._reach, incident),
        )
        found = self._read(wanted)
        return [self._resolved(one, BY_ITSELF, note="it recovered by itself") for one in found]

    def unresolved(self, source: Source) -> list[Incident]:
        """Return what a source opened that isn't resolved."""
        wanted = select(incident).where(
            _c.source == source.value,
            _c.state != Standing.RESOLVED.value,
            *within(self._reach, incident),
        )
        return self._read(wanted.order_by(_c.id))

    def get(self, incident_id: str) -> Incident:
        """Return one. Raises NotFound."""
        found = self._read(
            select(incident).where(_c.id == incident_id, *within(self._reach, incident))
        )
        if not found:
            raise NotFound(f"there is no incident {incident_id!r}")
        return found[0]

    def page(self, count: int, before_id: str = "", *, state: str = "") -> list[Incident]:
        """Return up to `count`, newest first: those before one, in a state."""
        wanted = select(incident).where(*within(self._reach, incident))
        if before_id:
            wanted = wanted.where(_c.id < before_id)
        if state:
            wanted = wanted.where(_c.state == state)
        return self._read(wanted.order_by(_c.id.desc()).limit(count))

    def changed_since(self, at_ns: int, count: int) -> list[Incident]:
        """Return those opened or resolved since a time, the oldest first."""
        newer = (_c.opened_at_ns >= at_ns) | (_c.resolved_at_ns >= at_ns)
        wanted = select(incident).where(newer, *within(self._reach, incident))
        return self._read(wanted.order_by(_c.id).limit(count))

    def count_by_state(self) -> dict[str, int]:
        """Count those that aren't resolved."""
        wanted = (
            select(_c.state, func.count())
            .where(_c.state != Standing.RESOLVED.value, *within(self._reach, incident))
            .group_by(_c.state)
        )
        with reading(self._engine) as connection:
            return {state: int(count) for state, count in connection.execute(wanted)}

    def durations(self, first_ns: int, end_ns: int, where: dict[str, str]) -> Durations:
        """Sum up those resolved from one time to before another, of some team or feature."""
        wanted = select(
            func.count(),
            func.coalesce(func.sum(_c.resolved_at_ns - _c.opened_at_ns), 0),
            func.coalesce(func.sum(_c.opened_at_ns - _c.began_at_ns), 0),
        ).where(
            _c.resolved_at_ns >= first_ns,
            _c.resolved_at_ns < end_ns,
            *within(self._reach, incident),
            *(_c[name] == value for name, value in where.items()),
        )
        with reading(self._engine) as connection:
            return Durations(*map(int, connection.execute(wanted).one()))

    def _resolved(
        self, found: Incident, author: str, *, cause: Cause = Cause.UNKNOWN, note: str = ""
    ) -> Incident:
        over = msgspec.structs.replace(
            found,
            state=Standing.RESOLVED,
            resolved_at_ns=self._clock.now_ns(),
            resolved_by=author,
            cause=cause or found.cause,
            note=note or found.note,
        )
        return self._change(found, over, "incident.resolve")

    def _change(self, before: Incident, after: Incident, action: str) -> Incident:
        row = _row(after)
        said = after.note != before.note
        if not said:  # what was said of it stays as it is, sealed or not
            del row["title"], row["note"]
        elif is_told(after):
            row |= self._told(after, "closing_user", after.resolved_by)
        changed = update(incident).where(
            _c.id == before.id,
            _c.state == before.state.value,
            *within(self._reach, incident),
        )
        with writing(self._engine) as connection:
            if not connection.execute(changed.values(row)).rowcount:
                raise Conflict(f"somebody else has just changed the incident {before.id}")
            details: dict[str, Detail] = {"cause": after.cause.value, "state": after.state.value}
            act = Act(after.org, action, Subject("incident", after.id), details=details)
            recorded(connection, act)
        return after

    def _read(self, wanted: Any) -> list[Incident]:
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).mappings().all()
        return [self._incident(row) for row in rows]

    def _incident(self, row: Any) -> Incident:
        found = _incident(row)
        sealed = row["sealed"]
        return found if sealed is None else opened(found, bytes(sealed), self._words)

    def _told(self, said: Incident, column: str, author: str) -> dict[str, Any]:
        """Return what is kept of somebody's words: before a write, since a key may be made."""
        if self._words is None:
            raise ValueError("a store that seals nothing was given what somebody says")
        with reading(self._engine) as connection:
            whose = said_by(connection, author)
        return self._words.sealed(said) | {column: self._words.name(whose, said.org)}


def prune_incidents(engine: Engine, before_ns: int) -> int:
    """Delete those resolved before a time; return how many. Raises StorageUnavailable."""
    old = select(_c.id).where(_c.resolved_at_ns < before_ns).limit(_PRUNED_PER_WRITE)
    total = 0
    while True:
        with writing(engine) as connection:
            gone = connection.execute(delete(incident).where(_c.id.in_(old))).rowcount
        total += gone
        if gone < _PRUNED_PER_WRITE:
            return total


def _is_known(connection: Connection, said: Incident) -> bool:
    same = (_c.source == said.source.value, _c.org == said.org)
    before = (_c.source_id == said.source_id) & (_c.source_id != "")
    open_one = (_c.subject == said.subject) & (_c.state != Standing.RESOLVED.value)
    wanted = select(_c.id).where(*same, before | open_one).limit(1)
    return connection.execute(wanted).first() is not None


def _row(one: Incident) -> dict[str, Any]:
    plain = msgspec.structs.asdict(one)
    named = {name: plain[name].value for name in ("source", "cause", "state")}
    return plain | named


def _incident(row: Any) -> Incident:
    read = {
        "source": Source(row["source"]),
        "cause": Cause(row["cause"]),
        "state": Standing(row["state"]),
    }
    fields = {name: row[name] for name in Incident.__struct_fields__}
    return Incident(**{**fields, **read})
