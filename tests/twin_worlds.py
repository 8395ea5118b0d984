"""Small worlds for the tests of the twin."""

from __future__ import annotations

from typing import Any

from legato.core.config import Retry, Strategy
from legato.core.money import PicoUSD
from legato.core.price import Price
from legato.core.usage import Usage
from legato.replay.twin.prices import Prices
from legato.replay.twin.service_times import Given
from legato.replay.twin.traffic import RecordedAttempt, Request
from legato.replay.twin.world import Place, Way, World
from legato.routing.strategies import ORDERS

NOON_NS = 1_700_049_600_000_000_000  # 2023-11-15 12:00 UTC
PRICE = Price(version="v1", in_uncached=PicoUSD(2_000_000), out_text=PicoUSD(8_000_000))
USAGE = Usage(in_uncached=100, out_text=10)
COST = 100 * 2_000 + 10 * 8_000


def place(name: str, **changes: Any) -> Place:
    """One that takes 100 ms to its first token and 10 ms for each."""
    given: dict[str, Any] = {
        "prices": Prices(PRICE),
        "times": Given(100, 10),
        "max_output_tokens": 100,
        **changes,
    }
    return Place(name=name, provider="p", **given)


def world(*places: Place, retry: Retry | None = None, **changes: Any) -> World:
    """One with a route `chat` over the places in their order."""
    strategy = changes.pop("strategy", Strategy.ORDERED)
    deadline_us = changes.pop("deadline_us", 600_000_000)
    way = Way(
        places=[one.name for one in places],
        order=ORDERS[strategy],
        retry=retry or Retry(),
        deadline_us=deadline_us,
    )
    return World(
        name="test",
        started_ns=NOON_NS,
        places={one.name: one for one in places},
        ways={"chat": way},
        **changes,
    )


def requests(count: int, every_us: int = 1_000_000, **changes: Any) -> list[Request]:
    """So many to `chat`, one after the other."""
    given: dict[str, Any] = {"usage": USAGE, "team": "t", "feature": "f", "key_id": "k", **changes}
    return [Request(at_us=n * every_us, name="chat", **given) for n in range(count)]


def attempt(deployment: str, status: str = "ok", **changes: Any) -> RecordedAttempt:
    """One as the ledger has it."""
    usage = USAGE if status == "ok" else Usage()
    given: dict[str, Any] = {"usage": usage, "price_version": "v1", "total_us": 5_000, **changes}
    return RecordedAttempt(deployment, status, **given)
