"""What the engine makes of a database in trouble: it keeps its pace, and other people's secrets.

The engine's queue loop polls ever more slowly, up to two minutes apart, where it takes a failure
for contention. A lock must not be one: nothing here may outlast it by more than a few polls.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from legato.core.durable import RunState, Steps
from legato.workflows.engine import DurableEngine, EngineOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUEUE = "tests"
POLL_S = 0.2
LOCKED_S = 1.5
PACE_S = 2.0
"""From the start of a run to its end: some polls, two steps, and a machine that is busy."""


def _two(steps: Steps, argument: str) -> list[str]:
    return [steps.do(name, lambda: argument) for name in ("first", "second")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "workflows.db"


@pytest.fixture
def engine(file: Path) -> Iterator[DurableEngine]:
    options = EngineOptions(f"sqlite:///{file}", "one", {QUEUE: 2}, poll_s=POLL_S)
    engine = DurableEngine(options, {"two": _two})
    yield engine
    engine.close()


def took_s(engine: DurableEngine, run_id: str, since_s: float) -> float:
    """Return how long after `since_s` a run is done."""
    while engine.get(run_id).state is not RunState.DONE:
        assert time.monotonic() < since_s + 20, engine.get(run_id)
        time.sleep(0.01)
    return time.monotonic() - since_s


def test_a_queue_keeps_its_pace_through_a_lock(engine: DurableEngine, file: Path) -> None:
    engine.start("two", "before", "x", QUEUE)
    took_s(engine, "before", time.monotonic())
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        for number in range(3):
            engine.start("two", f"waiting-{number}", "x", QUEUE)  # two are claimed, one waits
        other.execute("BEGIN IMMEDIATE")
        time.sleep(LOCKED_S)
        assert engine.get("waiting-2").state is not RunState.DONE
        released_s = time.monotonic()
        other.execute("ROLLBACK")
    assert max(took_s(engine, f"waiting-{n}", released_s) for n in range(3)) < PACE_S
    for number in range(3):
        began_s = time.monotonic()
        engine.start("two", f"after-{number}", "x", QUEUE)
        assert took_s(engine, f"after-{number}", began_s) < PACE_S


def test_what_a_run_is_given_is_not_in_the_databases_errors(
    engine: DurableEngine, file: Path
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("ALTER TABLE workflow_input RENAME TO gone")
        with pytest.raises(OperationalError) as failed:
            engine.start("two", "one", "peregrination", QUEUE)
        other.execute("ALTER TABLE gone RENAME TO workflow_input")
    assert "workflow_input" in str(failed.value)
    assert "peregrination" not in str(failed.value)
