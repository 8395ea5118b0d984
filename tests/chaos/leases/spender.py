"""One of many processes that lease, spend and write down, as a worker does, until it is killed.

    python spender.py TERMS.json HOLDER FIRST LAST

Calls FIRST to LAST - 1 are made. `progress-N` tells how far it is, `book-N` is what a provider
would say was spent: it is written when a call is sent, and no kill takes it back.
"""

import json
import os
import random
import struct
import sys
import time
from pathlib import Path
from typing import Any

from legato.core.errors import StorageUnavailable
from legato.core.leases import Leases, Limit, LimitKind, Returned, Wish
from legato.core.records import EntryKind, Facts, Intent, Settled, encode_record
from legato.core.usage import Usage, UsageSource
from legato.journal.options import WriterOptions
from legato.journal.writer import JournalWriter
from legato.storage.database.engine import open_engine
from legato.storage.limits.leases import LeaseStore
from legato.storage.limits.redis.books import LeaseBooks
from legato.storage.limits.redis.leases import RedisLeases
from legato.storage.limits.redis.link import StoreTerms
from legato.storage.limits.redis.session import Session

HOLD_MAX = 1_000
SHARES = 16 * 8
ATTEND_EVERY_S = 0.3
NO_MODEL = ("m", "", "d", "p", "m", "", "v", "", "c")


def budget(number: int, terms: dict[str, Any]) -> Limit:
    return Limit(LimitKind.BUDGET, f"key:b{number}", terms["limits"][number], "total")


def open_leases(terms: dict[str, Any]) -> Leases:
    engine = open_engine(terms["database"], schema=terms["schema"], wait_s=30)
    if not terms["redis"]:
        return LeaseStore(engine)
    return RedisLeases(Session(StoreTerms(terms["redis"], prefix="chaos"), LeaseBooks(engine)))


class Spender:
    """What it has leased of each budget, by its own count."""

    def __init__(self, terms: dict[str, Any], holder: str) -> None:
        self.terms, self.holder = terms, holder
        self.dice = random.Random(holder)
        self.leases = open_leases(terms)
        options = WriterOptions(segment_bytes=1 << 20)
        self.journal = JournalWriter(Path(terms["journal"]), holder, options)
        self.available = [0] * len(terms["limits"])
        self.attended_s = time.monotonic()
        self.refused = self.waits = self.refills = 0
        self.refill_s = 0.0

    def call(self, number: int, book: int) -> None:
        """Make one call, where its budget has room."""
        self._attend()
        at = self.dice.randrange(len(self.available))
        hold = self.dice.randint(HOLD_MAX // 2, HOLD_MAX)
        while self.available[at] < hold:
            try:
                if not self._refill(at, hold):
                    self.refused += 1
                    return
            except StorageUnavailable:
                self.waits += 1
                time.sleep(0.05)
        self.available[at] -= hold
        limit, at_ns = budget(at, self.terms), time.time_ns()
        name = f"{self.holder}-{number}"
        facts = Facts(name, 0, "o", "t", "f", "k", "", {}, *NO_MODEL)
        intent = Intent(facts, at_ns, hold, limit.id, Usage(1), hold, at_ns)
        self.journal.append_intent(encode_record(intent))
        cost = self.dice.randint(0, hold)
        os.write(book, struct.pack("<qq", at, cost))
        if self.dice.random() < 0.02:
            time.sleep(0.002)  # else kills would seldom fall between sending and settling
        settled = Settled(
            facts, EntryKind.USAGE, at_ns, Usage(1), UsageSource.PROVIDER, cost, cost,
            "m", "ok", 200, 1, 1, 1, limit.id, at_ns,
        )  # fmt: skip
        self.journal.append_settled(encode_record(settled))
        self.available[at] += hold - cost

    def _refill(self, at: int, hold: int) -> bool:
        missing = hold - self.available[at]
        limit = budget(at, self.terms)
        started_s = time.perf_counter()
        wish = Wish(limit, max(missing, limit.limit // SHARES), missing)
        granted = self.leases.take([wish], holder=self.holder)[0].granted
        self.refill_s += time.perf_counter() - started_s
        self.refills += 1
        self.available[at] += granted
        return granted > 0

    def _attend(self) -> None:
        """What a worker does beside: enrol anew, give back what lies about."""
        if time.monotonic() - self.attended_s < ATTEND_EVERY_S:
            return
        self.attended_s = time.monotonic()
        try:
            if isinstance(self.leases, RedisLeases):
                self.leases.attend()
            for at, available in enumerate(self.available):
                limit = budget(at, self.terms)
                spare = available - limit.limit // SHARES
                if spare > 0:
                    back = Returned(LimitKind.BUDGET, limit.id, 0, spare)
                    self.leases.give_back([back], holder=self.holder)
                    self.available[at] -= spare
        except StorageUnavailable:
            self.waits += 1


def main(path: str, holder: str, first: int, last: int) -> None:
    terms = json.loads(Path(path).read_text())
    folder, who = Path(path).parent, holder.partition("-")[0]
    flags = os.O_WRONLY | os.O_CREAT
    book = os.open(folder / f"book-{who}", flags | os.O_APPEND)
    progress = os.open(folder / f"progress-{who}", flags)
    spender = Spender(terms, holder)
    for number in range(first, last):
        os.pwrite(progress, struct.pack("<q", number + 1), 0)
        spender.call(number, book)
    spender.journal.close()
    told = {name: getattr(spender, name) for name in ("refused", "waits", "refills", "refill_s")}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
