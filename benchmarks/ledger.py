"""What a request costs the ledger process: intent + settled + served, in CPU microseconds.

    python benchmarks/ledger.py [requests] [sqlite | postgresql://...]

CPU is that of this process; a Postgres server's own is not in it.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine, text

from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.leases import Limit, LimitKind, Wish
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Window
from legato.core.records import EntryKind, Facts, Intent, Served, Settled, encode_record
from legato.core.usage import Usage, UsageSource
from legato.storage.database.engine import open_engine
from legato.storage.ledger.ledger import Ledger
from legato.storage.limits.leases import LeaseStore
from legato.storage.migrate import upgrade

BUDGET = BudgetLimit("key:bench", NanoUSD(10**15), Window.DAY)


def payloads(requests: int, budget_id: str) -> list[bytes]:
    ids = IdSource(SystemClock())
    usage = Usage(812, 0, 0, 0, 240)
    records: list[bytes] = []
    for _ in range(requests):
        request_id = ids.new()
        now = SystemClock.now_ns()
        facts = Facts(
            request_id, 0, "default", "support", "bot", "0198f0", "u-8f3a", {"env": "prod"},
            "fast", "fast", "small-eu", "openai", "gpt-small", "eu", "p-1", "large", "c-1",
        )  # fmt: skip
        records.append(encode_record(Intent(facts, now, 9_000, budget_id, usage, 9_000, 90_000)))
        settled = Settled(
            facts, EntryKind.USAGE, now, usage, UsageSource.PROVIDER, 7_000, 70_000, "gpt-small",
            "ok", 200, 812_345, 201_234, 412, budget_id, now,
        )  # fmt: skip
        records.append(encode_record(settled))
        served = Served(
            request_id, now, "default", "support", "bot", "0198f0", "openai.chat", "fast",
            "small-eu", "openai", "gpt-small", 1, 200, "", True, "miss", 7_000, 812_345, 201_400,
            811_900, (("authenticate", 4), ("admit", 2), ("route", 9), ("call", 811_900)),
            "", "", False, usage,
        )  # fmt: skip
        records.append(encode_record(served))
    return records


def measure(engine: Engine, requests: int, per_batch: int, *, budget: bool) -> tuple[float, float]:
    ledger = Ledger(engine)
    if budget:
        limit = Limit(LimitKind.BUDGET, BUDGET.id, BUDGET.limit, BUDGET.window.value)
        LeaseStore(engine).take([Wish(limit, 10**14)], holder="bench-0")
    records = payloads(requests, BUDGET.id if budget else "")
    step = per_batch * 3
    segment = f"bench-0/{time.monotonic_ns()}"
    wall, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    for offset in range(0, len(records), step):
        ledger.commit(segment, offset + step, records[offset : offset + step])
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
    return spent / requests * 1e6, (time.perf_counter() - wall) / requests * 1e6


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    where = sys.argv[2] if len(sys.argv) > 2 else "sqlite"
    with tempfile.TemporaryDirectory() as folder:
        if where == "sqlite":
            engine = open_engine(f"sqlite:///{Path(folder) / 'bench.db'}")
        else:
            engine = open_engine(where, schema="legato_bench")
            with engine.begin() as connection:
                connection.execute(text("CREATE SCHEMA legato_bench"))
        try:
            upgrade(engine)
            print("requests/batch  budget  CPU µs/request  wall µs/request")
            for per_batch in (100, 250, 500):
                for budget in (False, True):
                    cpu, wall = measure(engine, requests, per_batch, budget=budget)
                    print(f"{per_batch:14}  {budget!s:6}  {cpu:14.1f}  {wall:15.1f}")
        finally:
            if where != "sqlite":
                with engine.begin() as connection:
                    connection.execute(text("DROP SCHEMA legato_bench CASCADE"))
            engine.dispose()


if __name__ == "__main__":
    main()
