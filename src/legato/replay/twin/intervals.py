"""How certain a difference between two worlds is: a paired bootstrap over users or blocks of time.

Both worlds have the same requests and the same random numbers, so they are compared cluster by
cluster: all requests of a user, or of a span of time, are drawn together, since they are alike
(Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 8 and 13; blocks of time:
Kuensch 1989). The interval holds the middle 95 % of `REPLICATES` differences. It says what other
callers of the same kind would have made of it, not whether the model of the worlds is right.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final
from zlib import crc32

import msgspec

from legato.replay.twin.dice import uniform
from legato.replay.twin.kernel import Outcome
from legato.replay.twin.measures import REFUSALS
from legato.replay.twin.traffic import Request

REPLICATES: Final = 400
CLUSTERS: Final = 48
USERS_MIN: Final = 32
"""With fewer callers than that, blocks of time are drawn."""
CLUSTERS_MIN: Final = 8
_STEPS_PER_E: Final = 50
"""Times are counted in classes of 2 %: what an interval of a quantile is exact to."""
_TAIL: Final = 0.025
_DRAWS: Final = 14  # a stream of random numbers of its own


class Difference(msgspec.Struct, frozen=True):
    """Candidate minus the world as it is; `low` and `high` are None with too few clusters."""

    value: float
    low: float | None
    high: float | None


class Differences(msgspec.Struct, frozen=True):
    """Of all requests. Shares are in points of one, cost in nano-USD."""

    clusters_of: str
    clusters: int
    figures: dict[str, Difference]


class _Cluster:
    """What one cluster adds up to."""

    __slots__ = ("answered", "cost", "fell_back", "refused", "requests", "times")

    def __init__(self) -> None:
        self.requests = self.answered = self.refused = self.fell_back = self.cost = 0
        self.times: dict[int, int] = defaultdict(int)

    def add(self, outcome: Outcome) -> None:
        self.requests += 1
        self.cost += outcome.cost
        self.refused += outcome.error_code in REFUSALS
        if not outcome.error_code:
            self.answered += 1
            self.fell_back += outcome.fell_back
            if outcome.latency_us:
                self.times[round(math.log(outcome.latency_us) * _STEPS_PER_E)] += 1


_World = tuple[Sequence[Request], Sequence[Outcome]]
_Figure = Callable[[list[_Cluster], list[int]], float]


def differences(base: _World, candidate: _World, span_us: int, seed: int) -> Differences:
    """Return the differences of two worlds with their intervals."""
    users = {request.user.partition("#")[0] for request in base[0]}
    by_user = len(users - {""}) >= USERS_MIN and "" not in users
    count = min(CLUSTERS, len(base[0]))
    before, after = (
        _clusters(world, count, span_us, by_user=by_user) for world in (base, candidate)
    )
    full = [n for n in range(count) if before[n].requests or after[n].requests]
    before, after = [before[n] for n in full], [after[n] for n in full]
    draws = [_draw(len(full), seed, number) for number in range(REPLICATES)]
    found = {}
    for name, figure in _FIGURES.items():
        once = [1] * len(full)
        value = figure(after, once) - figure(before, once)
        if len(full) < CLUSTERS_MIN:
            found[name] = Difference(value, None, None)
            continue
        drawn = sorted(figure(after, draw) - figure(before, draw) for draw in draws)
        low, high = drawn[int(_TAIL * len(drawn))], drawn[-1 - int(_TAIL * len(drawn))]
        found[name] = Difference(value, low, high)
    return Differences("users" if by_user else "blocks of time", len(full), found)


def _clusters(world: _World, count: int, span_us: int, *, by_user: bool) -> list[_Cluster]:
    clusters = [_Cluster() for _ in range(count)]
    for request, outcome in zip(*world, strict=True):
        if by_user:
            place = crc32(request.user.partition("#")[0].encode()) % count
        else:
            place = min(count - 1, request.at_us * count // max(1, span_us))
        clusters[place].add(outcome)
    return clusters


def _draw(count: int, seed: int, number: int) -> list[int]:
    """Return how often each cluster is drawn, `count` times with replacement."""
    weights = [0] * count
    for n in range(count):
        weights[int(uniform(seed, _DRAWS, number * count + n) * count)] += 1
    return weights


def _sum(name: str) -> _Figure:
    def figure(clusters: list[_Cluster], weights: list[int]) -> float:
        return float(sum(w * getattr(c, name) for c, w in zip(clusters, weights, strict=True)))

    return figure


def _share(name: str, of: str) -> _Figure:
    above, below = _sum(name), _sum(of)

    def figure(clusters: list[_Cluster], weights: list[int]) -> float:
        whole = below(clusters, weights)
        return above(clusters, weights) / whole if whole else 0.0

    return figure


def _quantile(share: float) -> _Figure:
    def figure(clusters: list[_Cluster], weights: list[int]) -> float:
        counts: dict[int, int] = defaultdict(int)
        for cluster, weight in zip(clusters, weights, strict=True):
            if weight:
                for step, count in cluster.times.items():
                    counts[step] += weight * count
        left = share * sum(counts.values())
        for step in sorted(counts):
            left -= counts[step]
            if left <= 0:
                return math.exp(step / _STEPS_PER_E) / 1_000
        return 0.0

    return figure


_FIGURES: Final[dict[str, _Figure]] = {
    "cost_nano_usd": _sum("cost"),
    "cost_nano_usd_per_request": _share("cost", "requests"),
    "answered_share": _share("answered", "requests"),
    "refused_share": _share("refused", "requests"),
    "fallback_share": _share("fell_back", "answered"),
    "latency_ms_p50": _quantile(0.5),
    "latency_ms_p95": _quantile(0.95),
    "latency_ms_p99": _quantile(0.99),
}
