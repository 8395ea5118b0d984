"""What the database shows of controls: counts, times and ids, no person's name and no content.

Of the whole instance: it answers the operator's checks, and no tenant sees a row of it.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Engine, Table, func, select

from legato.audit.event import event_of
from legato.audit.segments import SegmentKind
from legato.storage.database.engine import reading
from legato.storage.tables.accounts import account
from legato.storage.tables.audit import audit_event
from legato.storage.tables.captures import capture
from legato.storage.tables.erasures import erasure
from legato.storage.tables.guard_samples import guard_sample
from legato.storage.tables.kept_maps import kept_map
from legato.storage.tables.live_scores import drift_alarm
from legato.storage.tables.roles import role_binding
from legato.storage.tables.schema import (
    api_key,
    data_key,
    journal_alarm,
    ledger_entry,
    trace_block,
)

_KEPT: Final[dict[str, tuple[Table, str]]] = {
    "captures": (capture, "expires_at_ns"),
    "guard samples": (guard_sample, "expires_at_ns"),
    "redaction maps": (kept_map, "expires_at_ns"),
}
_SEALED: Final = {
    SegmentKind.LEDGER: (ledger_entry, "at_ns"),
    SegmentKind.DECISIONS: (trace_block, "last_at_ns"),
}
SAYS_UNTIL: Final = tuple(_KEPT)
"""Kinds of which each row says until when it is kept."""


class Overdue(msgspec.Struct, frozen=True):
    """How many rows of a kind there are, how many should be gone, and the oldest of these."""

    rows: int
    overdue: int
    oldest_ns: int | None


class Person(msgspec.Struct, frozen=True):
    """An account of a person, by its id."""

    id: str
    org: str
    state: str
    password: bool
    provider: bool
    """Whether an OpenID provider knows them."""
    created_at_ns: int
    signed_in_at_ns: int | None


class KeyFacts(msgspec.Struct, frozen=True):
    """A key in force."""

    id: str
    org: str
    team: str
    scopes: tuple[str, ...]
    created_at_ns: int
    expires_at_ns: int | None
    own_budget: bool


class Bound(msgspec.Struct, frozen=True):
    """Somebody's role over an organisation, or over all (`*`)."""

    subject: str
    role: str
    org: str
    team: str


class DataKeys(msgspec.Struct, frozen=True):
    """The wrapped data keys."""

    count: int
    masters: tuple[str, ...]
    oldest_ns: int | None


class Erasures(msgspec.Struct, frozen=True):
    """What became of erasures that were asked for."""

    asked: int
    open_since_ns: int | None
    """The oldest that has no end."""
    longest_ns: int
    """From asking to the end."""


class Recorded(msgspec.Struct, frozen=True):
    """An event of the audit log."""

    index: int
    at_ns: int
    subject: str


