"""Labour, revenue and benefits: rows that people and their books bring."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound
from legato.core.ids import IdSource
from legato.core.money import NanoUSD
from legato.core.tenant import Area, Reach, reaches
from legato.economics.finance.entries import Entry, EntryKind, EntryRow
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.finance import benefit_entry, labour_entry, revenue_entry

TABLES: Final[dict[EntryKind, Table]] = {
    EntryKind.LABOUR: labour_entry,
    EntryKind.REVENUE: revenue_entry,
    EntryKind.BENEFIT: benefit_entry,
}
_SHARED: Final = frozenset(
    {"id", "org", "team", "feature", "period", "usd", "source", "external_id", "author", "at_ns"}
)
_OWN: Final = {
    kind: tuple(column.name for column in table.columns if column.name not in _SHARED)
    for kind, table in TABLES.items()
}
_WHAT: Final = {
    EntryKind.LABOUR: ("phase", "activity"),
    EntryKind.REVENUE: ("currency",),
    EntryKind.BENEFIT: ("benefit",),
}
_NAMED_PER_READ: Final = 500
_NS_PER_S: Final = 1_000_000_000


class EntryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows; "" doesn't narrow. Both months are inclusive."""

    since: str = ""
    until: str = ""
    team: str = ""
    feature: str = ""


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What became of rows that were to be added."""

    added: int
    unchanged: int
    replaced: int


class EntrySum(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one month, feature and phase, activity or benefit, summed.

    `what` is `before run`, `after review`, a currency, or a benefit. `quantity_milli` are hours or
    quantities times 1000, 0 for revenue.
    """

    org: str
    team: str
    feature: str
    period: str
    what: str
    usd: NanoUSD
    quantity_milli: int
    rows: int


def books_query_text(kind: EntryKind, wanted: EntryFilter) -> str:
    """Say which rows of a book are summed, as a line of JSON."""
    where = {name: getattr(wanted, name) for name in ("team", "feature")}
    said = {
        "sum": ["usd"],
        "of": str(TABLES[kind].name),
        "months": f"{wanted.since}..{wanted.until}",
        "where": {name: value for name, value in where.items() if value},
    }
    return msgspec.json.encode(said).decode()


