"""One of many processes that lease and spend as fast as they can.

    python hammer.py URL SCHEMA HOLDER ROUNDS

Prints the level of the budget at each grant, at the end what it spent and was granted of the rate.
"""

import random
import sys
from dataclasses import dataclass

from legato.core.leases import Limit, LimitKind, Returned, Wish
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Window
from legato.core.records import EntryKind, Facts, Settled, encode_record
from legato.core.usage import Usage, UsageSource
from legato.storage.database.engine import open_engine
from legato.storage.ledger.ledger import Ledger
from legato.storage.limits.leases import LeaseStore

BUDGET = BudgetLimit("key:hammered", NanoUSD(20_000), Window.TOTAL)
RATE = 120
SLOTS = 5
LIMIT = Limit(LimitKind.BUDGET, BUDGET.id, BUDGET.limit, BUDGET.window.value)


@dataclass
class Fixed:
    """A clock that stands, so that all processes share one window."""

    at_ns: int = 1_700_000_000_000_000_000

    def now_ns(self) -> int:
        return self.at_ns


def settled(request_id: str, cost: int) -> bytes:
    facts = Facts(
        request_id, 0, "o", "t", "f", "k", "", {}, "m", "", "d", "p", "m", "", "v", "", "c"
    )
    return encode_record(
        Settled(
            facts, EntryKind.USAGE, Fixed().at_ns, Usage(1), UsageSource.PROVIDER, cost, cost,
            "m", "ok", 200, 1, 1, 1, BUDGET.id,
        )
    )  # fmt: skip


def main(url: str, schema: str, holder: str, rounds: int) -> None:
    engine = open_engine(url, schema=schema or None, wait_s=60)
    leases, ledger = LeaseStore(engine, Fixed()), Ledger(engine, Fixed())
    chance = random.Random(holder)
    spent = rate = 0
    for number in range(rounds):
        wish = Wish(LIMIT, chance.randint(1, 300))
        (grant,) = leases.take([wish], holder=holder)
        cost = chance.randint(0, grant.granted)
        spent += cost
        ledger.commit(f"{holder}/1", number + 1, [settled(f"{holder}-{number}", cost)])
        back = chance.randint(0, grant.granted - cost)
        returned = Returned(LIMIT.kind, LIMIT.id, grant.window_start_ns, back)
        leases.give_back([returned], holder=holder)
        hourly = Limit(LimitKind.RATE, "r", RATE, "3600")
        rate += leases.take([Wish(hourly, 3)], holder=holder)[0].granted
        slots = leases.take([Wish(Limit(LimitKind.SLOTS, "s", SLOTS, "total"), 2)], holder=holder)
        leases.give_back([Returned(LimitKind.SLOTS, "s", 0, slots[0].granted)], holder=holder)
        sys.stdout.write(f"{grant.settled + grant.leased}\n")
    sys.stdout.write(f"total {spent} {rate}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
