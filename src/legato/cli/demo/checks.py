"""What must hold when the demo is done; the exit status says whether it does."""

import time
from typing import Final

import msgspec

from legato.app.desks.stored_data import StoredData
from legato.cli.demo.figures import Figures
from legato.core.errors import OperatorError
from legato.storage.ledger.entries import EntryFilter

_CATCH_UP_S: Final = 20.0
_POLL_S: Final = 0.1


class Check(msgspec.Struct, frozen=True):
    """One thing that must hold, as a sentence."""

    holds: bool
    says: str


def await_ledger(stored: StoredData, since_ns: int, requests: int) -> None:
    """Return once the ledger has every request of this run and none is open.

    Raises:
        OperatorError: it did not come in time.
    """
    until_s = time.monotonic() + _CATCH_UP_S
    while time.monotonic() < until_s:
        traced = sum(1 for _ in stored.entries().traces(since_ns))
        if traced >= requests and not stored.backlog().open_attempts:
            return
        time.sleep(_POLL_S)
    raise OperatorError(f"The ledger did not catch up with {requests} requests.")


def run_checks(
    stored: StoredData, figures: Figures, since_ns: int, *, sent: int, booked: dict[str, int]
) -> list[Check]:
    """Hold the figures against what was sent, and against what each provider counted itself."""
    total, bars = figures.total, dict(figures.bars)
    entered = _attempts(stored, since_ns, booked)
    report = stored.verify()
    sums = (
        sum(one.spend.cost for one in figures.teams),
        sum(one.cost for one in figures.deployments),
        figures.traced_cost,
        bars["cost"],
    )
    return [
        Check(total.requests == sent, f"{sent} calls were made, {total.requests} are in the books"),
        Check(total.answered == sent, f"{total.answered} of {sent} calls were answered"),
        Check(total.cache_hits > 0, f"{total.cache_hits} answers came from the cache, for nothing"),
        Check(
            total.fallbacks > 0, f"{total.fallbacks} calls outlived the provider that was broken"
        ),
        Check(
            bars["baseline"] == total.spend.baseline_cost and not total.spend.unpriced,
            "the steps of the waterfall add up to baseline less spend, to the nano-dollar",
        ),
        Check(len(set(sums)) == 1, "teams, deployments and traces sum to the same spend"),
        Check(
            entered == booked,
            f"the simulated providers counted {sum(booked.values())} calls themselves, "
            f"the ledger {sum(entered.values())}",
        ),
        Check(report.ok, f"every rule of the ledger holds over {report.entries} entries"),
    ]


def _attempts(stored: StoredData, since_ns: int, booked: dict[str, int]) -> dict[str, int]:
    """Return how many attempts the ledger has of each provider; a cache hit is no attempt."""
    found = dict.fromkeys(booked, 0)
    for entry in stored.entries().export_rows(EntryFilter(since_ns=since_ns)):
        if entry["provider"] in found and entry["attempt"] > 0:
            found[entry["provider"]] += 1
    return found
