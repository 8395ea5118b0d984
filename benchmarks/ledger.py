"""What a request costs the ledger process: intent + settled + served, in CPU microseconds.

    python benchmarks/ledger.py [requests] [sqlite | postgresql://...] [requests a day]

Then what its sums cost in the same run: requests are of 24 features, 12 deployments and 5,000
users, and as far apart as at that pace, 10 million a year if none is told. CPU is that of this
process; a Postgres server's own is not in it.
"""

import random
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
from legato.storage.rollups.reading import DAY_NS
from legato.storage.rollups.rolling import ROLLUPS, Roller

BUDGET = BudgetLimit("key:bench", NanoUSD(10**15), Window.DAY)


def payloads(requests: int, budget_id: str, apart_ns: int) -> list[bytes]:
    ids, drawn = IdSource(SystemClock()), random.Random(1)
    usage = Usage(812, 0, 0, 0, 240)
    records: list[bytes] = []
    began = SystemClock.now_ns() - requests * apart_ns
    for number in range(requests):
        request_id = ids.new()
        now = began + number * apart_ns
        which, deployment = drawn.randrange(24), f"d{drawn.randrange(12)}"
        facts = Facts(
            request_id, 0, "default", f"team{which % 8}", f"f{which:02}", f"f{which:02}-key",
            f"u-{drawn.randrange(5_000)}", {"env": "prod"}, "fast", "fast", deployment, "openai",
            f"m-{deployment}", "eu", "p-1", "large", "c-1",
        )  # fmt: skip
        records.append(encode_record(Intent(facts, now, 9_000, budget_id, usage, 9_000, 90_000)))
        settled = Settled(
            facts, EntryKind.USAGE, now, usage, UsageSource.PROVIDER, 7_000, 70_000, "gpt-small",
            "ok", 200, 812_345, 201_234, 412, budget_id, now,
        )  # fmt: skip
        records.append(encode_record(settled))
        served = Served(
            request_id, now, "default", facts.team, facts.feature, facts.key_id, "openai.chat",
            "fast", deployment, "openai", facts.model, 1, 200, "", True, "miss", 7_000, 812_345,
            201_400, 811_900, (("authenticate", 4), ("admit", 2), ("route", 9), ("call", 811_900)),
            "", "", False, usage,
        )  # fmt: skip
        records.append(encode_record(served))
    return records


def measure(engine: Engine, records: list[bytes], per_batch: int) -> tuple[float, float]:
    ledger = Ledger(engine)
    requests = len(records) // 3
    step = per_batch * 3
    segment = f"bench-0/{time.monotonic_ns()}"
    wall, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    for offset in range(0, len(records), step):
        ledger.commit(segment, offset + step, records[offset : offset + step])
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
    return spent / requests * 1e6, (time.perf_counter() - wall) / requests * 1e6


def sums(engine: Engine, requests: int) -> dict[str, float]:
    """Take all in as the ledger process does; return CPU microseconds a request by rollup."""
    found = {}
    for rollup in ROLLUPS:
        cpu = time.process_time()
        Roller(engine).catch_up(rollup.name)
        found[rollup.name] = (time.process_time() - cpu) / requests * 1e6
    return found


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    where = sys.argv[2] if len(sys.argv) > 2 else "sqlite"
    a_day = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000_000 // 365
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
            limit = Limit(LimitKind.BUDGET, BUDGET.id, BUDGET.limit, BUDGET.window.value)
            LeaseStore(engine).take([Wish(limit, 10**14)], holder="bench-0")
            spent = []
            for per_batch in (100, 250, 500):
                for budget in ("", BUDGET.id):
                    records = payloads(requests, budget, DAY_NS // a_day)
                    cpu, wall = measure(engine, records, per_batch)
                    spent.append(cpu)
                    print(f"{per_batch:14}  {bool(budget)!s:6}  {cpu:14.1f}  {wall:15.1f}")
            rolled = sums(engine, requests * len(spent))
            ratio = sum(rolled.values()) / (sum(spent) / len(spent))
            told = ", ".join(f"{name} {cpu:.1f}" for name, cpu in rolled.items())
            print(f"sums at {a_day:,} a day: CPU us/request {told}: {ratio:.2f} of taking it in")
        finally:
            if where != "sqlite":
                with engine.begin() as connection:
                    connection.execute(text("DROP SCHEMA legato_bench CASCADE"))
            engine.dispose()


if __name__ == "__main__":
    main()