class ComplianceFacts:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def overdue(self, kind: str, before_ns: int) -> Overdue:
        """Count the rows of one of `SAYS_UNTIL` whose time was over before a moment."""
        table, name = _KEPT[kind]
        column: ColumnElement[int] = table.c[name]
        late = column < before_ns
        wanted = select(func.count(), func.min(column)).select_from(table).where(late)
        with reading(self._engine) as connection:
            rows = connection.execute(select(func.count()).select_from(table)).scalar_one()
            count, oldest = connection.execute(wanted).one()
        return Overdue(rows, count, oldest)

    def people(self) -> list[Person]:
        """Return the accounts of people that aren't erased."""
        of = account.c
        wanted = select(account).where(of.kind == "person", of.state != "erased").order_by(of.id)
        with reading(self._engine) as connection:
            return [
                Person(
                    row.id,
                    row.org,
                    row.state,
                    bool(row.password),
                    bool(row.external),
                    row.created_at_ns,
                    row.signed_in_at_ns,
                )
                for row in connection.execute(wanted)
            ]

    def roles(self) -> list[Bound]:
        """Return who has which role, by `account:ID` and the like."""
        of = role_binding.c
        wanted = select(role_binding).order_by(of.id)
        with reading(self._engine) as connection:
            return [
                Bound(f"{row.subject_kind}:{row.subject_id}", row.role, row.org, row.team)
                for row in connection.execute(wanted)
            ]

    def keys_in_force(self, now_ns: int) -> list[KeyFacts]:
        """Return the keys that may call now."""
        of = api_key.c
        wanted = select(api_key).where(of.revoked_at_ns.is_(None)).order_by(of.id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [
            KeyFacts(
                row.id,
                row.org,
                row.team,
                tuple(msgspec.json.decode(row.scopes)),
                row.created_at_ns,
                row.expires_at_ns,
                row.budget_limit is not None,
            )
            for row in rows
            if row.expires_at_ns is None or row.expires_at_ns > now_ns
        ]

    def keys_used_since(self, since_ns: int) -> frozenset[str]:
        """Return the ids of the keys that have an entry in the ledger; reads all since then."""
        of = ledger_entry.c
        wanted = select(of.key_id).where(of.at_ns >= since_ns).distinct()
        with reading(self._engine) as connection:
            return frozenset(connection.execute(wanted).scalars())

    def data_keys(self) -> DataKeys:
        """Return how many there are and under which master keys."""
        of = data_key.c
        with reading(self._engine) as connection:
            count, oldest = connection.execute(
                select(func.count(), func.min(of.created_at_ns))
            ).one()
            masters = connection.execute(select(of.master_id).distinct()).scalars().all()
        return DataKeys(count, tuple(sorted(masters)), oldest)

    def erasures(self) -> Erasures:
        """Return what became of all of them."""
        of = erasure.c
        took = of.ended_at_ns - of.at_ns
        with reading(self._engine) as connection:
            asked, longest = connection.execute(select(func.count(), func.max(took))).one()
            waiting = select(func.min(of.at_ns)).where(of.ended_at_ns.is_(None))
            return Erasures(asked, connection.execute(waiting).scalar(), longest or 0)

    def alarms_open(self) -> list[int]:
        """Return since when alarms of quality stand that nobody has acknowledged, oldest first."""
        of = drift_alarm.c
        wanted = select(of.at_ns).where(of.acknowledged_by == "").order_by(of.at_ns)
        with reading(self._engine) as connection:
            return list(connection.execute(wanted).scalars())

    def unsealed_since(self, kind: SegmentKind, sealed: int) -> int | None:
        """Return the time of the oldest row behind an id, None where there is none."""
        table, name = _SEALED[kind]
        wanted = select(func.min(table.c[name])).where(table.c.id > sealed)
        with reading(self._engine) as connection:
            return connection.execute(wanted).scalar()

    def journal_alarms(self) -> int:
        """Return how many frames of the spend journal couldn't be read."""
        with reading(self._engine) as connection:
            found = connection.execute(select(func.count()).select_from(journal_alarm))
            return found.scalar_one()

    def newest_event(self, actions: Sequence[str]) -> Recorded | None:
        """Return the newest event of the audit log with one of these actions."""
        found = self._events(actions, since_ns=0, limit=1)
        return found[0] if found else None

    def events_since(self, actions: Sequence[str], since_ns: int) -> list[Recorded]:
        """Return the events with one of these actions since then, newest first."""
        return self._events(actions, since_ns=since_ns, limit=None)

    def events(self, action: str) -> int:
        """Return how many events of an action there are."""
        wanted = select(func.count()).where(audit_event.c.action == action)
        with reading(self._engine) as connection:
            return connection.execute(wanted).scalar_one()

    def _events(
        self, actions: Sequence[str], *, since_ns: int, limit: int | None
    ) -> list[Recorded]:
        of = audit_event.c
        wanted = (
            select(of.number, of.at_ns, of.leaf)
            .where(of.action.in_(actions), of.at_ns >= since_ns)
            .order_by(of.number.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [_recorded(row) for row in connection.execute(wanted)]


def _recorded(row: Any) -> Recorded:
    try:
        subject = event_of(bytes(row.leaf)).subject.id
    except ValueError:  # another check says that the log was changed
        subject = ""
    return Recorded(row.number, row.at_ns, subject)
