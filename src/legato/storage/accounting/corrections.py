"""Entries that somebody says cost something else: reversed and replaced, or asked to be."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, insert, select, update

from legato.audit.acting import acting
from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, Forbidden, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.money import AMOUNT_MAX, NanoUSD, exact_usd
from legato.core.records import EntryKind
from legato.core.tenant import Tenant
from legato.economics.waterfall import OVERHEAD_KINDS
from legato.storage.accounting.periods import read_terms
from legato.storage.audit.segments import ROWS_LOCK
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock, share
from legato.storage.database.engine import reading, writing
from legato.storage.ledger.posting import Posting, Statements
from legato.storage.tables.accounting import ledger_correction
from legato.storage.tables.schema import ledger_entry

ASKED: Final = "asked"
POSTED: Final = "posted"
REFUSED: Final = "refused"
CORRECTED: Final = "corrected"
BY_HAND: Final = "hand"
REASON_MAX: Final = 500
_table: Final = ledger_correction.c


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry should have cost, in nano-USD; a baseline of None stays as it is."""

    entry_id: int
    cost: int
    baseline_cost: int | None = None
    reason: str
    source: str = BY_HAND


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """One that was asked for, and what came of it. Amounts are nano-USD."""

    id: str
    entry_id: int
    cost: int | None
    baseline_cost: int | None
    reason: str
    source: str
    state: str
    asked_by: str
    asked_at_ns: int
    decided_by: str
    decided_at_ns: int | None
    reversal_id: int | None
    replacement_id: int | None


