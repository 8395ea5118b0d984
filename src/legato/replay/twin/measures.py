"""Figures of a world: what its requests cost, how long they took, what became of them."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from legato.core.errors import BudgetExceeded, RateLimited
from legato.replay.twin.kernel import Outcome
from legato.replay.twin.traffic import Recorded, Request

REFUSALS: Final = frozenset({RateLimited.code, BudgetExceeded.code})


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one group of requests. Latencies are those of answered requests, None without any.

    `cost` is nano-USD; `unpriced` counts attempts of which no cost is known. Shares are of all
    requests; `refused` counts what a limit or a budget of ours had no room for.
    """

    requests: int
    answered: int
    refused: int
    failed: int
    cost: int
    unpriced: int
    attempts: int
    fell_back: int
    cache_hits: int
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    latency_ms_p99: float | None


class Groups(msgspec.Struct, frozen=True):
    """The total, and by each value of a dimension."""

    total: Measures
    by_route: dict[str, Measures]
    by_team: dict[str, Measures]
    by_feature: dict[str, Measures]


def recorded_outcomes(requests: Iterable[Request], preferred: Mapping[str, str]) -> list[Outcome]:
    """Return what was recorded, as a world's outcomes are.

    `preferred` is the deployment that a route in a fixed order asks first: an answer of another one
    was a fallback, though nobody wrote down that a breaker kept the first from being asked.
    """
    outcomes = []
    for request in requests:
        known = request.recorded
        if known is None:
            raise AssertionError("recorded traffic has recorded outcomes")
        outcomes.append(
            Outcome(
                known.error_code,
                known.cost,
                known.unpriced,
                known.total_us,
                len(request.attempts),
                known.deployment,
                _fell_back(request, known, preferred.get(request.name)),
                request.from_cache,
            )
        )
    return outcomes


def measured(requests: Sequence[Request], outcomes: Sequence[Outcome]) -> Groups:
    """Return the figures; both are in the same order."""
    pairs = list(zip(requests, outcomes, strict=True))

    def grouped(dimension: str) -> dict[str, Measures]:
        found: dict[str, list[Outcome]] = defaultdict(list)
        for request, outcome in pairs:
            found[getattr(request, dimension)].append(outcome)
        return {name: _measures(found[name]) for name in sorted(found)}

    return Groups(_measures(outcomes), grouped("name"), grouped("team"), grouped("feature"))


def _fell_back(request: Request, known: Recorded, preferred: str | None) -> bool:
    if request.from_cache or not known.deployment:
        return False
    return known.fell_back if preferred is None else known.deployment != preferred


def _measures(outcomes: Sequence[Outcome]) -> Measures:
    times = sorted(one.latency_us for one in outcomes if not one.error_code and one.latency_us)
    refused = sum(one.error_code in REFUSALS for one in outcomes)
    answered = sum(not one.error_code for one in outcomes)
    return Measures(
        requests=len(outcomes),
        answered=answered,
        refused=refused,
        failed=len(outcomes) - answered - refused,
        cost=sum(one.cost for one in outcomes),
        unpriced=sum(one.unpriced for one in outcomes),
        attempts=sum(one.attempts for one in outcomes),
        fell_back=sum(one.fell_back and not one.error_code for one in outcomes),
        cache_hits=sum(one.from_cache for one in outcomes),
        latency_ms_p50=_quantile_ms(times, 0.5),
        latency_ms_p95=_quantile_ms(times, 0.95),
        latency_ms_p99=_quantile_ms(times, 0.99),
    )


def _quantile_ms(times_us: Sequence[int], share: float) -> float | None:
    """Return the smallest time that so many are not above (inverse of the empirical function)."""
    if not times_us:
        return None
    return times_us[max(0, math.ceil(share * len(times_us)) - 1)] / 1_000
