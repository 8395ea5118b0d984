from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from legato.journal.layout import list_writers

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROUNDS = 30

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


def start(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


@contextlib.contextmanager
def killed_after(process: subprocess.Popen[bytes], delay_s: float) -> Iterator[None]:
    """Run the body, then kill -9 at a random moment."""
    try:
        yield
        time.sleep(delay_s)
    finally:
        process.kill()


def start_writer(journal: Path, name: str) -> tuple[subprocess.Popen[bytes], list[bytes]]:
    writer = start("write_forever.py", journal, name)
    assert writer.stdout is not None
    return writer, [writer.stdout.readline()]


def last_taken(writer: subprocess.Popen[bytes], said: list[bytes]) -> int:
    assert writer.stdout is not None
    said += [line for line in writer.stdout.read().splitlines(keepends=True) if b"\n" in line]
    writer.stdout.close()
    writer.wait()
    return int(said[-1])


def ingest_rest(journal: Path, database: Path) -> sqlite3.Connection:
    process = start("ingest.py", journal, database, "once")
    process.communicate(timeout=300)  # a commit for each 20 frames, each on the disk
    assert process.returncode == 0
    return sqlite3.connect(database)


def assert_exact(ledger: sqlite3.Connection, taken: dict[str, int]) -> None:
    """Every record that was taken is there once, in order; at most one more per writer."""
    for writer, last in taken.items():
        query = "SELECT number FROM row WHERE writer = ? ORDER BY id"
        numbers = [number for (number,) in ledger.execute(query, (writer,))]
        assert numbers == list(range(len(numbers)))
        assert last + 1 <= len(numbers) <= last + 2
    finished = {writer for (writer,) in ledger.execute("SELECT writer FROM finished")}
    assert finished == set(taken)
    assert ledger.execute("SELECT * FROM progress").fetchall() == []
    assert ledger.execute("SELECT * FROM alarm").fetchall() == []


def test_what_a_killed_writer_was_told_is_written_stays_written(tmp_path: Path) -> None:
    dice = random.Random(1)
    taken = {}
    for number in range(ROUNDS):
        name = f"boot-{number}"
        writer, said = start_writer(tmp_path / "journal", name)
        with killed_after(writer, 0):
            deadline = time.perf_counter() + dice.uniform(0, 0.02)
            while time.perf_counter() < deadline:
                said.append(writer.stdout.readline())  # type: ignore[union-attr]
        taken[name] = last_taken(writer, said)
    assert_exact(ingest_rest(tmp_path / "journal", tmp_path / "ledger.db"), taken)
    assert list_writers(tmp_path / "journal") == []


def test_killed_ingesters_repeat_nothing_and_skip_nothing(tmp_path: Path) -> None:
    dice = random.Random(2)
    journal, database = tmp_path / "journal", tmp_path / "ledger.db"
    taken = {}
    for number in range(ROUNDS):
        name = f"boot-{number}"
        writer, said = start_writer(journal, name)
        ingester = start("ingest.py", journal, database, "forever")
        with killed_after(ingester, 0), killed_after(writer, 0):
            # Long enough for the ingester to be up in most rounds, not in all.
            deadline = time.perf_counter() + dice.uniform(0.05, 0.5)
            while time.perf_counter() < deadline:
                said.append(writer.stdout.readline())  # type: ignore[union-attr]
        taken[name] = last_taken(writer, said)
        ingester.communicate()
    assert_ingested_meanwhile(database)
    ledger = ingest_rest(journal, database)
    # A kill between closing orphans and removing the directory repeats `writer_finished`.
    assert_exact(ledger, taken)
    assert list_writers(journal) == []


def assert_ingested_meanwhile(database: Path) -> None:
    """Else the ingesters were killed before they did anything, and the test shows nothing."""
    with contextlib.closing(sqlite3.connect(database)) as ledger:
        assert ledger.execute("SELECT count(*) FROM row").fetchone()[0] > 0
