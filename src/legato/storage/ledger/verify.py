"""Proves that the ledger is what it claims to be, reading every row."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, and_, func, or_, select

from legato.core.leases import LEDGERED
from legato.core.price import UNPRICED
from legato.core.records import EntryKind
from legato.core.usage import USAGE_CLASSES, UsageSource
from legato.economics.waterfall import STEP_COLUMNS
from legato.storage.database.engine import reading
from legato.storage.database.windows import day_text, period_of
from legato.storage.limits.budget_sets import SET_PREFIX, spent_in_windows
from legato.storage.rollups.checking import wrong_days
from legato.storage.tables.budgets import budget_set
from legato.storage.tables.schema import ledger_entry, limit_lease, limit_window, open_intent

_ROWS_PER_READ: Final = 5_000
_AMOUNTS: Final = ("cost", "baseline_cost")
_NEVER_NEGATIVE: Final = frozenset({*_AMOUNTS, *USAGE_CLASSES})
"""But in a correction. Steps may be either."""
_CORRECTION: Final = EntryKind.CORRECTION.value
_OVERHEAD: Final = frozenset(
    {
        EntryKind.RETRY.value,
        EntryKind.HEDGE.value,
        EntryKind.JUDGE.value,
        EntryKind.SHADOW.value,
        EntryKind.OVERHEAD.value,
    }
)
_CHARGED_TO: Final = (
    "org",
    "team",
    "feature",
    "key_id",
    "end_user",
    "tags",
    "route",
    "deployment",
    "provider",
    "model",
    "attempt",
    "budget_id",
)
"""What sums are split by, and what paid: a correction undoes its entry in each of them."""

ChangedPeriods = Callable[[Connection], Iterator[tuple[str, str]]]


class Problem(msgspec.Struct, frozen=True):
    """What is wrong, and the first place: an entry id, or a limit's name."""

    what: str
    where: str


