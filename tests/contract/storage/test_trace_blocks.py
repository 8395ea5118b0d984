"""Traces are kept in blocks: each is found again, once, however the journal comes."""

from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import Engine, func, select

from legato.core.clock import ManualClock
from legato.core.ids import IdSource
from legato.core.records import Served
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.retention import prune_traces
from legato.storage.tables.schema import trace_block

from .journal_records import AT_NS, encoded, served

SEGMENT = "w-0/00000001"
HOUR_NS = 3_600_000_000_000
Arrive = Callable[..., list[Served]]


@pytest.fixture
def ledger(engine: Engine, clock: ManualClock) -> Ledger:
    return Ledger(engine, clock)


@pytest.fixture
def reader(engine: Engine) -> EntryReader:
    return EntryReader(engine, EVERY_TENANT)


def blocks(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(trace_block)).scalar_one()


@pytest.fixture
def arrive(ids: IdSource, clock: ManualClock) -> Arrive:
    """Make requests that come a second apart, the first `after_s` from now."""

    def made(count: int, after_s: int = 0) -> list[Served]:
        clock.advance(after_s)
        found = []
        for _ in range(count):
            found.append(served(ids.new(), at_ns=clock.now_ns()))
            clock.advance(1)
        return found

    return made


def ids_of(reader: EntryReader) -> list[str]:
    return [row["request_id"] for row in reader.traces()]


def test_a_commit_is_one_block_and_each_of_its_requests_is_found(
    engine: Engine, ledger: Ledger, reader: EntryReader, arrive: Arrive
) -> None:
    made = arrive(40)
    for number in range(4):
        ledger.commit(SEGMENT, number + 1, encoded(*made[number::4]))
    assert blocks(engine) == 4
    for one in made:
        found = reader.trace(one.request_id)
        assert found is not None
        assert (found["request_id"], found["at_ns"]) == (one.request_id, one.at_ns)
    assert reader.trace(arrive(1)[0].request_id) is None
    assert reader.trace("no-id-of-ours") is None
    assert reader.count_traces() == 40
    assert sorted(ids_of(reader)) == [one.request_id for one in made]


def test_an_old_request_is_in_a_block_of_its_hour(
    engine: Engine, ledger: Ledger, reader: EntryReader, arrive: Arrive
) -> None:
    (began,) = arrive(1)
    (new,) = arrive(1, after_s=7_200)
    ledger.commit(SEGMENT, 1, encoded(new, began))
    assert blocks(engine) == 2
    assert ids_of(reader) == [began.request_id, new.request_id]
    assert prune_traces(engine, began.at_ns + 1) == 1
    assert reader.trace(began.request_id) is None
    assert reader.trace(new.request_id) is not None


@pytest.mark.parametrize("step", [1, 3, 4, 7, 12])
def test_a_segment_that_comes_again_in_other_pieces_adds_nothing(
    ledger: Ledger, reader: EntryReader, arrive: Arrive, step: int
) -> None:
    made = arrive(12)
    for end in range(4, 13, 4):
        ledger.commit(SEGMENT, end, encoded(*made[end - 4 : end]))
    before = list(reader.traces())
    ledger.forget_segment(SEGMENT)
    for start in range(0, 12, step):
        end = min(start + step, 12)
        ledger.commit(SEGMENT, end, encoded(*made[start:end]))
    assert list(reader.traces()) == before


def test_a_segment_that_comes_again_and_goes_on_adds_what_is_new(
    ledger: Ledger, reader: EntryReader, arrive: Arrive
) -> None:
    made = arrive(6)
    ledger.commit(SEGMENT, 4, encoded(*made[:4]))
    ledger.forget_segment(SEGMENT)
    ledger.commit(SEGMENT, 6, encoded(*made))
    assert ids_of(reader) == [one.request_id for one in made]


def test_since_narrows_within_a_block(ledger: Ledger, reader: EntryReader, arrive: Arrive) -> None:
    made = arrive(6)
    ledger.commit(SEGMENT, 1, encoded(*made))
    found = [row["request_id"] for row in reader.traces(made[3].at_ns)]
    assert found == [one.request_id for one in made[3:]]
    assert list(reader.traces(made[-1].at_ns + HOUR_NS)) == []
    assert made[0].at_ns == AT_NS


def test_a_trace_that_cannot_be_read_costs_the_others_nothing(
    ledger: Ledger, reader: EntryReader, arrive: Arrive
) -> None:
    good, bad = arrive(2)
    odd = msgspec.msgpack.encode(["r", bad.request_id, bad.at_ns, bad.org, 7])
    ledger.commit(SEGMENT, 1, [*encoded(good), odd])
    assert ids_of(reader) == [good.request_id]
    assert reader.trace(bad.request_id) is None


def test_a_block_is_of_one_organisation(
    engine: Engine, ledger: Ledger, reader: EntryReader, arrive: Arrive
) -> None:
    ours, theirs = arrive(2)
    theirs = msgspec.structs.replace(theirs, org="other")
    ledger.commit(SEGMENT, 1, encoded(ours, theirs))
    assert blocks(engine) == 2
    bound = EntryReader(engine, Tenant("other"))
    assert ids_of(bound) == [theirs.request_id]
    assert (bound.count_traces(), reader.count_traces()) == (1, 2)
    assert bound.trace(ours.request_id) is None
    assert bound.trace(theirs.request_id) is not None


def test_only_what_fits_is_shown_and_all_is_passed(
    ledger: Ledger, reader: EntryReader, arrive: Arrive
) -> None:
    some = arrive(5)
    ledger.commit(SEGMENT, 1, encoded(*some))
    wanted = {some[1].request_id, some[3].request_id}
    found = list(reader.newest_traces(None, None, lambda head: head.request_id in wanted))
    shown = [row["request_id"] for _, row in found if row is not None]
    assert shown == [some[3].request_id, some[1].request_id]
    assert [spot.passed for spot, _ in found] == [1, 2, 3, 4, 5, 0]
    behind_first = list(reader.newest_traces(found[1][0]))
    assert [row["request_id"] for _, row in behind_first if row is not None] == [
        one.request_id for one in reversed(some[:3])
    ]
