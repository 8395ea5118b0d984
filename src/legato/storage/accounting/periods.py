"""Closed periods of an organisation, and the terms its books are kept by."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, func, insert, select, update

from legato.audit.event import Act, Detail, Subject, event_of
from legato.audit.merkle import Frontier, leaf_hash
from legato.audit.segments import FORM
from legato.core.clock import Clock
from legato.core.errors import Conflict, InvalidRequest, PreconditionFailed
from legato.core.money import NanoUSD, exact_usd
from legato.core.tenant import Tenant
from legato.economics.fiscal import Calendar, Period, check_calendar
from legato.storage.accounting.remaining import (
    ProviderCost,
    Remaining,
    cost_by_provider,
    read_remaining,
)
from legato.storage.audit.rows import ENTRY_FORM, entries_between, entry_leaf
from legato.storage.audit.segments import ROWS_LOCK
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock, upsert, wait_for_sharers
from legato.storage.database.engine import reading, writing
from legato.storage.tables.accounting import accounting_period, accounting_terms
from legato.storage.tables.audit import audit_event
from legato.storage.tables.schema import ledger_entry

CLOSING: Final = "closing"
CLOSED: Final = "closed"
USD: Final = "USD"
CLOSE_ACTION: Final = "period.close"
_period: Final = accounting_period.c
_terms: Final = accounting_terms.c
_COST: Final = ENTRY_FORM.index("cost")
_BASELINE: Final = ENTRY_FORM.index("baseline_cost")


class Terms(msgspec.Struct, frozen=True):
    """How the books are kept; `version` is 1 while nobody said so."""

    calendar: Calendar = Calendar()
    currency: str = USD
    four_eyes: bool = False
    """Whether a correction by hand waits for somebody else's approval."""
    version: int = 1


class Sums(msgspec.Struct, frozen=True):
    """Of a period: its entries, their sums in nano-USD, and the root of the tree over them."""

    entries: int
    cost: int
    baseline_cost: int
    unpriced: int
    root: str


class ClosedPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """One as it was closed; `accrued` is what of its cost no vendor had reported or billed."""

    name: str
    start_ns: int
    end_ns: int
    state: str
    accepted: dict[str, str]
    closed_at_ns: int
    sums: Sums
    accrued: int
    event: int


