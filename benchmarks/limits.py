"""What authorisation and limits cost a request: python benchmarks/limits.py

In one run, in turns: a key without limits, a key with its own three, and a key whose calls come
under budgets of its organisation, team, feature, key, user and model in dollars, and of its
organisation and user in requests. Each request is authenticated by its secret's keyed hash,
admitted, held on all budgets for one attempt, and settled; the leases are on a real SQLite file.
CPU time of the process is counted, refills of leases by its threads included.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from legato.core.budget import Budget, Measure, Period
from legato.core.clock import SystemClock
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Principal, Window
from legato.governance.keyring import Keyring
from legato.governance.worker import Governed, governed
from legato.storage.database.engine import open_engine
from legato.storage.limits.leases import LeaseStore
from legato.storage.migrate import upgrade
from legato.storage.tenants.key_records import KeySnapshot
from legato.vault.master import Vault

ROUNDS = 15
REQUESTS = 4_000
USERS = 50
_US_PER_NS = 1_000
_COST = NanoUSD(1_000_000)
_KEY: dict[str, Any] = {"org": "acme", "team": "search", "feature": "answers"}
PLAIN = Principal(key_id="plain", name="plain", **_KEY)
OWN = Principal(
    key_id="own",
    name="own",
    requests_per_minute=100_000_000,
    concurrency_max=1_000,
    budget=BudgetLimit("key:own", NanoUSD(10**18), Window.MONTH),
    **_KEY,
)
FULL = Principal(key_id="full", name="full", **_KEY)


def budgets() -> list[Budget]:
    """Return what covers the key `full` alone."""
    own = {"key": "full"}
    wheres: dict[str, dict[str, Any]] = {
        "org": {},
        "team": {"where": {**own, "team": "search"}},
        "feature": {"where": {**own, "feature": "answers"}},
        "key": {"where": own},
        "user": {"where": own, "each": ("user",)},
        "model": {"where": {**own, "model": "m"}},
    }
    terms: dict[str, Any] = {"org": "acme", "period": Period.MONTH}
    money = [
        Budget(id=name, name=name, measure=Measure.USD, limit=10**18, **{"where": own, **said},
               **terms)
        for name, said in wheres.items()
    ]  # fmt: skip
    return [
        *money,
        Budget(id="r", name="r", measure=Measure.REQUESTS, limit=10**9, where=own, **terms),
        Budget(id="ru", name="ru", measure=Measure.REQUESTS, limit=10**9, where=own,
               each=("user",), **terms),
    ]  # fmt: skip


class Keys:
    """A snapshot of the three keys."""

    def __init__(self, by_digest: dict[bytes, Principal]) -> None:
        self._snapshot = KeySnapshot(1, by_digest)

    def version(self) -> int:
        return 1

    def snapshot(self) -> KeySnapshot:
        return self._snapshot


async def requests(parts: Governed, keyring: Keyring, secret: bytes, users: list[str]) -> None:
    """Make requests as the pipeline's stages do, as far as keys and limits are concerned."""
    limits, books, coverage = parts.limits, parts.budgets, parts.coverage
    for number in range(REQUESTS):
        user = users[number % USERS]
        principal = keyring.known(secret)
        if principal is None:
            raise AssertionError(secret)
        slots = ()
        if not limits.free(principal):
            slots = await limits.admitted(coverage.of(principal, user, "m"))
        hold = None
        if principal.budget is not None or not coverage.is_empty:
            cover = coverage.of(principal, user, "m")
            paid = coverage.paid(cover, user, "m", "d")
            if paid is not None:
                hold = await books.hold(paid, _COST)
        if hold is not None:
            books.settle(hold, _COST)
        if slots:
            limits.release(slots)


async def measured(folder: Path) -> dict[str, list[float]]:
    """Return microseconds of CPU per request, by kind of key, for each round."""
    engine = open_engine(f"sqlite:///{folder / 'legato.db'}")
    upgrade(engine)
    threads, loop = ThreadPoolExecutor(2), asyncio.get_running_loop()

    async def ask(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    digest = Vault(b"k" * 32).digest
    keyring = Keyring(
        Keys({digest(one.name.encode()): one for one in (PLAIN, OWN, FULL)}),
        digest, SystemClock(), ask,
    )  # fmt: skip
    keyring.load()
    users = [f"{number:024x}" for number in range(USERS)]
    without, within = (
        governed(LeaseStore(engine), ask, SystemClock(), holder=name) for name in ("a", "b")
    )
    within.coverage.swap(budgets())
    kinds = {"no limits": (without, PLAIN), "own limits": (without, OWN), "budgets": (within, FULL)}
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(ROUNDS + 1):
        for name, (parts, key) in kinds.items():
            before_ns = time.process_time_ns()
            await requests(parts, keyring, key.name.encode(), users)
            took_us = (time.process_time_ns() - before_ns) / REQUESTS / _US_PER_NS
            if turn:  # the first takes the leases
                found[name].append(took_us)
    return found


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measured(Path(folder)))
    for name, times in found.items():
        sys.stdout.write(
            f"{name:<12} {statistics.median(times):6.2f} us of CPU a request "
            f"({min(times):.2f} to {max(times):.2f})\n"
        )


if __name__ == "__main__":
    main()