class Corrections:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._org = tenant.org
        self._statements = Statements.of(engine.dialect.name)

    def correct(self, wanted: Wanted) -> Correction:
        """Reverse an entry and replace it; where the terms ask for four eyes, ask for the second.

        Raises:
            InvalidRequest: naming the field.
            NotFound: there is no such entry.
            Conflict: it was reversed already, reverses one itself, or somebody asked already.
        """
        _check(wanted)
        with writing(self._engine) as connection:
            return self._correct(connection, wanted)

    def correct_all(self, every: Iterable[Wanted]) -> list[Correction]:
        """Do so with several: all of them, or none."""
        wanted = list(every)
        for one in wanted:
            _check(one)
        with writing(self._engine) as connection:
            return [self._correct(connection, one) for one in wanted]

    def decide(self, correction_id: str, *, approve: bool) -> Correction:
        """Approve one that was asked for, or refuse it.

        Raises:
            NotFound: there is none.
            Conflict: it was decided already, or its entry was reversed meanwhile.
            Forbidden: who asked for it can't approve it.
        """
        with writing(self._engine) as connection:
            self._begin(connection)
            asked = self._get(connection, correction_id)
            if asked.state != ASKED:
                raise Conflict(f"the correction is {asked.state} already")
            if approve and asked.asked_by == _who():
                raise Forbidden("who asked for a correction can't approve it")
            if not approve:
                return self._decided(connection, asked, REFUSED, None)
            entry = self._entry(connection, asked.entry_id)
            return self._decided(connection, asked, POSTED, self._post(connection, entry, asked))

    def get(self, correction_id: str) -> Correction:
        """Return one. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._get(connection, correction_id)

    def page(self, count: int, before_id: str = "", state: str = "") -> list[Correction]:
        """Return up to `count`, newest first, older than one."""
        found = select(ledger_correction).where(_table.org == self._org)
        if before_id:
            found = found.where(_table.id < before_id)
        if state:
            found = found.where(_table.state == state)
        with reading(self._engine) as connection:
            rows = connection.execute(found.order_by(_table.id.desc()).limit(count)).mappings()
            return [_correction(row) for row in rows]

    def _correct(self, connection: Connection, wanted: Wanted) -> Correction:
        self._begin(connection)
        entry = self._entry(connection, wanted.entry_id)
        _check_kind(entry, wanted)
        waiting = select(_table.id).where(_table.entry_id == wanted.entry_id, _table.state == ASKED)
        if (there := connection.execute(waiting).scalar()) is not None:
            raise Conflict(f"correction {there} of this entry waits to be approved already")
        asked = Correction(
            id=self._ids.new(),
            entry_id=wanted.entry_id,
            cost=wanted.cost,
            baseline_cost=wanted.baseline_cost,
            reason=wanted.reason,
            source=wanted.source,
            state=ASKED,
            asked_by=_who(),
            asked_at_ns=self._clock.now_ns(),
            decided_by="",
            decided_at_ns=None,
            reversal_id=None,
            replacement_id=None,
        )
        row = {**msgspec.structs.asdict(asked), "org": self._org}
        connection.execute(insert(ledger_correction), row)
        if read_terms(connection, self._org).four_eyes:
            recorded(connection, self._act("ask", asked))
            return asked
        return self._decided(connection, asked, POSTED, self._post(connection, entry, asked))

    def _begin(self, connection: Connection) -> None:
        share(connection, ROWS_LOCK)
        lock(connection, [f"corrections of {self._org}"])

    def _post(
        self, connection: Connection, entry: dict[str, Any], asked: Correction
    ) -> tuple[int, int]:
        # no price of ours says what it costs any more
        changed: dict[str, Any] = {"cost": asked.cost, "price_version": CORRECTED}
        if asked.baseline_cost is not None:
            changed["baseline_cost"] = asked.baseline_cost
        posting = Posting(connection, self._statements, "", self._clock.now_ns())
        return posting.correct(entry, changed)

    def _decided(
        self, connection: Connection, asked: Correction, state: str, ids: tuple[int, int] | None
    ) -> Correction:
        reversal, replacement = ids or (None, None)
        decided = msgspec.structs.replace(
            asked,
            state=state,
            decided_by=_who(),
            decided_at_ns=self._clock.now_ns(),
            reversal_id=reversal,
            replacement_id=replacement,
        )
        row = msgspec.structs.asdict(decided)
        connection.execute(update(ledger_correction).where(_table.id == asked.id).values(row))
        recorded(connection, self._act("post" if ids else "refuse", decided))
        return decided

    def _entry(self, connection: Connection, entry_id: int) -> dict[str, Any]:
        entry = ledger_entry.c
        found = select(ledger_entry).where(entry.id == entry_id, entry.org == self._org)
        row = connection.execute(found).mappings().first()
        if row is None:
            raise NotFound(f"there is no entry {entry_id}", param="entry")
        if row["kind"] == EntryKind.CORRECTION:
            raise Conflict(f"entry {entry_id} reverses entry {row['reverses_entry']} itself")
        reversed_by = select(entry.id).where(entry.reverses_entry == entry_id)
        if (there := connection.execute(reversed_by).scalar()) is not None:
            msg = f"entry {entry_id} was reversed by entry {there}: correct what replaced it"
            raise Conflict(msg)
        return dict(row)

    def _get(self, connection: Connection, correction_id: str) -> Correction:
        found = select(ledger_correction).where(_table.id == correction_id, _table.org == self._org)
        row = connection.execute(found).mappings().first()
        if row is None:
            raise NotFound(f"there is no correction {correction_id!r}")
        return _correction(row)

    def _act(self, action: str, one: Correction) -> Act:
        details: dict[str, Detail] = {
            "entry": one.entry_id,
            "cost_usd": None if one.cost is None else exact_usd(NanoUSD(one.cost)),
            "source": one.source,
            "reversal": one.reversal_id,
            "replacement": one.replacement_id,
        }
        subject = Subject("correction", one.id)
        return Act(self._org, f"correction.{action}", subject, reason=one.reason, details=details)


def _check(wanted: Wanted) -> None:
    if not 0 <= wanted.cost <= AMOUNT_MAX or (wanted.baseline_cost or 0) < 0:
        raise InvalidRequest("cost: an entry costs nothing or more", param="cost")
    if not wanted.reason.strip() or len(wanted.reason) > REASON_MAX:
        msg = f"reason: say why, in up to {REASON_MAX} characters"
        raise InvalidRequest(msg, param="reason")


def _check_kind(entry: dict[str, Any], wanted: Wanted) -> None:
    if entry["kind"] == EntryKind.CACHE and wanted.cost:
        raise InvalidRequest("cost: an answer from the cache costs nothing", param="cost")
    if entry["kind"] in OVERHEAD_KINDS and wanted.baseline_cost:
        raise InvalidRequest(f"baseline: a {entry['kind']} has none", param="baseline")


def _who() -> str:
    actor = acting().actor
    return f"{actor.kind}:{actor.id}"


def _correction(row: Any) -> Correction:
    return Correction(**{name: row[name] for name in Correction.__struct_fields__})
