"""Closed periods never change, on either database."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, select, text

from legato.accounting.books import Books
from legato.audit.acting import acting_as
from legato.audit.event import Actor
from legato.core.clock import ManualClock
from legato.core.errors import Conflict, Forbidden, InvalidRequest, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.records import EntryKind, Record
from legato.core.tenant import Tenant
from legato.economics.fiscal import Calendar
from legato.storage.accounting.corrections import Corrections, Wanted
from legato.storage.accounting.periods import PeriodStore, changed_periods
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.verify import Problem, verify
from legato.storage.tables.schema import ledger_entry

from .journal_records import AT_NS, BUDGET, encoded, intent, settled

ACME = Tenant("acme")
NOVEMBER, DECEMBER = "2023-11", "2023-12"


class World:
    """One organisation's books, and the ledger they are of."""

    def __init__(self, engine: Engine, clock: ManualClock, ids: IdSource) -> None:
        self.engine, self.clock = engine, clock
        self.ledger = Ledger(engine, clock)
        self.store = PeriodStore(engine, clock, ACME)
        self.books = Books(self.store, clock)
        self.corrections = Corrections(engine, clock, ids, ACME)
        self._offset = 0

    def post(self, *records: Record) -> None:
        self._offset += 1
        self.ledger.commit("w-0/1", self._offset, encoded(*records))

    def rows(self) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            found = connection.execute(select(ledger_entry).order_by(ledger_entry.c.id))
            return [dict(row) for row in found.mappings()]

    def problems(self) -> list[Problem]:
        return verify(self.engine, changed_periods).problems

    def into_december(self) -> None:
        self.clock.advance(20 * 86_400)


@pytest.fixture
def world(engine: Engine, clock: ManualClock, ids: IdSource) -> World:
    return World(engine, clock, ids)


def correction(entry_id: int, cost: int = 700) -> Wanted:
    return Wanted(entry_id=entry_id, cost=cost, reason="the vendor's price was wrong")


def test_a_closed_month_takes_no_entry_and_hashes_the_same(world: World) -> None:
    world.post(settled("r1"), settled("r2", org="other"))
    world.into_december()
    assert [one.period.name for one in world.books.periods()] == [NOVEMBER, DECEMBER]
    closed = world.books.close(NOVEMBER)
    assert (closed.sums.entries, closed.sums.cost) == (1, 500)
    world.post(settled("r3", cost=11), settled("r4", org="other"))
    foreign, late = world.rows()[2:]
    assert (late["period"], late["original_at_ns"]) == (DECEMBER, AT_NS)
    assert late["at_ns"] == world.clock.now_ns()
    assert (foreign["period"], foreign["original_at_ns"]) == (NOVEMBER, None)
    assert world.books.verify(NOVEMBER) == (closed.sums, "")
    assert world.problems() == []
    with pytest.raises(Conflict, match="is closed"):
        world.books.close(NOVEMBER)


def test_a_late_outcome_goes_into_the_open_month_and_once_only(world: World) -> None:
    world.post(intent("r1", budget=BUDGET))
    world.ledger.writer_finished("w-0")
    world.into_december()
    with pytest.raises(Conflict, match=r"1 provisional \(first: entry"):
        world.books.close(NOVEMBER)
    with pytest.raises(InvalidRequest, match="no alarms"):
        world.books.close(NOVEMBER, {"provisional": "lost", "alarms": "none"})
    closed = world.books.close(NOVEMBER, {"provisional": "the node burnt down"})
    assert closed.accepted == {"provisional": "the node burnt down"}
    for _ in range(2):
        world.post(settled("r1", budget=BUDGET))
    assert [(row["kind"], row["period"]) for row in world.rows()] == [
        ("usage", NOVEMBER), ("correction", DECEMBER), ("usage", DECEMBER),
    ]  # fmt: skip
    assert world.books.verify(NOVEMBER)[1] == ""
    assert world.problems() == []


def test_attempts_of_a_dead_writer_go_into_the_open_month(world: World) -> None:
    world.post(intent("r1"), settled("r2"))
    world.into_december()
    with pytest.raises(Conflict, match="1 open_attempts"):
        world.books.close(NOVEMBER)
    world.books.close(NOVEMBER, {"open_attempts": "a worker hangs"})
    world.ledger.writer_finished("w-0")
    lost = world.rows()[1]
    assert (lost["provisional"], lost["period"], lost["original_at_ns"]) == (True, DECEMBER, AT_NS)
    assert world.books.verify(NOVEMBER)[1] == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE ledger_entry SET cost = cost + 1 WHERE request_id = 'r2'", "was changed"),
        ("DELETE FROM ledger_entry WHERE request_id = 'r2'", "1 entries where 2"),
        ("UPDATE ledger_entry SET at_ns = at_ns + 1 WHERE request_id = 'r1'", "was changed"),
        ("UPDATE accounting_period SET root = root || '0'", "was changed"),
    ],
)
def test_what_is_changed_behind_our_back_is_found(world: World, change: str, told: str) -> None:
    world.post(settled("r1"), settled("r2"))
    world.into_december()
    world.books.close(NOVEMBER)
    with world.engine.begin() as connection:
        connection.execute(text(change))
    assert told in world.books.verify(NOVEMBER)[1]
    (problem,) = [p for p in world.problems() if "period" in p.where]
    assert told in problem.what


