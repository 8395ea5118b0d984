"""Workers in processes of their own, and a book of what they did; see workflow_worker.py."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import text

from contract.workflows.workflow_runs import Running, defined
from legato.storage.database.engine import open_engine, writing
from legato.storage.migrate import upgrade
from legato.storage.workflows.runs import RunFilter

PROGRAM = Path(__file__).parent / "workflow_worker.py"
TESTS = Path(__file__).parents[2]
NODES = 3
"""Of each run, one after the other: each reaches outside, then writes."""
START_S = 150.0
WORK_S = 0.4
"""How long a step is outside."""


class Place(NamedTuple):
    runs_url: str
    engine_url: str
    schema: str


class Worker:
    """One process. What it logs goes to `log`."""

    def __init__(self, place: Place, folder: Path, number: int, work_s: float) -> None:
        self.log = folder / f"worker-{number}.log"
        path = os.pathsep.join([str(TESTS), *filter(None, sys.path)])
        with self.log.open("ab") as told:
            self._process = subprocess.Popen(
                [sys.executable, str(PROGRAM), *place, str(folder), str(work_s)],
                stdout=subprocess.DEVNULL,
                stderr=told,
                env={**os.environ, "PYTHONPATH": path},
            )
        self.pid = self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Working:
    """A database with runs, and the workers on it."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self._folder = place, folder
        schema = place.schema if place.runs_url.startswith("postgres") else None
        self.database = open_engine(place.runs_url, schema=schema, wait_s=30)
        upgrade(self.database)
        with writing(self.database) as connection:
            connection.execute(text("CREATE TABLE effect (step TEXT NOT NULL)"))
        self.runs = Running(self.database, None, None)  # type: ignore[arg-type]
        self.workers: list[Worker] = []
        self.ids: list[str] = []
        self.taken_over_s: list[float] = []
        """Of each run that a killed worker had, after how long another had it."""
        self._begun = 0
        nodes = [
            {"kind": "notify", "id": f"n{n}", "subject": "x", "text": "x",
             "after": [f"n{n - 1}"] if n else []}
            for n in range(NODES)
        ]  # fmt: skip
        self._definition = defined(nodes=nodes)

    # ------------------------------------------------------------------ workers

    def begin_worker(self, work_s: float = WORK_S) -> Worker:
        self._begun += 1
        self.workers.append(Worker(self.place, self._folder, self._begun, work_s))
        return self.workers[-1]

    def kill_one(self) -> None:
        """Kill one, and look from now on how long nobody has what it had."""
        worker = self.workers.pop(random.randrange(len(self.workers)))
        worker.kill()
        named = self._folder / f"executor-{worker.pid}"
        if named.exists():  # else it had nothing yet
            args = (named.read_text(), time.monotonic())
            threading.Thread(target=self._follow_takeover, args=args, daemon=True).start()

    def _follow_takeover(self, dead: str, since_s: float) -> None:
        """Note for each run of a dead worker when another has it; nobody else ends it."""
        mine = "SELECT id FROM workflow_run WHERE executor = :dead AND status = 'running'"
        theirs = "SELECT id FROM workflow_run WHERE executor <> :dead AND status <> 'queued'"
        with self.database.connect() as connection:
            left = set(connection.execute(text(mine), {"dead": dead}).scalars())
        while left:
            time.sleep(0.1)
            with self.database.connect() as connection:
                had = left & set(connection.execute(text(theirs), {"dead": dead}).scalars())
            self.taken_over_s += [time.monotonic() - since_s] * len(had)
            left -= had

    def stop(self, worker: Worker) -> None:
        """Stop one, but not while it holds SQLite's write lock: that no other gets past."""
        worker.send(signal.SIGSTOP)
        while not all(map(_is_writable, (self.place.runs_url, self.place.engine_url))):
            worker.send(signal.SIGCONT)
            time.sleep(0.05)
            worker.send(signal.SIGSTOP)

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.database.dispose()

    # --------------------------------------------------------------------- runs

    def start_run(self) -> str:
        self.ids.append(self.runs.start(self._definition))
        return self.ids[-1]

    def count(self, status: str) -> int:
        return self.runs.workflows.runs.count(RunFilter(status=status))

    def wait_until_all_are_done(self, within_s: float) -> None:
        until_s = time.monotonic() + within_s
        while self.count("done") < len(self.ids):
            rows = self.runs.workflows.runs.page(len(self.ids), None, RunFilter())
            assert time.monotonic() < until_s, Counter(one.status for one in rows)
            time.sleep(0.5)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """All rows of a table, in an order that doesn't change."""
        with self.database.connect() as connection:
            found = connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - our names
            return sorted((tuple(row) for row in found), key=repr)

    # ------------------------------------------------------------------ the book

    def outside(self) -> Counter[str]:
        """How often each idempotency key was used outside."""
        files = self._folder.glob("outside-*")
        return Counter(line for file in files for line in file.read_text().splitlines())

    def check_nothing_is_lost_or_twice(self) -> int:
        """Every step reached outside under its own key and wrote once; return the repetitions."""
        outside = self.outside()
        with self.database.connect() as connection:
            inside = Counter(connection.execute(text("SELECT step FROM effect")).scalars())
        expected = {f"{one}/n{n}" for one in self.ids for n in range(NODES)}
        assert set(inside) == {f"{one}/inside" for one in expected}
        assert set(inside.values()) == {1}
        assert set(outside) == {f"{one}/outside" for one in expected}
        return sum(outside.values()) - len(outside)


def within(seconds: float, probe: Any) -> bool:
    until_s = time.monotonic() + seconds
    while not (found := bool(probe())) and time.monotonic() < until_s:
        time.sleep(0.05)
    return found


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
