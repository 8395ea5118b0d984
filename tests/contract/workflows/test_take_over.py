"""A killed or sleeping executor's runs are finished by another; finished steps stay so."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from legato.core.durable import Run, RunState, Steps
from legato.workflows.engine import DurableEngine, EngineOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Place

PROGRAM = Path(__file__).parent / "executor_program.py"
WAIT_S = 20.0


class Executors:
    """Executors in processes of their own."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.folder = folder
        self._place = place
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self, name: str) -> None:
        command = [sys.executable, PROGRAM, self._place.url, self._place.schema]
        process = subprocess.Popen(
            [*map(str, command), self._place.beats_url, name, str(self.folder)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._running[name] = process
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"

    def start_run(self, name: str, run_id: str) -> None:
        (self.folder / f"start-{name}").write_text(run_id)

    def send(self, name: str, number: signal.Signals) -> None:
        self._running[name].send_signal(number)

    def stop(self, name: str) -> None:
        """Stop one, but not while it holds SQLite's write lock: that no other gets past."""
        self.send(name, signal.SIGSTOP)
        while not all(map(_is_writable, (self._place.url, self._place.beats_url))):
            self.send(name, signal.SIGCONT)
            time.sleep(0.05)
            self.send(name, signal.SIGSTOP)

    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []

    def end(self) -> None:
        for process in self._running.values():
            process.kill()
            process.communicate()


@pytest.fixture
def executors(place: Place, tmp_path: Path) -> Iterator[Executors]:
    executors = Executors(place, tmp_path)
    yield executors
    executors.end()


def _is_writable(url: str) -> bool:
    file = url.removeprefix("sqlite:///")
    if file == url:
        return True
    with closing(sqlite3.connect(file, timeout=0.5, isolation_level=None)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
    return True


def within(probe: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + WAIT_S
    while not (found := probe()) and time.monotonic() < until_s:
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_another_executor_finishes_what_one_began(
    executors: Executors, place: Place, number: signal.Signals
) -> None:
    a, b, run_id = f"a-{number.name}", f"b-{number.name}", f"run-{number.name}"
    executors.begin(a)
    executors.start_run(a, run_id)
    assert within(lambda: executors.log() == [f"{a} first x", f"{a} slow x"])
    executors.begin(b)
    time.sleep(1.0)
    assert len(executors.log()) == 2  # nobody takes a run from the living
    if number is signal.SIGSTOP:
        executors.stop(a)
    else:
        executors.send(a, number)
    assert within(lambda: len(executors.log()) == 3)
    (executors.folder / "go-on").touch()
    # the step that was cut is done again, the finished one is not
    assert executors.log() == [f"{a} first x", f"{a} slow x", f"{b} slow x"]
    assert within(lambda: outcome(place, run_id).state is RunState.DONE)
    recorded = outcome(place, run_id)
    assert recorded.result == [f"first x by {a}", f"slow x by {b}"]
    if number is signal.SIGSTOP:
        executors.send(a, signal.SIGCONT)
        time.sleep(1.5)
        assert outcome(place, run_id) == recorded  # whoever wakes too late changes nothing


def outcome(place: Place, run_id: str) -> Run:
    """Ask as a stranger who runs nothing."""
    options = EngineOptions(
        place.url, f"stranger-{time.monotonic()}", postgres_schema=f"{place.schema}_runs"
    )
    engine = DurableEngine(options, {"letters": _nothing})
    try:
        return engine.get(run_id)
    finally:
        engine.close()


def _nothing(_steps: Steps, _argument: object) -> None: ...
