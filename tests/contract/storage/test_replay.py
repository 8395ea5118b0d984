"""Whatever part of a journal comes again, in whatever order, the ledger ends the same."""

from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from legato.core.clock import ManualClock
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Window
from legato.core.records import EntryKind, Record, Settled, Voided
from legato.core.tenant import EVERY_TENANT
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.sums import Backlog, read_backlog
from legato.storage.ledger.verify import verify
from legato.storage.limits.leases import LeaseStore
from legato.storage.tables.schema import ENTRY_COLUMNS, ledger_entry

from .emptying import empty_tables
from .journal_records import BUDGET, encoded, intent, progress, settled, voided
from .leasing import take_budget

WRITERS = ("a-0", "b-0")
DAILY = BudgetLimit(BUDGET, NanoUSD(1_000_000), Window.DAY)
RELAXED = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def attempts(draw: st.DrawFn, request_id: str) -> list[Record]:
    """All that one attempt writes, in its order; it may end in no outcome."""
    budget = draw(st.sampled_from(["", BUDGET]))
    cost = draw(st.one_of(st.none(), st.integers(0, 5_000)))
    records: list[Record] = [intent(request_id, budget=budget, cost=cost)]
    seen = range(1, 1 + draw(st.integers(0, 2)))
    records.extend(progress(request_id, cost=100 * out, out=out) for out in seen)
    kind = draw(st.sampled_from([EntryKind.USAGE, EntryKind.RETRY]))
    match draw(st.sampled_from(["settled", "settled", "voided", "lost"])):
        case "settled":
            final = draw(st.one_of(st.none(), st.integers(0, 5_000)))
            steps = () if final is None else (0, 100, 900 - final, 0, 500, 0)
            named = draw(st.sampled_from([(), steps]))
            records.append(settled(request_id, kind=kind, cost=final, budget=budget, steps=named))
        case "voided":
            records.append(voided(request_id))
        case _:
            pass
    return records


@st.composite
def journals(draw: st.DrawFn) -> dict[str, list[list[Record]]]:
    """Segments of each writer: its attempts interleaved, cut anywhere."""
    journal = {}
    for writer in WRITERS:
        lanes = [draw(attempts(f"{writer}-{number}")) for number in range(draw(st.integers(0, 4)))]
        flow: list[Record] = []
        while any(lanes):
            lane = draw(st.sampled_from([lane for lane in lanes if lane]))
            flow.append(lane.pop(0))
        cuts = sorted(draw(st.lists(st.integers(0, len(flow)), max_size=3)))
        edges = [0, *cuts, len(flow)]
        journal[writer] = [flow[a:b] for a, b in pairwise(edges)]
    return journal


def contents(engine: Engine) -> list[tuple[Any, ...]]:
    columns = [ledger_entry.c[name] for name in ENTRY_COLUMNS if name != "reverses_entry"]
    with engine.connect() as connection:
        rows = connection.execute(select(*columns))
        return sorted((tuple(row) for row in rows), key=repr)


def assert_sound(engine: Engine) -> None:
    assert verify(engine).problems == []
    assert read_backlog(engine) == Backlog(open_attempts=0, alarms=0)


def take_in(ledger: Ledger, journal: dict[str, list[list[Record]]], writer: str) -> None:
    for number, records in enumerate(journal[writer]):
        ledger.commit(f"{writer}/{number}", 1, encoded(*records))


def begin(engine: Engine) -> Ledger:
    empty_tables(engine)
    clock = ManualClock()
    for writer in WRITERS:
        take_budget(LeaseStore(engine, clock), DAILY, holder=writer, want=50_000, at_least=1)
    return Ledger(engine, clock)


@RELAXED
@given(journal=journals(), data=st.data())
def test_any_part_again_changes_nothing(
    engine: Engine, journal: dict[str, list[list[Record]]], data: st.DataObject
) -> None:
    ledger = begin(engine)
    pairs = [(w, n) for w in WRITERS for n in range(len(journal[w]))]

    def replay_some(known: list[tuple[str, int]]) -> None:
        for writer, number in data.draw(st.lists(st.sampled_from(known), max_size=4)):
            segment = f"{writer}/{number}"
            ledger.forget_segment(segment)
            ledger.commit(segment, 1, encoded(*journal[writer][number]))

    for index, (writer, number) in enumerate(pairs):
        ledger.commit(f"{writer}/{number}", 1, encoded(*journal[writer][number]))
        replay_some(pairs[: index + 1])
    for writer in WRITERS:
        ledger.writer_finished(writer)
    before = contents(engine)
    replay_some(pairs)
    for writer in WRITERS:
        ledger.writer_finished(writer)
    assert contents(engine) == before
    assert_sound(engine)

    plain = begin(engine)
    for writer in WRITERS:
        take_in(plain, journal, writer)
        plain.writer_finished(writer)
    assert contents(engine) == before


@RELAXED
@given(journal=journals(), data=st.data())
def test_any_order_of_segments_gives_the_same_ledger(
    engine: Engine, journal: dict[str, list[list[Record]]], data: st.DataObject
) -> None:
    ledger = begin(engine)
    for writer in WRITERS:
        take_in(ledger, journal, writer)
        ledger.writer_finished(writer)
    expected = contents(engine)

    ledger = begin(engine)
    pairs = [(w, n) for w in WRITERS for n in range(len(journal[w]))]
    for writer, number in data.draw(st.permutations(pairs)):
        ledger.commit(f"{writer}/{number}", 1, encoded(*journal[writer][number]))
    for writer in WRITERS:
        ledger.writer_finished(writer)
    assert contents(engine) == expected
    assert_sound(engine)


@RELAXED
@given(journal=journals(), data=st.data())
def test_outcomes_after_their_attempt_was_closed_leave_the_same_sums(
    engine: Engine, journal: dict[str, list[list[Record]]], data: st.DataObject
) -> None:
    ledger = begin(engine)
    for writer in WRITERS:
        take_in(ledger, journal, writer)
        ledger.writer_finished(writer)
    expected = sums_of(engine, ended(journal))

    ledger = begin(engine)
    for writer in WRITERS:
        for number, records in enumerate(journal[writer]):
            ledger.commit(f"{writer}/{number}", 1, encoded(*records))
            if data.draw(st.booleans()):
                ledger.writer_finished(writer)
        ledger.writer_finished(writer)
    # Attempts without an outcome stay at whichever estimate was known when they were closed.
    assert sums_of(engine, ended(journal)) == expected
    before = contents(engine)
    for writer in WRITERS:
        for number in range(len(journal[writer])):
            ledger.forget_segment(f"{writer}/{number}")
        take_in(ledger, journal, writer)
        ledger.writer_finished(writer)
    assert contents(engine) == before
    assert_sound(engine)


def ended(journal: dict[str, list[list[Record]]]) -> set[str]:
    records = [r for segments in journal.values() for records in segments for r in records]
    settles = {r.facts.request_id for r in records if isinstance(r, Settled)}
    return settles | {r.request_id for r in records if isinstance(r, Voided)}


def sums_of(engine: Engine, request_ids: set[str]) -> dict[str, int]:
    """Cost and tokens of each of these requests, where they are not nothing."""
    sums: Counter[str] = Counter()
    for row in EntryReader(engine, EVERY_TENANT).export_rows():
        if row["request_id"] in request_ids:
            sums[row["request_id"]] += (row["cost"] or 0) + row["in_uncached"] * 1_000_000
    return {request_id: total for request_id, total in sums.items() if total}
