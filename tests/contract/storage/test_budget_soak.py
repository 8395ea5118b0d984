"""Eight processes against shared budgets, killed among it: nothing is ever overspent.

`LEGATO_BUDGET_REQUESTS` is how many requests each makes; the full size is 10,000.
"""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

from legato.app.processes.ledger_process import LedgerSink
from legato.core.leases import LEDGERED
from legato.journal.ingester import Ingester, IngesterOptions
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.verify import verify
from legato.storage.tables.schema import ledger_entry, limit_window, open_intent

from .spender import budgets_for

HERE = Path(__file__).parent
SOURCE = HERE.parents[2] / "src"
PROCESSES = 8
REQUESTS = int(os.environ.get("LEGATO_BUDGET_REQUESTS", "1000"))
KILLS = 6
GROWN_S = 2.0
"""So long a process has been spending before it may be killed."""
ALL = PROCESSES * REQUESTS
LIMITS = {budget.counter({"user": ""}).id.partition("/")[0]: budget for budget in budgets_for(ALL)}

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1_800)]


def overspent(engine: Engine) -> list[str]:
    """Return the hard limits that any reader sees passed at this moment."""
    table = limit_window.c
    total = func.sum(table.settled + table.leased).label("taken")
    with engine.connect() as connection:
        rows = connection.execute(select(table.limit_id, total).group_by(table.limit_id)).all()
    found = [(row.limit_id, int(row.taken), LIMITS[row.limit_id.partition("/")[0]]) for row in rows]
    return [f"{name} {taken}" for name, taken, one in found if one.hard and taken > one.limit]


def start(engine: Engine, folder: Path, holder: str) -> "subprocess.Popen[str]":
    url = engine.url.set(drivername=engine.url.get_backend_name()).render_as_string(False)
    schema = ""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            schema = str(connection.execute(text("SELECT current_schema()")).scalar())
    given = [url, schema, str(folder), holder, str(REQUESTS), str(ALL)]
    return subprocess.Popen(
        [sys.executable, str(HERE / "spender.py"), *given],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Crowd:
    """Processes that spend; some are killed, and others take their places."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder, self.dice = engine, folder, random.Random(1)
        self.children: dict[int, subprocess.Popen[str]] = {}
        self.journal: dict[int, Path] = {}
        self.killed = self.passed = self.refused = 0
        self.next_kill_s = time.monotonic() + GROWN_S
        for n in range(PROCESSES):
            self.begin(n)

    def begin(self, n: int) -> None:
        holder = f"w-{n}-{self.killed}"
        self.children[n] = start(self.engine, self.folder, holder)
        self.journal[n] = self.folder / holder

    def kill_one(self) -> None:
        grown = [n for n in sorted(self.children) if self.spends(n)]
        if self.killed == KILLS or time.monotonic() < self.next_kill_s or not grown:
            return
        n = self.dice.choice(grown)
        self.children[n].kill()
        self.children[n].communicate()
        self.killed += 1
        self.next_kill_s = time.monotonic() + self.dice.uniform(0.2, 1.5)
        self.begin(n)

    def spends(self, n: int) -> bool:
        """Whether a process has been writing its journal for a while."""
        folder = self.journal[n]
        return folder.is_dir() and time.time() - folder.stat().st_ctime > GROWN_S

    def hear(self) -> None:
        for n, child in list(self.children.items()):
            if child.poll() is not None:
                out, error = child.communicate()
                assert child.returncode == 0, error
                passed, refused = (int(word) for word in out.split())
                self.passed, self.refused = self.passed + passed, self.refused + refused
                del self.children[n]

    def end(self) -> None:
        for child in self.children.values():
            child.kill()


def test_no_budget_is_overspent_whoever_is_killed(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir()
    sink, options = LedgerSink(Ledger(engine)), IngesterOptions(poll_s=0.05)
    ingester = Ingester(folder, sink, lambda alarm: pytest.fail(str(alarm)), options)
    stop = threading.Event()
    ingesting = threading.Thread(target=ingester.run, args=(stop,))
    ingesting.start()
    began_s, wrong, looks = time.monotonic(), set[str](), 0
    crowd = Crowd(engine, folder)
    try:
        while crowd.children:
            looks += 1
            wrong.update(overspent(engine))
            crowd.kill_one()
            crowd.hear()
            time.sleep(0.05)
        while _open(engine, folder):
            time.sleep(0.1)
    finally:
        crowd.end()
        stop.set()
        ingesting.join()
        ingester.close()
    assert wrong == set()
    assert overspent(engine) == []
    assert verify(engine).problems == []
    entries, unknown, leased = figures(engine)
    assert not leased, "all leases of dead writers came back"
    sys.stderr.write(
        f"\n{engine.dialect.name}: {PROCESSES} processes of {REQUESTS}, {crowd.killed} kill -9, "
        f"{crowd.passed} let through and {crowd.refused} refused by those who lived, {entries} "
        f"entries, {unknown} orphans, {looks} looks, overspend 0, "
        f"{time.monotonic() - began_s:.0f} s\n"
    )
    assert crowd.refused
    assert crowd.passed


def figures(engine: Engine) -> tuple[int, int, int]:
    """Return the entries, those of orphans, and what is leased of what the ledger counts."""
    table, kinds = limit_window.c, [kind.value for kind in LEDGERED]
    unknown = func.count().filter(ledger_entry.c.usage_source == "unknown")
    left = select(func.sum(table.leased)).where(table.kind.in_(kinds))
    with engine.connect() as connection:
        row = connection.execute(select(func.count(), unknown).select_from(ledger_entry)).one()
        return int(row[0]), int(row[1]), int(connection.execute(left).scalar() or 0)


def _open(engine: Engine, folder: Path) -> bool:
    """Whether journals are left, or attempts that nobody ended."""
    with engine.connect() as connection:
        opened = connection.execute(select(func.count()).select_from(open_intent)).scalar()
    return bool(opened) or any(path.is_dir() and "w-" in path.name for path in folder.iterdir())
