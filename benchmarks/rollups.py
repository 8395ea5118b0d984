"""Rollups at scale: a year of entries, how fast they are taken in, and what reading costs.

    python benchmarks/rollups.py [entries] [FILE.db | postgresql://...]

Entries are written as the ledger writes them (SQLite) or by COPY (Postgres); FILE.db is kept, and
used again where it has entries. CPU is that of this process; a Postgres server's own is not in it.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select, text

from legato.core.tenant import EVERY_TENANT, Tenant
from legato.core.usage import USAGE_CLASSES
from legato.economics.waterfall import STEP_COLUMNS
from legato.storage.database.engine import open_engine, reading
from legato.storage.database.windows import period_of
from legato.storage.ledger.posting import Statements
from legato.storage.migrate import upgrade
from legato.storage.rollups.reading import DAY_NS, Span, SpendQuery, SpendReader
from legato.storage.rollups.rolling import SPEND, USERS, Roller
from legato.storage.tables.rollups import DIMENSIONS, LATENCY_COLUMNS, MEASURES
from legato.storage.tables.schema import ENTRY_COLUMNS, PLAIN_COLUMNS, ledger_entry

SCHEMA = "legato_bench_rollups"
FIRST_DAY, DAYS = 20_000, 365
TAIL = 5_000
AT_ONCE = 50_000
SHAPE = [1, 1, 1, 1, 1, 2, 3, 5, 8, 10, 11, 11, 9, 10, 11, 11, 10, 8, 6, 4, 3, 2, 2, 1]
_HOUR_NS = DAY_NS // 24


def rows(count: int, first_day: int = FIRST_DAY) -> Iterator[tuple[Any, ...]]:
    """Yield entries in the order of time: 4 organisations, 24 features, 12 deployments."""
    drawn = random.Random(1)
    hours = list(range(24))
    features = [
        (("acme", "acme", "acme", "globex", "initech", "hooli")[n % 6], f"team{n % 8}", f"f{n:02}")
        for n in range(24)
    ]
    for number in range(count):
        day, of_day = divmod(number * DAYS, count)
        hour = drawn.choices(hours, SHAPE)[0]
        at_ns = (first_day + day) * DAY_NS + hour * _HOUR_NS + of_day * _HOUR_NS // count
        org, team, feature = features[n := drawn.randrange(24)]
        deployment = f"d{n % 4}-{drawn.randrange(3)}"
        kind = drawn.choices(("usage", "cache", "retry"), (78, 20, 2))[0]
        cost = 0 if kind == "cache" else drawn.randrange(2_000, 90_000)
        baseline = 0 if kind == "retry" else 70_000
        steps = [0, 0, 0, 0, 0, 0]
        steps[{"usage": 2, "cache": 0, "retry": 5}[kind]] = baseline - cost
        yield (
            f"{number:032x}", 1, org, team, feature, f"{feature}-key{drawn.randrange(2)}",
            f"u-{drawn.randrange(5_000)}", "{}", f"r{n % 4}", f"r{n % 4}", deployment,
            f"p{n % 3}", f"m-{deployment}", "eu", "p1", "large", "c1", "", "", "", kind, 0, at_ns,
            period_of(at_ns), 812, 0, 0, 0, 240, 0, 0, 0, 0, 0, 0, "provider", cost, baseline,
            "m", "provider_error" if kind == "retry" else "ok", 200,
            drawn.randrange(100_000, 9_000_000), 90_000, 400, "", at_ns, *steps,
        )  # fmt: skip


def fill(engine: Engine, made: Iterator[tuple[Any, ...]]) -> None:
    count, written_s, cpu_s = 0, 0.0, 0.0
    statement = Statements.of(engine.dialect.name).stepped
    names = ", ".join((*PLAIN_COLUMNS, *STEP_COLUMNS, "provisional"))
    while some := list(islice(made, AT_ONCE)):
        count += len(some)
        began, cpu = time.perf_counter(), time.process_time()
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql(statement, some)
            else:
                driver: Any = connection.connection.driver_connection
                with driver.cursor().copy(f"COPY ledger_entry ({names}) FROM STDIN") as copy:
                    for row in some:
                        copy.write_row((*row, False))
        written_s += time.perf_counter() - began
        cpu_s += time.process_time() - cpu
    a_second = count / written_s
    print(f"{count:,} entries written in {written_s:.0f} s: {a_second:,.0f} a second,", end=" ")
    print(f"{cpu_s / count * 1e6:.2f} us CPU an entry; making them isn't counted")


def timed(work: Callable[[], object], times: int = 21) -> float:
    """Return the median in milliseconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took)


