"""Ledger entries and decisions under segments of the audit log, on either database."""

import random
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, delete, func, select, text, update

from legato.app.desks.audit_segments import LookedAt, look_at_segments
from legato.audit.segments import SegmentKind
from legato.core.clock import ManualClock
from legato.core.tenant import EVERY_TENANT
from legato.storage.audit.log import AuditLog
from legato.storage.audit.rows import ENTRY_FORM
from legato.storage.audit.segments import Segments
from legato.storage.database.engine import writing
from legato.storage.ledger.ledger import Ledger
from legato.storage.retention import prune_traces
from legato.storage.tables.audit_segments import audit_segment
from legato.storage.tables.schema import ledger_entry, trace_block

from .journal_records import AT_NS, encoded, served, settled

HOUR_NS = 3_600_000_000_000
Look = Callable[[], LookedAt]


@pytest.fixture
def ledger(engine: Engine, clock: ManualClock) -> Ledger:
    return Ledger(engine, clock)


@pytest.fixture
def segments(engine: Engine) -> Segments:
    return Segments(engine)


@pytest.fixture
def look(engine: Engine, segments: Segments) -> Look:
    return lambda: look_at_segments(AuditLog(engine, EVERY_TENANT), segments)


def fill(ledger: Ledger, first: int, count: int, *, at_ns: int = AT_NS) -> None:
    """Commit requests one by one, so that each is a block of its own."""
    for number in range(first, first + count):
        name = f"{number:032x}"
        records = [settled(name, at_ns=at_ns), served(name, at_ns=at_ns)]
        ledger.commit("w-0/00000001", 100 + number, encoded(*records))


def sealed(segments: Segments) -> None:
    for kind in SegmentKind:
        assert segments.seal(kind) is not None
        assert segments.seal(kind) is None


def test_every_column_of_an_entry_is_sealed() -> None:
    """A new column needs a new form: what was sealed before must stay verifiable."""
    assert set(ENTRY_FORM) == {column.name for column in ledger_entry.columns}


def test_rows_as_they_were_sealed_are_whole(ledger: Ledger, segments: Segments, look: Look) -> None:
    assert segments.seal(SegmentKind.LEDGER) is None
    fill(ledger, 0, 5)
    sealed(segments)
    fill(ledger, 5, 3)
    found = look()
    assert found.fault is None
    kinds = found.kinds
    assert [(one.segments, one.records) for one in kinds.values()] == [(1, 5), (1, 5)]
    assert all(one.newest > one.last for one in kinds.values())
    sealed(segments)
    found = look()
    assert found.fault is None
    assert [(one.segments, one.records) for one in found.kinds.values()] == [(2, 8), (2, 8)]
    assert all(one.newest == one.last for one in found.kinds.values())


CHANGES = [
    ("UPDATE ledger_entry SET cost = cost - 1 WHERE id = {3}", 3, "isn't what was sealed"),
    ("UPDATE ledger_entry SET team = 'else' WHERE id = {0}", 0, "isn't what was sealed"),
    ("DELETE FROM ledger_entry WHERE id = {2}", 3, "before row"),
    ("DELETE FROM ledger_entry WHERE id >= {6}", None, "at its end is missing"),
    ("UPDATE ledger_entry SET id = -1 WHERE id = {6}", -1, "was added"),
    ("UPDATE trace_block SET org = 'else' WHERE id = {1}", 1, "isn't what was sealed"),
    ("UPDATE trace_block SET records = records || records WHERE id = {1}", 1, "at its request 0"),
    ("DELETE FROM trace_block WHERE id = {2}", 3, "before row"),
    ("DELETE FROM trace_block WHERE id = {6}", 6, "6 at its end is missing"),
    ("UPDATE audit_segment SET hashes = heads", None, "hashes beside"),
    ("DELETE FROM audit_segment WHERE kind = 'ledger'", None, "hashes beside"),
]


@pytest.mark.parametrize("case", CHANGES, ids=[one[0] for one in CHANGES])
def test_the_first_row_that_was_changed_is_named(
    engine: Engine, ledger: Ledger, look: Look, case: tuple[str, int | None, str]
) -> None:
    change, row, told = case
    fill(ledger, 0, 7)
    sealed(Segments(engine))
    with writing(engine) as connection:
        table = trace_block if "trace_block" in change else ledger_entry
        ids = list(connection.execute(select(table.c.id).order_by(table.c.id)).scalars())
        done = connection.execute(text(change.format(*ids)))
        assert done.rowcount > 0
    fault = look().fault
    assert fault is not None
    assert told.replace("6 at", f"{ids[6]} at") in fault.told
    assert fault.row == (ids[row] if row is not None and row >= 0 else row)


