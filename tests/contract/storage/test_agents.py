"""Notes of agents and calibrations, on both databases."""

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.erasure import Subject
from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.judging.confidence_fit import ConfidenceFit
from legato.storage.agents.calibrations import Calibrations
from legato.storage.agents.notes import AgentNotes, Note, Shelf, prune_agent_notes
from legato.storage.database.engine import writing
from legato.storage.erasing import ContentEraser, Meant
from legato.storage.erasures import ErasureStore

ACME, OTHER = Tenant("acme"), Tenant("other")
SHELF = Shelf("triage", "user", "digest")


class Desk:
    def __init__(self, engine: Engine, clock: ManualClock, ids: IdSource) -> None:
        self.engine, self.clock, self.ids = engine, clock, ids
        self.notes = AgentNotes(engine, ACME)

    def note(self, once: str, *, run_id: str = "", user: str = "u", entries_max: int = 5) -> bool:
        self.clock.advance(1e-6)
        now_ns = self.clock.now_ns()
        note = Note(
            once=once, run_id=run_id or self.ids.new(), end_user=user, at_ns=now_ns,
            expires_at_ns=now_ns + 1_000_000_000, sealed=once.encode(),
        )  # fmt: skip
        with writing(self.engine) as connection:
            return self.notes.add(connection, SHELF, note, entries_max)

    def texts(self) -> list[bytes]:
        return [sealed for _, sealed in self.notes.on(SHELF, self.clock.now_ns(), 50)]


@pytest.fixture
def desk(engine: Engine, clock: ManualClock, ids: IdSource) -> Desk:
    return Desk(engine, clock, ids)


def test_a_step_notes_once_and_the_oldest_go(desk: Desk) -> None:
    assert desk.note("r/a/1")
    assert not desk.note("r/a/1")
    for number in range(2, 8):
        desk.note(f"r/a/{number}")
    assert desk.texts() == [f"r/a/{number}".encode() for number in range(3, 8)]
    assert AgentNotes(desk.engine, OTHER).on(SHELF, desk.clock.now_ns(), 50) == []


def test_a_note_has_its_time(desk: Desk) -> None:
    desk.note("r/a/1")
    now_ns = desk.clock.now_ns()
    assert desk.notes.on(SHELF, now_ns + 1_000_000_000, 50) == []
    assert prune_agent_notes(desk.engine, now_ns + 1_000_000_000) == 0
    assert prune_agent_notes(desk.engine, now_ns + 1_000_000_001) == 1


def test_what_is_erased_is_gone_and_runs_begun_before_write_no_more(desk: Desk) -> None:
    before = desk.ids.new()
    desk.note("r/a/1", run_id=before)
    desk.note("r/b/1", user="other")
    desk.clock.advance(1.0)
    ErasureStore(desk.engine, desk.clock, desk.ids, ACME).begin(Subject(user="u"), "ann")
    meant = Meant(set(), "u")
    assert ContentEraser(desk.engine, ACME, dry_run=True).agent_notes(meant) == 1
    assert ContentEraser(desk.engine, ACME).agent_notes(meant) == 1
    assert not desk.note("r/a/2", run_id=before)


def test_a_calibration_takes_the_place_of_the_one_before(desk: Desk) -> None:
    kept = Calibrations(desk.engine, desk.clock, ACME)
    fit = ConfidenceFit(
        form="platt", knots=((0.0, 0.1), (1.0, 0.7)), items=100, correct=60, ece_stated=0.2,
        ece=0.02, brier_stated=0.3, brier=0.2, told="better",
    )  # fmt: skip
    with pytest.raises(NotFound, match="legato workflow calibrate"):
        kept.get("mail")
    kept.put("mail", fit, "key:ann")
    kept.put("mail", fit, "key:bob")
    assert [(one.author, one.fit) for one in kept.all()] == [("key:bob", fit)]
    assert Calibrations(desk.engine, desk.clock, OTHER).all() == []