class FinanceEntryStore:
    """Rows of one kind within reach. Every method may raise StorageUnavailable."""

    def __init__(
        self, engine: Engine, stamps: tuple[Clock, IdSource], kind: EntryKind, reach: Reach
    ) -> None:
        self._engine = engine
        self._clock, self._ids = stamps
        self._kind = kind
        self._table = TABLES[kind]
        self._reach = reach

    def add(
        self, org: str, entries: Sequence[Entry], author: str, *, replace: bool = False
    ) -> Added:
        """Keep rows, all or none. One that is there already, by its external id, is left alone.

        Raises:
            NotFound: an organisation, team or feature is out of reach.
            Conflict: there is another row under an external id; `replace` puts the new one in
                its place.
        """
        for one in entries:
            if not reaches(self._reach, Area(org, one.team, one.feature)):
                told = f"there is no {one.team or org}/{one.feature or '*'} within reach"
                raise NotFound(told, param="feature")
        with writing(self._engine) as connection:
            lock(connection, [f"{self._table.name} {org}"])
            kept = self._kept(connection, org, entries)
            fresh, replaced, unchanged = [], 0, 0
            for one in entries:
                held = kept.get(one.external_id) if one.external_id else None
                if held is None:
                    row = self._row(org, one, author)
                    fresh.append(row)
                    if one.external_id:
                        kept[one.external_id] = _read(self._kind, row)
                elif held.entry == one:
                    unchanged += 1
                elif replace:
                    self._replace(connection, held, one, author)
                    replaced += 1
                else:
                    raise _other(held)
            if fresh:
                connection.execute(insert(self._table), fresh)
                recorded(connection, self._act(org, "add", "", fresh))
        return Added(added=len(fresh), unchanged=unchanged, replaced=replaced)

    def page(self, count: int, after_id: str, wanted: EntryFilter) -> list[EntryRow]:
        """Return up to `count` rows whose ids come after one, in the order of ids."""
        table = self._table
        statement = (
            select(table)
            .where(table.c.id > after_id, *self._conditions(wanted))
            .order_by(table.c.id)
            .limit(count)
        )
        with reading(self._engine) as connection:
            return [_read(self._kind, row) for row in connection.execute(statement).mappings()]

    def every(self, wanted: EntryFilter) -> Iterator[EntryRow]:
        """Yield all rows in the order of their ids, each thousand by a read of its own."""
        after = ""
        while rows := self.page(_NAMED_PER_READ, after, wanted):
            yield from rows
            after = rows[-1].id

    def sums(self, wanted: EntryFilter) -> list[EntrySum]:
        """Return the rows summed by month, team, feature and what they are."""
        table, columns = self._table, self._table.c
        what = [columns[name] for name in _WHAT[self._kind]]
        counted = columns.get("hours_milli", columns.get("quantity_milli"))
        quantity = func.sum(counted) if counted is not None else func.sum(columns.usd) * 0
        groups = [columns.org, columns.team, columns.feature, columns.period, *what]
        statement = (
            select(*groups, func.sum(columns.usd), quantity, func.count())
            .select_from(table)
            .where(*self._conditions(wanted))
            .group_by(*groups)
            .order_by(*groups)
        )
        with reading(self._engine) as connection:
            return [_sum(tuple(row)) for row in connection.execute(statement)]

    def delete(self, entry_id: str) -> EntryRow:
        """Forget a row; the audit log keeps what it said. Raises NotFound."""
        table = self._table
        own = [table.c.id == entry_id, *within(self._reach, table)]
        with writing(self._engine) as connection:
            row = connection.execute(select(table).where(*own)).mappings().first()
            if row is None:
                raise NotFound(f"there is no {self._kind.value} entry {entry_id!r}", param="id")
            connection.execute(delete(table).where(*own))
            recorded(connection, self._act(row["org"], "delete", entry_id, [dict(row)]))
            return _read(self._kind, row)

    def _conditions(self, wanted: EntryFilter) -> list[ColumnElement[bool]]:
        columns = self._table.c
        found = list(within(self._reach, self._table))
        if wanted.since:
            found.append(columns.period >= wanted.since)
        if wanted.until:
            found.append(columns.period <= wanted.until)
        if wanted.team:
            found.append(columns.team == wanted.team)
        if wanted.feature:
            found.append(columns.feature == wanted.feature)
        return found

    def _kept(
        self, connection: Connection, org: str, entries: Sequence[Entry]
    ) -> dict[str, EntryRow]:
        """Return by external id what is there of these, whoever may see it."""
        table, named = self._table, [one.external_id for one in entries if one.external_id]
        found = {}
        for start in range(0, len(named), _NAMED_PER_READ):
            part = named[start : start + _NAMED_PER_READ]
            wanted = select(table).where(table.c.org == org, table.c.external_id.in_(part))
            for row in connection.execute(wanted).mappings():
                found[row["external_id"]] = _read(self._kind, row)
        return found

    def _replace(self, connection: Connection, held: EntryRow, new: Entry, author: str) -> None:
        before = held.entry
        if not reaches(self._reach, Area(held.org, before.team, before.feature)):
            raise _other(held)
        row = self._row(held.org, new, author) | {"id": held.id}
        connection.execute(update(self._table).where(self._table.c.id == held.id).values(row))
        act = self._act(held.org, "replace", held.id, [row])
        details = {**act.details, "usd_before": before.usd, "period_before": before.period}
        recorded(connection, msgspec.structs.replace(act, details=details))

    def _row(self, org: str, one: Entry, author: str) -> dict[str, Any]:
        new_id = self._ids.new()
        return {
            "id": new_id,
            "org": org,
            "team": one.team,
            "feature": one.feature,
            "period": one.period,
            "usd": one.usd,
            "source": one.source,
            "external_id": one.external_id or f"id:{new_id}",
            "author": author,
            "at_ns": self._clock.now_ns(),
            **one.details,
        }

    def _act(self, org: str, action: str, entry_id: str, rows: Sequence[dict[str, Any]]) -> Act:
        details: dict[str, Detail] = {
            "rows": len(rows),
            "usd": sum(row["usd"] for row in rows),
            "first_period": min(row["period"] for row in rows),
            "last_period": max(row["period"] for row in rows),
            "external_id": rows[0]["external_id"],
        }
        subject = Subject(str(self._table.name), entry_id)
        return Act(org, f"{self._kind.value}.{action}", subject, details=details)


def prune_finance(engine: Engine, before_ns: int) -> int:
    """Delete rows of months that ended before a time; return how many.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    month = datetime.fromtimestamp(before_ns // _NS_PER_S, UTC).strftime("%Y-%m")
    gone = 0
    for table in TABLES.values():
        with writing(engine) as connection:
            gone += connection.execute(delete(table).where(table.c.period < month)).rowcount
    return gone


def _other(held: EntryRow) -> Conflict:
    name = held.entry.external_id
    return Conflict(
        f"external_id: {name!r} is another entry already: say `replace` to put this in its place,"
        " or give it an id of its own",
        param="external_id",
    )


def _read(kind: EntryKind, row: Any) -> EntryRow:
    entry = Entry(
        kind=kind,
        team=row["team"],
        feature=row["feature"],
        period=row["period"],
        usd=NanoUSD(row["usd"]),
        source=row["source"],
        external_id=row["external_id"],
        details={name: row[name] for name in _OWN[kind]},
    )
    return EntryRow(
        id=row["id"], org=row["org"], entry=entry, author=row["author"], at_ns=row["at_ns"]
    )


def _sum(row: tuple[Any, ...]) -> EntrySum:
    (org, team, feature, period), what = row[:4], row[4:-3]
    usd, quantity, count = row[-3:]
    return EntrySum(
        org=org,
        team=team,
        feature=feature,
        period=period,
        what=" ".join(what),
        usd=NanoUSD(int(usd)),
        quantity_milli=int(quantity),
        rows=count,
    )
