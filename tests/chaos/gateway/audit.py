"""The ledger against the simulated provider's own book. Nothing of ours computes a cost here."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from legato.providers.simulated.book import CallRecord, read_book
from legato.storage.database.engine import open_engine
from legato.storage.ledger.verify import verify
from legato.storage.rollups.rolling import BY_NAME, Roller

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .instance import Instance
    from .load import Seen

PRICES = {"small": ("0.150001", "0.600003"), "large": ("5.000007", "15.000011")}
"""Dollars per million tokens in and out: odd ones, so that rounding is seen."""

HELD = """
SELECT * FROM limit_lease JOIN limit_window ON limit_window.id = window_id
WHERE kind IN ('budget', 'slots') AND amount <> 0
"""

Row = dict[str, Any]


def rows_of(database: Path | str, query: str) -> list[Row]:
    """Read from a SQLite file, or from Postgres by its URL."""
    if isinstance(database, str):
        with psycopg.connect(database, row_factory=dict_row) as postgres:
            return postgres.execute(query).fetchall()
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(row) for row in connection.execute(query)]
    connection.close()
    return found


class Audit:
    """One look at the ledger and the book, when nothing moves any more."""

    def __init__(self, instance: Instance, book: Path, *, url: str | None = None) -> None:
        """`url` names a Postgres database that is used instead of the instance's file."""
        self._database = url or instance.database
        self._url = url or f"sqlite:///{instance.database}"
        self.entries = rows_of(self._database, "SELECT * FROM ledger_entry ORDER BY id")
        self.book = by_attempt(read_book(book))
        self.net = net_entries(self.entries)

    def attempts(self) -> dict[str, Row]:
        """Return the net entry of each attempt that was sent, or may have been."""
        return {name: row for name, row in self.net.items() if row["attempt"] > 0}

    def check_books(self) -> None:
        """Each attempt once, what the provider reported exact, what we alone know unknown."""
        attempts = self.attempts()
        missing = self.book.keys() - attempts.keys()
        assert not missing, f"{len(missing)} calls of the book are in no entry: {sample(missing)}"
        invented = {
            name: attempts[name]["usage_source"]
            for name in attempts.keys() - self.book.keys()
            if attempts[name]["usage_source"] != "unknown"
        }
        assert not invented, f"entries of calls the provider never saw: {sample(invented.items())}"
        for name, call in self.book.items():
            check_entry(name, attempts[name], call)

    def check_callers(self, seen: Iterable[Seen]) -> None:
        """Whoever got an answer has an entry for it, and was told what it costs."""
        by_request: dict[str, list[Row]] = defaultdict(list)
        for row in self.net.values():
            by_request[row["request_id"]].append(row)
        for call in seen:
            if not call.complete:
                continue
            mine = by_request[call.request_id]
            assert [row["kind"] for row in mine].count("usage") + [
                row["kind"] for row in mine
            ].count("cache") == 1, call
            if call.cost_usd:
                total = sum(row["cost"] for row in mine)
                assert Decimal(call.cost_usd) * 10**9 == total, call

    def check_verified(self) -> None:
        """The program's own proof."""
        engine = open_engine(self._url)
        for name in BY_NAME:  # so that it compares the sums of all entries, too
            Roller(engine).catch_up(name)
        report = verify(engine)
        engine.dispose()
        assert report.problems == []
        assert report.cost == sum(row["cost"] or 0 for row in self.entries)

    def check_budgets(self) -> None:
        """Settled is what the entries say; nothing is leased while nobody runs."""
        database = self._database
        for window in rows_of(database, "SELECT * FROM limit_window WHERE kind = 'budget'"):
            spent = sum(
                row["cost"] for row in self.entries if row["budget_id"] == window["limit_id"]
            )
            assert window["settled"] == spent
            assert window["leased"] == 0
        assert rows_of(database, HELD) == []

    def check_all(self, seen: Iterable[Seen] = ()) -> None:
        self.check_books()
        self.check_callers(seen)
        self.check_verified()
        self.check_budgets()
        assert rows_of(self._database, "SELECT * FROM open_intent") == []
        assert rows_of(self._database, "SELECT * FROM journal_alarm") == []

    def sources(self) -> dict[str, int]:
        """Count the attempts by where their usage comes from."""
        counts: dict[str, int] = defaultdict(int)
        for row in self.attempts().values():
            counts[row["usage_source"]] += 1
        return dict(counts)


def by_attempt(calls: Iterable[CallRecord]) -> dict[str, CallRecord]:
    found: dict[str, CallRecord] = {}
    for call in calls:
        assert call.attempt_id is not None
        assert call.attempt_id not in found, f"{call.attempt_id} was sent twice"
        found[call.attempt_id] = call
    return found


def net_entries(entries: list[Row]) -> dict[str, Row]:
    """Return the one entry of each attempt (or cache hit) that no correction reverses."""
    reversed_ids = [row["reverses_entry"] for row in entries if row["kind"] == "correction"]
    assert len(reversed_ids) == len(set(reversed_ids)), "an entry is reversed twice"
    gone = set(reversed_ids)
    net: dict[str, Row] = {}
    for row in entries:
        if row["kind"] == "correction" or row["id"] in gone:
            continue
        name = f"{row['request_id']}-{row['attempt']}"
        assert name not in net, f"{name} has two entries: {net[name]} and {row}"
        net[name] = row
    return net


def check_entry(name: str, row: Row, call: CallRecord) -> None:
    """Compare one entry with the provider's bill, to the token and the nano-dollar."""
    if row["usage_source"] != "provider":
        assert row["usage_source"] in {"partial", "unknown", "estimated"}, row
        return
    usage = call.usage
    billed = {
        "in_uncached": usage.prompt - usage.cached,
        "cache_read": usage.cached,
        "out_text": usage.completion - usage.reasoning,
        "reasoning": usage.reasoning,
    }
    assert {field: row[field] for field in billed} == billed, (name, row, call)
    assert row["cost"] == nano_usd(row["deployment"], usage.prompt, usage.completion), (name, row)


def nano_usd(deployment: str, tokens_in: int, tokens_out: int) -> int:
    price_in, price_out = map(Decimal, PRICES[deployment])
    nano = (tokens_in * price_in + tokens_out * price_out) * 1000
    return int(nano.to_integral_value(ROUND_HALF_EVEN))


def sample(items: Iterable[Any]) -> list[Any]:
    return sorted(items)[:5]