class PeriodStore:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._org = tenant.org

    def terms(self) -> Terms:
        """Return how the books are kept."""
        with reading(self._engine) as connection:
            return read_terms(connection, self._org)

    def set_terms(self, terms: Terms) -> Terms:
        """Keep them so from the end of the last closed period on.

        Raises:
            InvalidRequest: the time zone isn't one.
            PreconditionFailed: they were changed since `terms.version`.
        """
        check_calendar(terms.calendar)
        changed = msgspec.structs.replace(terms, version=terms.version + 1)
        row: dict[str, Any] = {
            "org": self._org,
            "calendar": msgspec.json.encode(terms.calendar).decode(),
            "currency": terms.currency,
            "four_eyes": terms.four_eyes,
            "version": changed.version,
            "changed_at_ns": self._clock.now_ns(),
        }
        with writing(self._engine) as connection:
            lock(connection, [self._lock])
            if read_terms(connection, self._org).version != terms.version:
                raise PreconditionFailed("the terms were changed since you read them")
            kept = upsert(connection, accounting_terms).values(row)
            connection.execute(kept.on_conflict_do_update(index_elements=["org"], set_=row))
            details: dict[str, Detail] = {
                "currency": terms.currency,
                "four_eyes": terms.four_eyes,
                **msgspec.to_builtins(terms.calendar),
            }
            subject = Subject("accounting", self._org)
            recorded(connection, Act(self._org, "accounting.terms", subject, details=details))
        return changed

    def closed(self) -> list[ClosedPeriod]:
        """Return those closed, or being closed, in their order."""
        wanted = select(accounting_period).where(_period.org == self._org)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_period.end_ns)).mappings()
            return [_closed(row) for row in rows]

    def first_entry_ns(self) -> int | None:
        """Return the time of the oldest entry, None where there is none."""
        wanted = select(func.min(ledger_entry.c.at_ns)).where(ledger_entry.c.org == self._org)
        with reading(self._engine) as connection:
            found: int | None = connection.execute(wanted).scalar()
            return found

    def remaining(self, period: Period) -> list[Remaining]:
        """Return what is to be settled, or accepted, before it can be closed."""
        with reading(self._engine) as connection:
            return list(read_remaining(connection, self._org, period.start_ns, period.end_ns))

    def by_provider(self, period: Period) -> list[ProviderCost]:
        """Return what each provider's entries of it cost."""
        with reading(self._engine) as connection:
            return cost_by_provider(connection, self._org, period.start_ns, period.end_ns)

    def sums(self, period: Period) -> Sums:
        """Add up all its entries, and hash them; reads each."""
        with reading(self._engine) as connection:
            return read_sums(connection, self._org, period.start_ns, period.end_ns)

    def begin_closing(self, period: Period, accepted: Mapping[str, str], accrued: int) -> None:
        """Let no entry come into it any more.

        Raises:
            Conflict: something remains that wasn't accepted, or it isn't the next one.
            InvalidRequest: what is accepted isn't there.
        """
        with writing(self._engine) as connection:
            # posting shares it: what has begun ends before we look, what comes sees the row
            wait_for_sharers(connection, ROWS_LOCK)
            lock(connection, [self._lock])
            self._require_next(connection, period)
            found = {
                one.kind: one
                for one in read_remaining(connection, self._org, period.start_ns, period.end_ns)
            }
            require_accepted(found, accepted)
            row = {
                "org": self._org,
                "name": period.name,
                "start_ns": period.start_ns,
                "end_ns": period.end_ns,
                "state": CLOSING,
                "accepted": msgspec.json.encode(dict(accepted), order="sorted").decode(),
                "closed_at_ns": self._clock.now_ns(),
                "accrued": accrued,
                **dict.fromkeys(("form", "entries", "cost", "baseline_cost", "unpriced"), 0),
                "root": "",
                "event": 0,
            }
            connection.execute(insert(accounting_period), row)

    def finish_closing(self, name: str) -> ClosedPeriod:
        """Hash what is in it into the audit log; again after a crash. Raises Conflict: not begun.

        Nobody waits for it: nothing comes into the period any more.
        """
        mine = (_period.org == self._org, _period.name == name)
        wanted = select(accounting_period).where(*mine)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).mappings().first()
            if row is None:
                raise Conflict(f"period {name}: its closing hasn't begun")
            begun = _closed(row)
            sums = read_sums(connection, self._org, begun.start_ns, begun.end_ns)
        with writing(self._engine) as connection:
            lock(connection, [self._lock])
            row = connection.execute(wanted).mappings().one()
            if row["state"] == CLOSED:
                return _closed(row)
            event = recorded(connection, self._act(begun, sums))
            values = {"state": CLOSED, "form": FORM, **msgspec.structs.asdict(sums), "event": event}
            connection.execute(update(accounting_period).where(*mine).values(values))
            return _closed(connection.execute(wanted).mappings().one())

    @property
    def _lock(self) -> str:
        return f"books of {self._org}"

    def _require_next(self, connection: Connection, period: Period) -> None:
        newest = connection.execute(
            select(func.max(_period.end_ns)).where(_period.org == self._org)
        ).scalar()
        if newest is not None and period.start_ns != newest:
            raise Conflict(f"period {period.name} isn't the one after the last that was closed")
        entry = ledger_entry.c
        earlier = select(entry.id).where(entry.org == self._org, entry.at_ns < period.start_ns)
        if newest is None and connection.execute(earlier.limit(1)).first() is not None:
            raise Conflict(f"period {period.name}: one before it has entries: close that first")

    def _act(self, period: ClosedPeriod, sums: Sums) -> Act:
        details: dict[str, Detail] = {
            "start_ns": period.start_ns,
            "end_ns": period.end_ns,
            "form": FORM,
            "entries": sums.entries,
            "cost_usd": exact_usd(NanoUSD(sums.cost)),
            "baseline_usd": exact_usd(NanoUSD(sums.baseline_cost)),
            "accrued_usd": exact_usd(NanoUSD(period.accrued)),
            "unpriced": sums.unpriced,
        }
        details |= {f"accepted_{kind}": why for kind, why in period.accepted.items()}
        subject = Subject("period", f"{self._org}/{period.name}", sums.root)
        return Act(self._org, CLOSE_ACTION, subject, details=details)


