"""What a lease costs: from Postgres, and from a store that speaks Redis' protocol, in one run.

    python -m benchmarks.leases POSTGRES_URL REDIS_URL

Each process takes from one limit that all share and from one of its own, by turns, and gives back.
The tables are made in a schema of their own, which goes at the end.
"""

import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from statistics import median

from legato.core.leases import Leases, Limit, LimitKind, Returned, Wish
from legato.storage.database.engine import open_engine
from legato.storage.limits.leases import LeaseStore
from legato.storage.limits.redis.books import LeaseBooks
from legato.storage.limits.redis.leases import RedisLeases
from legato.storage.limits.redis.link import StoreTerms
from legato.storage.limits.redis.session import Session
from legato.storage.migrate import upgrade

_ROUNDS = 300
_PROCESSES = (1, 8)
_BIG = 10**12


def main(postgres: str, redis: str) -> None:
    """Measure both, one after the other, and print a line for each."""
    schema = f"legato_{secrets.token_hex(6)}"
    admin = open_engine(postgres)
    with admin.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    try:
        engine = open_engine(postgres, schema=schema)
        upgrade(engine)
        engine.dispose()
        for processes in _PROCESSES:
            for store in ("", redis):
                _measure(processes, (postgres, schema, store))
    finally:
        with admin.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")


def _measure(processes: int, place: tuple[str, str, str]) -> None:
    started = time.perf_counter()
    with ProcessPoolExecutor(processes) as pool:
        found = list(pool.map(_work, [place] * processes, range(processes)))
    times = sorted(one for part, _ in found for one in part)
    took = max(seconds for _, seconds in found)
    name = "redis" if place[2] else "postgres"
    sys.stdout.write(
        f"{name:<9} {processes} processes: median {1000 * median(times):.2f} ms, "
        f"p99 {1000 * times[len(times) * 99 // 100]:.2f} ms, {len(times) / took:.0f}/s "
        f"({time.perf_counter() - started:.0f} s in all)\n"
    )


def _work(place: tuple[str, str, str], number: int) -> tuple[list[float], float]:
    leases, holder = _open(place), f"{secrets.token_hex(4)}-{number}"
    shared = Limit(LimitKind.BUDGET, "key:shared", _BIG, "total")
    own = Limit(LimitKind.BUDGET, f"key:{number}", _BIG, "total")
    leases.take([Wish(shared, 1), Wish(own, 1)], holder=holder)
    times = []
    began = time.perf_counter()
    for _ in range(_ROUNDS):
        for limit in (shared, own):
            started = time.perf_counter()
            leases.take([Wish(limit, 10)], holder=holder)
            times.append(time.perf_counter() - started)
        leases.give_back([Returned(LimitKind.BUDGET, own.id, 0, 5)], holder=holder)
    return times, time.perf_counter() - began


def _open(place: tuple[str, str, str]) -> Leases:
    postgres, schema, redis = place
    engine = open_engine(postgres, schema=schema, wait_s=60)
    if not redis:
        return LeaseStore(engine)
    return RedisLeases(Session(StoreTerms(redis, prefix="bench"), LeaseBooks(engine)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
