"""Who lost a run writes nothing, and who sleeps in a transaction keeps nobody from taking it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from legato.core.errors import StorageUnavailable
from legato.storage.database.engine import open_engine, writing
from legato.storage.workflows.looking import RunLooking
from legato.storage.workflows.rows import DONE, Effect, RunEnd, RunRow, StepRow, Written
from legato.storage.workflows.runs import RunFilter
from legato.storage.workflows.work import RunWork, Turn

from .workflow_runs import Running, defined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from .conftest import Place

IDLE_S = 1.0
NOW_NS = 1_790_000_000_000_000_000
SOMETHING = defined(nodes=[{"kind": "set", "id": "one", "value": 1}])


@pytest.fixture
def database(place: Place) -> Iterator[Engine]:
    schema = place.schema if place.beats_url.startswith("postgres") else None
    engine = open_engine(place.beats_url, schema=schema, idle_s=IDLE_S)
    yield engine
    engine.dispose()


def taken(database: Engine, executor: str) -> RunRow:
    """A run that a process of this name has."""
    run_id = Running(database, None, None).start(SOMETHING)  # type: ignore[arg-type]
    (row,) = RunWork(database).begin([Turn("acme", run_id, 1, executor, NOW_NS)])
    assert row is not None
    return row


def test_those_that_begin_together_are_told_apart(database: Engine) -> None:
    running, work = Running(database, None, None), RunWork(database)  # type: ignore[arg-type]
    first, second, third = (running.start(SOMETHING) for _ in range(3))
    begun = work.begin(
        [
            Turn("acme", third, 1, "one", NOW_NS),
            Turn("acme", first, 2, "one", NOW_NS),  # it isn't at its second yet
            Turn("acme", "nowhere", 1, "one", NOW_NS),
            Turn("acme", second, 1, "two", NOW_NS),
        ]
    )
    assert [one and (one.id, one.executor, one.fence) for one in begun] == [
        (third, "one", 1), None, None, (second, "two", 1)
    ]  # fmt: skip


def written(run: RunRow, **what: object) -> Written:
    return Written(org=run.org, run_id=run.id, fence=run.fence, at_ns=NOW_NS, **what)  # type: ignore[arg-type]


def test_nothing_is_written_by_who_lost_a_run(database: Engine) -> None:
    run, work = taken(database, "sleeper"), RunWork(database)
    step = StepRow(node="one", state=DONE, started_at_ns=NOW_NS, ended_at_ns=NOW_NS)
    assert RunLooking(database).take_from(["sleeper"], NOW_NS) == 1
    did = []
    effect = Effect("one", "inside", did.append, lambda _: step)
    late = [
        written(run, steps=[step]),
        written(run, effects=[effect]),
        written(run, end=RunEnd(status=DONE, sealed_end=b"")),
        written(run, leave=0),
    ]
    assert [one.kept for one in work.write(late)] == [False] * 4
    assert did == [], "what belongs to a step isn't begun"
    assert work.recorded("acme", run.id).steps == []
    runs = Running(database, None, None).workflows.runs  # type: ignore[arg-type]
    assert runs.get(run.id).status == "queued"
    assert runs.count(RunFilter(status="done")) == 0


def test_who_sleeps_in_a_transaction_lets_go_of_its_runs(database: Engine, place: Place) -> None:
    if place.beats_url.startswith("sqlite"):
        pytest.skip("one server has an SQLite file: its lock goes with the process")
    run, waited_s = taken(database, "dreamer"), []
    slept = text("UPDATE workflow_run SET changed_at_ns = 1 WHERE id = :id")

    def dream() -> None:
        with writing(database) as sleeper:
            sleeper.execute(slept, {"id": run.id})
            began = time.monotonic()
            assert RunLooking(database).take_from(["dreamer"], NOW_NS) == 1
            waited_s.append(time.monotonic() - began)
            sleeper.execute(slept, {"id": run.id})

    with pytest.raises(StorageUnavailable):
        dream()
    assert IDLE_S / 2 < waited_s[0] < 4 * IDLE_S