def require_accepted(found: Mapping[str, Remaining], accepted: Mapping[str, str]) -> None:
    """Raise Conflict for what remains and isn't accepted, InvalidRequest for what doesn't."""
    for kind in accepted:
        if kind not in found:
            msg = f"accept: there is no {kind} left in this period"
            raise InvalidRequest(msg, param="accept")
    left = [
        f"{one.count} {one.kind} (first: {one.first})"
        for kind, one in found.items()
        if not accepted.get(kind, "").strip()
    ]
    if left:
        msg = f"the period can't be closed: {', '.join(left)}; settle them, or accept each kind"
        raise Conflict(f"{msg} with a reason")


def read_terms(connection: Connection, org: str) -> Terms:
    """Return how an organisation's books are kept."""
    row = connection.execute(select(accounting_terms).where(_terms.org == org)).first()
    if row is None:
        return Terms()
    calendar = msgspec.json.decode(row.calendar, type=Calendar)
    return Terms(calendar, row.currency, bool(row.four_eyes), row.version)


def read_sums(connection: Connection, org: str, start_ns: int, end_ns: int) -> Sums:
    """Add up an organisation's entries of a time in the order of their ids, in constant memory."""
    tree, cost, baseline, unpriced = Frontier(), 0, 0, 0
    for row in entries_between(connection, org, start_ns, end_ns):
        tree, _ = tree.appended(leaf_hash(entry_leaf(row)))
        cost += row[_COST] or 0
        baseline += row[_BASELINE] or 0
        unpriced += row[_COST] is None
    return Sums(tree.size, cost, baseline, unpriced, tree.root.hex())


def changed_periods(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield, of every organisation, the closed periods that aren't as they were: name and what."""
    wanted = select(accounting_period).where(_period.state == CLOSED)
    rows = connection.execute(wanted.order_by(_period.org, _period.end_ns)).mappings().all()
    for row in rows:
        name = f"{row['org']}/{row['name']}"
        told = difference(_closed(row).sums, _found(connection, row))
        if not told and logged_root(connection, row["event"], name) != row["root"]:
            told = "the audit log doesn't have it so"
        if told:
            yield name, told


def logged_root(connection: Connection, event: int, name: str) -> str | None:
    """Return the root that the audit log has of a period, None where its event isn't that."""
    leaf = connection.execute(
        select(audit_event.c.leaf).where(audit_event.c.number == event)
    ).scalar()
    try:
        said = event_of(bytes(leaf or b""))
    except (ValueError, TypeError):
        return None
    closed = said.action == CLOSE_ACTION and said.subject.id == name
    return said.subject.digest if closed else None


def difference(closed: Sums, found: Sums) -> str:
    """Say how a closed period differs from its entries now; "" where it doesn't."""
    if closed.root == found.root:
        return ""
    if closed.entries != found.entries:
        return f"it has {found.entries} entries where {closed.entries} were closed"
    return "an entry in it was changed"


def _found(connection: Connection, row: Any) -> Sums:
    return read_sums(connection, row["org"], row["start_ns"], row["end_ns"])


def _closed(row: Any) -> ClosedPeriod:
    sums = Sums(row["entries"], row["cost"], row["baseline_cost"], row["unpriced"], row["root"])
    return ClosedPeriod(
        name=row["name"],
        start_ns=row["start_ns"],
        end_ns=row["end_ns"],
        state=row["state"],
        accepted=msgspec.json.decode(row["accepted"], type=dict[str, str]),
        closed_at_ns=row["closed_at_ns"],
        sums=sums,
        accrued=row["accrued"],
        event=row["event"],
    )
