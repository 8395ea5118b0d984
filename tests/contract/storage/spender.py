"""One of many workers that spend from shared budgets as a gateway's worker does, as fast as it can.

    python spender.py URL SCHEMA JOURNAL HOLDER REQUESTS REQUESTS_OF_ALL

Each request is admitted, held on all budgets that cover it, journaled, and settled for less. It
prints how many were let through and refused when it is done; it may be killed at any moment.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from legato.core.budget import Budget, Measure, Period
from legato.core.clock import SystemClock
from legato.core.errors import BudgetExceeded, RateLimited, StorageUnavailable
from legato.core.money import NanoUSD
from legato.core.principal import Principal
from legato.core.records import EntryKind, Facts, Intent, Settled, encode_record
from legato.core.usage import Usage, UsageSource
from legato.governance.worker import Governed, governed
from legato.journal.options import WriterOptions
from legato.journal.writer import JournalWriter
from legato.storage.database.engine import open_engine
from legato.storage.limits.leases import LeaseStore

COST_MAX = 1_000
TOKENS_MAX = 100
KEY = Principal(key_id="k", name="k", org="acme", team="search", feature="answers")
AT_ONCE = 16


def budgets_for(requests: int) -> list[Budget]:
    """Return budgets that so many requests in all come up against, each its own way."""
    common: dict[str, Any] = {"org": "acme", "period": Period.TOTAL}
    by_user = {"where": {"feature": "answers"}, "each": ("user",)}
    day = {"period": Period.ROLLING, "rolling_s": 86_400}
    usd, tokens = Measure.USD, Measure.TOKENS
    return [
        Budget(id="org", name="org", measure=usd, limit=requests * 400, **common),
        Budget(id="team", name="team", measure=usd, limit=requests * 350,
               where={"team": "search"}, **{**common, **day}),
        Budget(id="user", name="user", measure=tokens, limit=requests * 6, **by_user, **common),
        Budget(id="calls", name="calls", measure=Measure.REQUESTS, limit=requests * 9 // 10,
               **common),
        Budget(id="soft", name="soft", measure=usd, limit=requests, hard=False, **common),
    ]  # fmt: skip


async def spend(parts: Governed, journal: JournalWriter, name: str, dice: random.Random) -> None:
    user = f"u{dice.randrange(5)}"
    cover = parts.coverage.of(KEY, user, "m")
    await parts.limits.admitted(cover)
    paid = parts.coverage.paid(cover, user, "m", "d")
    assert paid is not None
    hold = await parts.budgets.hold(paid, NanoUSD(COST_MAX), TOKENS_MAX)
    facts = Facts(name, 1, "acme", "search", "answers", "k", user, {}, "m", "", "d", "p", "m",
                  "", "v", "", "c")  # fmt: skip
    bound = Usage(in_uncached=TOKENS_MAX)
    journal.append_intent(
        encode_record(Intent(facts, hold.at_ns, COST_MAX, hold.budget_id, bound, COST_MAX, 0))
    )
    await asyncio.sleep(0.1)  # a kill finds some under way
    cost, used = dice.randint(0, COST_MAX), dice.randint(0, TOKENS_MAX)
    outcome = Settled(
        facts, EntryKind.USAGE, SystemClock.now_ns(), Usage(in_uncached=used),
        UsageSource.PROVIDER, cost, 0, "m", "ok", 200, 1, 1, 1, hold.budget_id, hold.at_ns,
    )  # fmt: skip
    journal.append_settled(encode_record(outcome))
    parts.budgets.settle(hold, NanoUSD(cost), used)


async def main(url: str, schema: str, folder: str, holder: str) -> None:
    requests = int(sys.argv[5])
    engine = open_engine(url, schema=schema or None, wait_s=60)
    threads, loop = ThreadPoolExecutor(2), asyncio.get_running_loop()

    async def ask(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    parts = governed(LeaseStore(engine), ask, SystemClock(), holder=holder, workers=8)
    parts.coverage.swap(budgets_for(int(sys.argv[6])))
    journal = JournalWriter(Path(folder), holder, WriterOptions(segment_bytes=4 << 20))
    dice = random.Random(holder)
    told = {"passed": 0, "refused": 0}
    numbers = iter(range(requests))

    async def work() -> None:
        for number in numbers:
            while True:
                try:
                    await spend(parts, journal, f"{holder}-{number:06d}", dice)
                    told["passed"] += 1
                except (BudgetExceeded, RateLimited):
                    told["refused"] += 1
                except StorageUnavailable:
                    await asyncio.sleep(0.2)
                    continue
                break

    async def housekeeping() -> None:
        while True:
            await asyncio.sleep(1)
            with contextlib.suppress(StorageUnavailable):
                await parts.budgets.return_idle()

    keeping = asyncio.ensure_future(housekeeping())
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    keeping.cancel()
    journal.close()
    sys.stdout.write(f"{told['passed']} {told['refused']}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