def test_a_root_that_was_replaced_beside_its_entries_isnt_that_of_the_log(world: World) -> None:
    world.post(settled("r1"))
    world.into_december()
    world.books.close(NOVEMBER)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE ledger_entry SET cost = 1"))
    found, _ = world.books.verify(NOVEMBER)
    with world.engine.begin() as connection:
        forged = text("UPDATE accounting_period SET root = :root, cost = 1")
        connection.execute(forged, {"root": found.root})
    assert [p.what for p in world.problems() if "period" in p.where] == [
        "a closed period isn't as it was: the audit log doesn't have it so"
    ]


def test_periods_close_in_their_order_and_when_they_are_over(world: World) -> None:
    world.post(settled("r1"))
    with pytest.raises(Conflict, match="isn't over"):
        world.books.close(NOVEMBER)
    world.clock.advance(60 * 86_400)
    with pytest.raises(Conflict, match="one before it has entries"):
        world.books.close(DECEMBER)
    world.books.close(NOVEMBER)
    assert world.books.close(DECEMBER).sums.entries == 0
    with pytest.raises(NotFound, match="as 2024-01"):
        world.books.close("soon")


def test_a_closing_that_was_cut_off_is_finished(world: World) -> None:
    world.post(settled("r1"))
    world.into_december()
    world.store.begin_closing(world.books.find(NOVEMBER).period, {}, 500)
    world.post(settled("r2"))
    assert world.rows()[1]["period"] == DECEMBER
    assert world.books.find(NOVEMBER).state == "closing"
    assert world.books.close(NOVEMBER).sums.entries == 1
    assert world.books.verify(NOVEMBER)[1] == ""


def test_a_calendar_changes_from_the_last_closed_period_on(world: World) -> None:
    world.post(settled("r1"))
    world.into_december()
    closed = world.books.close(NOVEMBER)
    weeks = Calendar(pattern="4-4-5", zone="Europe/Berlin")
    terms = world.books.set_terms(msgspec.structs.replace(world.books.terms(), calendar=weeks))
    with pytest.raises(PreconditionFailed):
        world.books.set_terms(msgspec.structs.replace(terms, version=1))
    first, second = world.books.periods()
    assert first.closed == closed
    assert second.period.start_ns == closed.end_ns
    assert second.period.name == "FY2023-P12"


def test_an_entry_is_corrected_by_reversal_and_replacement(world: World) -> None:
    world.post(settled("r1", budget=BUDGET), settled("r2", cost=None))
    first = world.rows()[0]["id"]
    world.corrections.correct(correction(first))
    with pytest.raises(Conflict, match="correct what replaced"):
        world.corrections.correct(correction(first))
    found = world.rows()
    assert [row["cost"] for row in found] == [500, None, -500, 700]
    assert found[2]["reverses_entry"] == found[0]["id"]
    again = world.corrections.correct(correction(found[3]["id"], cost=800))
    assert (again.state, again.replacement_id) == ("posted", world.rows()[5]["id"])
    world.corrections.correct(correction(found[1]["id"], cost=5))
    assert sum(row["cost"] or 0 for row in world.rows()) == 805
    assert world.problems() == []
    with pytest.raises(Conflict, match="itself"):
        world.corrections.correct(correction(found[2]["id"]))


def test_what_is_corrected_is_the_organisations_own_and_costs_nothing_or_more(world: World) -> None:
    world.post(settled("r1", org="other"), settled("r2"))
    foreign, own = (row["id"] for row in world.rows())
    with pytest.raises(NotFound):
        world.corrections.correct(correction(foreign))
    with pytest.raises(InvalidRequest, match="costs nothing or more"):
        world.corrections.correct(correction(own, cost=-1))
    with pytest.raises(InvalidRequest, match="say why"):
        world.corrections.correct(Wanted(entry_id=own, cost=1, reason=" "))


def test_a_correction_of_a_closed_month_goes_into_the_open_one(world: World) -> None:
    world.post(settled("r1"))
    world.into_december()
    world.books.close(NOVEMBER)
    world.corrections.correct(correction(world.rows()[0]["id"]))
    posted = [(row["period"], row["original_at_ns"]) for row in world.rows()[1:]]
    assert posted == [(DECEMBER, AT_NS)] * 2
    assert world.books.verify(NOVEMBER)[1] == ""


def test_an_outcome_after_a_correction_by_hand_changes_nothing(world: World) -> None:
    world.post(intent("r1"))
    world.ledger.writer_finished("w-0")
    world.corrections.correct(correction(world.rows()[0]["id"]))
    world.post(settled("r1", kind=EntryKind.RETRY))
    assert sum(row["cost"] for row in world.rows()) == 700


def test_with_four_eyes_another_person_approves(world: World) -> None:
    world.books.set_terms(msgspec.structs.replace(world.books.terms(), four_eyes=True))
    world.post(settled("r1"), settled("r2"))
    first, second = (row["id"] for row in world.rows())
    with acting_as(Actor("account", "ann")):
        asked, other = world.corrections.correct_all([correction(first), correction(second)])
        assert asked.state == "asked"
        with pytest.raises(Conflict, match="waits"):
            world.corrections.correct(correction(first))
        with pytest.raises(Forbidden):
            world.corrections.decide(asked.id, approve=True)
    assert len(world.rows()) == 2
    with acting_as(Actor("account", "bob")):
        assert world.corrections.decide(asked.id, approve=True).state == "posted"
        assert world.corrections.decide(other.id, approve=False).state == "refused"
        with pytest.raises(Conflict, match="posted already"):
            world.corrections.decide(asked.id, approve=True)
    assert sum(row["cost"] for row in world.rows()) == 700 + 500
    assert [one.state for one in world.corrections.page(10)] == ["refused", "posted"]