def test_a_copied_entry_is_told(
    engine: Engine, ledger: Ledger, segments: Segments, look: Look
) -> None:
    fill(ledger, 0, 3)
    sealed(segments)
    names = ", ".join(ENTRY_FORM[2:])
    with writing(engine) as connection:
        copy = f"INSERT INTO ledger_entry (id, request_id, {names}) SELECT -5, 'x', {names}"
        connection.execute(text(f"{copy} FROM ledger_entry LIMIT 1"))
    fault = look().fault
    assert fault is not None
    assert (fault.row, "added" in fault.told) == (-5, True)


def test_what_retention_drops_leaves_the_rest_verifiable(
    engine: Engine, ledger: Ledger, segments: Segments, look: Look
) -> None:
    fill(ledger, 0, 3)
    sealed(segments)
    fill(ledger, 3, 2)
    fill(ledger, 5, 2, at_ns=AT_NS + 5 * HOUR_NS)
    sealed(segments)
    cut = AT_NS + HOUR_NS
    assert prune_traces(engine, cut) == 5
    assert look().fault is None
    assert prune_traces(engine, AT_NS + 9 * HOUR_NS) == 2
    assert prune_traces(engine, AT_NS + 9 * HOUR_NS) == 0
    assert look().fault is None
    # ids go on where they were, though nothing is left
    fill(ledger, 7, 2, at_ns=AT_NS + 10 * HOUR_NS)
    sealed(segments)
    found = look()
    assert found.fault is None
    assert found.kinds["decisions"].records == 9
    with writing(engine) as connection:
        connection.execute(delete(trace_block).where(trace_block.c.first_id == f"{8:032x}"))
    assert look().fault is not None


def test_a_row_that_was_not_old_enough_to_go_is_missed(
    engine: Engine, ledger: Ledger, segments: Segments, look: Look
) -> None:
    fill(ledger, 0, 3)
    fill(ledger, 3, 3, at_ns=AT_NS + 5 * HOUR_NS)
    sealed(segments)
    prune_traces(engine, AT_NS + HOUR_NS)
    with writing(engine) as connection:
        connection.execute(delete(trace_block).where(trace_block.c.first_id == f"{4:032x}"))
    fault = look().fault
    assert fault is not None
    assert "before row" in fault.told


def test_segments_sealed_twice_or_left_out_are_told(
    engine: Engine, ledger: Ledger, segments: Segments, look: Look
) -> None:
    fill(ledger, 0, 3)
    sealed(segments)
    with writing(engine) as connection:
        connection.execute(delete(audit_segment))
    fill(ledger, 3, 1)
    sealed(segments)
    fault = look().fault
    assert fault is not None
    assert "doesn't begin where" in fault.told or "hashes beside" in fault.told


def test_what_was_sealed_in_an_older_form_stays_whole(
    engine: Engine, ledger: Ledger, segments: Segments, look: Look
) -> None:
    """Columns of later forms are filled in by migrations: they are no part of what was sealed."""
    fill(ledger, 0, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("legato.storage.audit.segments.FORM", 1)
        sealed(segments)
    with writing(engine) as connection:
        connection.execute(update(ledger_entry).values(step_cache=5, step_routing=-5))
    fill(ledger, 4, 9)
    sealed(segments)
    assert look().fault is None
    with writing(engine) as connection:
        newest = ledger_entry.c.id == select(func.max(ledger_entry.c.id)).scalar_subquery()
        connection.execute(update(ledger_entry).where(newest).values(step_cache=5))
    assert look().fault is not None


def test_random_changes_of_any_column_are_found(
    engine: Engine, ledger: Ledger, segments: Segments, look: Look
) -> None:
    fill(ledger, 0, 9)
    sealed(segments)
    dice = random.Random(5)
    for table in (ledger_entry, trace_block):
        rows = _rows(engine, table)
        for column in table.columns:
            row = dice.choice(rows)
            changed = _other(row[column.name], nullable=bool(column.nullable))
            named = table.c.id == row["id"]
            with writing(engine) as connection:
                connection.execute(update(table).where(named).values({column.name: changed}))
            fault = look().fault
            assert fault is not None, column
            back = table.c.id == (changed if column.name == "id" else row["id"])
            with writing(engine) as connection:
                value = {column.name: row[column.name]}
                connection.execute(update(table).where(back).values(value))
    assert look().fault is None


def _rows(engine: Engine, table: object) -> list[dict[str, object]]:
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]  # type: ignore[call-overload]


def _other(value: object, *, nullable: bool) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1_000
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    if value is None:
        assert nullable
        return 1
    return f"{value}x"
