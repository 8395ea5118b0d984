"""Eight processes spend beside each other and are killed, the store of leases is wiped.

Nothing is spent beyond a budget, by the provider's own count, and the ledger has all of it.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text
from tests.redis_server import PROGRAM, RedisServer

from legato.core.leases import LimitKind
from legato.storage.database.engine import open_engine
from legato.storage.ledger.verify import verify
from legato.storage.limits.redis.books import LeaseBooks
from legato.storage.limits.redis.link import Link
from legato.storage.migrate import upgrade
from legato.storage.tables.schema import ledger_entry, limit_window

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1_800)]

HERE = Path(__file__).parent
SOURCE = HERE.parents[2] / "src"
POSTGRES = os.environ.get("LEGATO_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
CALLS = int(os.environ.get("LEGATO_TEST_CALLS", "500"))
"""Of each process; 10,000 is the full size, and takes some minutes."""
PROCESSES = 8
KILLS = 40 if CALLS >= 10_000 else 8
WIPES = 10 if CALLS >= 10_000 else 2
BUDGETS = 3
SHARE_SPENT = 0.5
"""The budgets have room for so much of what would be spent without them."""


class Fleet:
    """Spenders and their keeper, started again when they are killed."""

    def __init__(self, folder: Path, terms: dict[str, Any]) -> None:
        self.folder, self.terms = folder, terms
        (folder / "terms.json").write_text(json.dumps(terms))
        (folder / "journal").mkdir()
        self.lives: Counter[int] = Counter()
        self.spenders: dict[int, subprocess.Popen[str]] = {}
        self.told: list[dict[str, float]] = []
        self.keeper = self._start("keeper.py")

    def _start(self, program: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(HERE / program), str(self.folder / "terms.json"), *words],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            text=True,
        )

    def done(self, who: int) -> int:
        file = self.folder / f"progress-{who}"
        raw = file.read_bytes() if file.exists() else b""
        return int(struct.unpack("<q", raw)[0]) if len(raw) == 8 else 0

    def start_missing(self) -> None:
        for who in range(PROCESSES):
            child = self.spenders.get(who)
            if child is not None and child.poll() == 0:
                if child.stdout is not None and not child.stdout.closed:
                    self.told.append(json.loads(child.communicate()[0]))
                continue
            if child is None or child.poll() is not None:
                self._bury(child)
                self.lives[who] += 1
                words = (f"{who}-{self.lives[who]}", str(self.done(who)), str(CALLS))
                self.spenders[who] = self._start("spender.py", *words)
        if self.keeper.poll() is not None:
            self._bury(self.keeper)
            self.keeper = self._start("keeper.py")

    @staticmethod
    def _bury(child: subprocess.Popen[str] | None) -> None:
        if child is not None and child.stdout is not None:
            child.stdout.close()

    @property
    def is_over(self) -> bool:
        return len(self.told) == PROCESSES

    def calls_done(self) -> int:
        return sum(self.done(who) for who in range(PROCESSES))

    def kill_one(self, dice: random.Random) -> None:
        running = [child for child in self.spenders.values() if child.poll() is None]
        victim = self.keeper if dice.random() < 0.25 or not running else dice.choice(running)
        victim.kill()
        victim.wait()

    def end(self) -> None:
        for child in (*self.spenders.values(), self.keeper):
            child.send_signal(signal.SIGTERM)
            child.wait(60)
            self._bury(child)

    def drained(self) -> bool:
        return not list((self.folder / "journal").glob("*/0*"))

    def spent(self) -> Counter[int]:
        """What the provider says, by budget."""
        found: Counter[int] = Counter()
        for file in self.folder.glob("book-*"):
            for at, cost in struct.iter_unpack("<qq", file.read_bytes()):
                found[at] += cost
        return found


@pytest.fixture
def schema() -> Iterator[str]:
    name = f"legato_{secrets.token_hex(6)}"
    admin = open_engine(POSTGRES)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    yield name
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    admin.dispose()


@pytest.mark.parametrize("store", ["postgres", "redis"])
def test_nothing_is_spent_beyond_a_budget(
    store: str, schema: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if store == "redis" and PROGRAM is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    server = RedisServer(tmp_path / "redis")
    if store == "redis":
        server.start()
    engine = open_engine(POSTGRES, schema=schema)
    upgrade(engine)
    expected = PROCESSES * CALLS / BUDGETS * 375
    terms = {
        "database": POSTGRES,
        "schema": schema,
        "redis": server.url if store == "redis" else "",
        "journal": str(tmp_path / "journal"),
        "limits": [int(expected * SHARE_SPENT * part) for part in (0.6, 1.0, 1.4)],
    }
    fleet, dice = Fleet(tmp_path, terms), random.Random(7)
    started_s = time.monotonic()
    try:
        looks = harass(fleet, server if store == "redis" else None, engine, dice)
        took_s = time.monotonic() - started_s
        until = time.monotonic() + 120
        while not fleet.drained():
            assert time.monotonic() < until, "the journal isn't read to its end"
            fleet.start_missing()
            time.sleep(0.1)
    finally:
        fleet.end()
        server.kill()
    report = verify(engine)
    assert report.problems == []
    spent, entered = fleet.spent(), sums(engine)
    for at, limit in enumerate(terms["limits"]):
        assert spent[at] <= entered[at] <= limit, at
        assert entered[at] > 0.95 * limit, "the budget was never near its end"
    assert sum(one["refused"] for one in fleet.told) > 0
    refills = sum(one["refills"] for one in fleet.told)
    each_ms = 1_000 * sum(one["refill_s"] for one in fleet.told) / max(1, refills)
    with capsys.disabled():
        over = sum(max(0, spent[at] - limit) for at, limit in enumerate(terms["limits"]))
        lives = sum(fleet.lives.values())
        print(  # noqa: T201 - the figures are what one runs it for
            f"\n{store}: {PROCESSES} x {CALLS} calls, {took_s:.0f} s, {lives - PROCESSES} spenders "
            f"killed, {looks} looks, spent {sum(spent.values())} and entered "
            f"{sum(entered.values())} of {sum(terms['limits'])}, over {over}; {refills} questions "
            f"by those who lived to the end, {each_ms:.2f} ms each"
        )
    engine.dispose()


def harass(fleet: Fleet, server: RedisServer | None, engine: Any, dice: random.Random) -> int:
    """Kill and wipe as calls are made; return how often all was looked at meanwhile."""
    total = PROCESSES * CALLS
    kills = sorted(dice.sample(range(total // 20, total * 9 // 10), KILLS))
    wipes = sorted(dice.sample(range(total // 10, total * 8 // 10), WIPES))
    looks, restarts = 0, 0
    while not fleet.is_over:
        fleet.start_missing()
        done = fleet.calls_done()
        if kills and done >= kills[0]:
            kills.pop(0)
            fleet.kill_one(dice)
        if server is not None and wipes and done >= wipes[0]:
            wipes.pop(0)
            restarts += 1
            if restarts % 2:
                server.wipe()
            else:
                server.kill()
                time.sleep(0.5)
                server.start()
            fleet.kill_one(dice)  # who dies with the store can't say what he had
        looks += look(fleet, server, engine)
        time.sleep(0.02)
    assert not kills
    assert not wipes or server is None
    return looks


def look(fleet: Fleet, server: RedisServer | None, engine: Any) -> bool:
    """Assert that no counter is beyond its limit, as anyone sees it now."""
    limits = {f"key:b{at}": limit for at, limit in enumerate(fleet.terms["limits"])}
    with engine.connect() as connection:
        for row in connection.execute(select(limit_window)):
            assert row.settled + row.leased <= limits[row.limit_id]
    if server is None:
        return True
    base = f"{{chaos:{LeaseBooks(engine).store_id()}}}"
    link = Link(server.terms)
    try:
        link.open()
        epoch, is_open = link.command("HMGET", f"{base}:epoch", "id", "open")
        for limit_id, limit in limits.items():
            kind = LimitKind.BUDGET.value
            key = f"{base}:{epoch}:w:{kind}|total|0|{2**63 - 1}|{limit_id}"
            level = link.command("HMGET", key, "settled", "aside", "out")
            assert sum(int(part or 0) for part in level) <= limit
    finally:
        link.close()
    return bool(is_open == "1")


def sums(engine: Any) -> Counter[int]:
    """What the ledger says, by budget."""
    found: Counter[int] = Counter()
    columns = ledger_entry.c
    with engine.connect() as connection:
        for row in connection.execute(select(columns.budget_id, columns.cost)):
            found[int(row.budget_id.removeprefix("key:b"))] += row.cost
    return found