class VerifyReport(msgspec.Struct, frozen=True):
    """What was read, and the first problem of each sort. Amounts are nano-USD."""

    entries: int
    cost: int
    baseline_cost: int
    problems: list[Problem]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(engine: Engine, changed_periods: ChangedPeriods | None = None) -> VerifyReport:
    """Recompute sums and check every rule of the ledger, in one snapshot.

    `changed_periods` yields what of closed periods isn't as it was: name and what.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    with reading(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        scan = _Scan()
        for row in _rows(connection):
            scan.read(row)
        problems = [*scan.problems.values()]
        for check in (
            _sums,
            _rollups,
            _reversals,
            _identities,
            _budgets,
            _sets,
            _leases,
            _reopened,
        ):
            problems.extend(check(connection, scan))
        for name, told in changed_periods(connection) if changed_periods else ():
            problems.append(Problem(f"a closed period isn't as it was: {told}", f"period {name}"))
    return VerifyReport(scan.entries, scan.sums["cost"], scan.sums["baseline_cost"], problems)


class _Scan:
    """One pass over all entries: rules a single row can break, and sums of our own."""

    def __init__(self) -> None:
        self.entries = 0
        self.sums = dict.fromkeys((*_AMOUNTS, *USAGE_CLASSES, *STEP_COLUMNS), 0)
        self.problems: dict[str, Problem] = {}

    def read(self, row: Any) -> None:
        self.entries += 1
        is_correction = row["kind"] == _CORRECTION
        for name in self.sums:
            value = row[name]
            if value is None:
                continue
            self.sums[name] += value
            if value and name in _NEVER_NEGATIVE and (value < 0) is not is_correction:
                wrong = "positive in a correction" if is_correction else "negative"
                self._note(f"{name} is {wrong}", row["id"])
        if row["period"] != period_of(row["at_ns"]):
            self._note("the period is not that of the time", row["id"])
        if row["kind"] in _OVERHEAD and row["baseline_cost"]:
            self._note("overhead (a retry, hedge, judge or shadow) has a baseline", row["id"])
        if row["kind"] == EntryKind.CACHE.value and row["cost"] != 0:
            self._note("an answer from the cache has a cost", row["id"])
        is_cached = row["usage_source"] == UsageSource.CACHE.value
        if row["price_version"] == UNPRICED and row["cost"] is not None and not is_cached:
            self._note("what has no price has a cost", row["id"])
        saved = 0
        if row["cost"] is not None and row["baseline_cost"] is not None:
            saved = row["baseline_cost"] - row["cost"]
        if sum([row[name] for name in STEP_COLUMNS]) != saved:
            self._note("the steps of savings don't come to baseline minus cost", row["id"])
        if (row["reverses_entry"] is not None) is not is_correction:
            self._note("only a correction reverses an entry", row["id"])

    def _note(self, what: str, entry_id: int) -> None:
        self.problems.setdefault(what, Problem(what, f"entry {entry_id}"))


def _rows(connection: Connection) -> Iterator[Any]:
    last_id = 0
    while True:
        page = (
            select(ledger_entry)
            .where(ledger_entry.c.id > last_id)
            .order_by(ledger_entry.c.id)
            .limit(_ROWS_PER_READ)
        )
        rows = connection.execute(page).mappings().all()
        yield from rows
        if len(rows) < _ROWS_PER_READ:
            return
        last_id = rows[-1]["id"]


def _sums(connection: Connection, scan: _Scan) -> Iterator[Problem]:
    totals = select(*[func.sum(ledger_entry.c[name]).label(name) for name in scan.sums])
    found = connection.execute(totals).mappings().one()
    for name, total in scan.sums.items():
        if int(found[name] or 0) != total:
            yield Problem(f"the sum of {name} is not that of the rows", "all entries")


def _rollups(connection: Connection, _scan: _Scan) -> Iterator[Problem]:
    for table, day in wrong_days(connection):
        yield Problem(f"{table} isn't the sum of its entries", day_text(day))


def _reversals(connection: Connection, _scan: _Scan) -> Iterator[Problem]:
    """Yield corrections without their exact opposite, and entries reversed twice."""
    correction, target = ledger_entry.alias("correction"), ledger_entry.alias("target")
    differs = [
        func.coalesce(correction.c[name], 0) + func.coalesce(target.c[name], 0) != 0
        for name in (*_AMOUNTS, *USAGE_CLASSES, *STEP_COLUMNS)
    ]
    unlike = or_(target.c.id.is_(None), target.c.request_id != correction.c.request_id, *differs)
    joined = correction.outerjoin(target, correction.c.reverses_entry == target.c.id)
    wanted = (
        select(func.min(correction.c.id))
        .select_from(joined)
        .where(correction.c.kind == _CORRECTION, unlike)
    )
    first = connection.execute(wanted).scalar()
    if first is not None:
        yield Problem("a correction is not the opposite of its entry", f"entry {first}")
    elsewhere = or_(*[correction.c[name] != target.c[name] for name in _CHARGED_TO])
    both = correction.join(target, correction.c.reverses_entry == target.c.id)
    wanted = select(func.min(correction.c.id)).select_from(both).where(elsewhere)
    first = connection.execute(wanted).scalar()
    if first is not None:
        yield Problem("a correction is charged to another than its entry", f"entry {first}")
    reverses = ledger_entry.c.reverses_entry
    twice = select(reverses).where(reverses.is_not(None)).group_by(reverses)
    row = connection.execute(twice.having(func.count() > 1).order_by(reverses)).first()
    if row is not None:
        yield Problem("an entry is reversed twice", f"entry {row[0]}")


def _identities(connection: Connection, _scan: _Scan) -> Iterator[Problem]:
    entry = ledger_entry.c
    identity = (entry.request_id, entry.attempt, entry.kind, entry.seq)
    twice = select(func.max(entry.id)).group_by(*identity).having(func.count() > 1)
    row = connection.execute(twice.order_by(func.max(entry.id))).first()
    if row is not None:
        yield Problem("an identity is there twice", f"entry {row[0]}")


def _budgets(connection: Connection, _scan: _Scan) -> Iterator[Problem]:
    window = limit_window.c
    for kind in sorted(LEDGERED):
        wanted = select(window.limit_id).where(
            window.kind == kind.value, window.settled != spent_in_windows(kind)
        )
        row = connection.execute(wanted.order_by(window.id)).first()
        if row is not None:
            yield Problem("a budget's counter is not the sum of its entries", row[0])


def _sets(connection: Connection, _scan: _Scan) -> Iterator[Problem]:
    """Yield entries whose budgets nobody can name any more."""
    name = ledger_entry.c.budget_id
    known = select(budget_set.c.set_id).where(budget_set.c.set_id == name)
    wanted = select(func.min(ledger_entry.c.id)).where(
        name.startswith(SET_PREFIX), ~known.correlate(ledger_entry).exists()
    )
    first = connection.execute(wanted).scalar()
    if first is not None:
        yield Problem(
            "an entry is charged to a set of budgets that has no members", f"entry {first}"
        )


def _leases(connection: Connection, _scan: _Scan) -> Iterator[Problem]:
    window = limit_window.c
    held = (
        select(func.coalesce(func.sum(limit_lease.c.amount), 0))
        .where(limit_lease.c.window_id == window.id)
        .scalar_subquery()
    )
    wanted = select(window.limit_id).where(or_(window.leased != held, window.leased < 0))
    row = connection.execute(wanted.order_by(window.id)).first()
    if row is not None:
        yield Problem("what is leased is not the sum of the leases", row[0])


def _reopened(connection: Connection, _scan: _Scan) -> Iterator[Problem]:
    entry, opened = ledger_entry.c, open_intent.c
    same = and_(entry.request_id == opened.request_id, entry.attempt == opened.attempt)
    wanted = select(func.min(entry.id)).select_from(open_intent.join(ledger_entry, same))
    first = connection.execute(wanted).scalar()
    if first is not None:
        yield Problem("an attempt is open though it has an entry", f"entry {first}")