def questions(end: int) -> dict[str, SpendQuery]:
    month, week = Span(end - 30, end), Span((end - 7) * 24, end * 24, by_hour=True)
    money = ("cost", "baseline_cost", *STEP_COLUMNS)
    return {
        "30 days, the waterfall": SpendQuery(month, money),
        "30 days, cost by day": SpendQuery(month, money, ("bucket",)),
        "30 days, by feature": SpendQuery(month, ("requests", "attempts", "cost"), ("feature",)),
        "30 days, by model": SpendQuery(
            month, ("attempts", "cost", "in_uncached", "out_text"), ("model",)
        ),
        "30 days, one feature by day": SpendQuery(
            month, ("requests", "cost"), ("bucket",), {"feature": ("f00",)}
        ),
        "7 days, requests by hour": SpendQuery(week, ("requests", "cost"), ("bucket",)),
        "30 days, latency": SpendQuery(
            month, ("attempts", *LATENCY_COLUMNS), ("deployment",), {"outcome": ("ok",)}
        ),
        "30 days, users": SpendQuery(month, ("requests", "cost"), ("user",)),
    }


def report(reader: SpendReader, end: int) -> None:
    """Read all that a report of a year is made of."""
    year = Span(end - DAYS, end)
    for by in ((), ("bucket",), ("org", "team", "feature"), ("model",), ("kind", "outcome")):
        reader.read(SpendQuery(year, (*MEASURES,), by))
    reader.read(SpendQuery(year, (*USAGE_CLASSES, "cost"), ("org", "bucket")))


def measure(engine: Engine) -> None:
    roller = Roller(engine)
    with reading(engine) as connection:
        newest, entries = connection.execute(
            select(func.max(ledger_entry.c.id), func.count())
        ).one()
    for name in (SPEND, USERS):
        roller.forget(name, (FIRST_DAY + DAYS) * DAY_NS)
        behind, began, cpu = roller.behind(name), time.perf_counter(), time.process_time()
        while roller.behind(name) > TAIL:
            roller.roll(name)
        if behind > TAIL:
            spent, took = time.process_time() - cpu, time.perf_counter() - began
            print(f"{name}: {took / behind * 1e6:.2f} us an entry, {spent / behind * 1e6:.2f} CPU")
    end = FIRST_DAY + DAYS
    for reach in (Tenant("acme"), EVERY_TENANT):
        reader = SpendReader(engine, reach)
        found = {what: timed(partial(reader.read, asked)) for what, asked in questions(end).items()}
        print(f"{reach}: median of all {statistics.median(found.values()):.1f} ms")
        for what, took in found.items():
            print(f"  {what:30} {took:8.1f} ms")
    began = time.perf_counter()
    report(SpendReader(engine, EVERY_TENANT), end)
    print(f"a year of {entries:,} entries: {time.perf_counter() - began:.2f} s (ids to {newest:,})")
    print(f"{len(DIMENSIONS)} dimensions, {len(MEASURES)} measures, {len(ENTRY_COLUMNS)} columns")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    where = sys.argv[2] if len(sys.argv) > 2 else ""
    with tempfile.TemporaryDirectory() as folder:
        if where.startswith("postgres"):
            engine = open_engine(where, schema=SCHEMA, statement_s=3_600)
            with engine.begin() as connection:
                connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        else:
            engine = open_engine(f"sqlite:///{where or Path(folder) / 'bench.db'}")
        upgrade(engine)
        with reading(engine) as connection:
            there = connection.execute(select(ledger_entry.c.id).limit(1)).first() is not None
        if not there:
            fill(engine, rows(count))
        measure(engine)
        engine.dispose()


if __name__ == "__main__":
    main()
