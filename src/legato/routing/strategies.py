"""The order in which a route's deployments are tried."""

from collections.abc import Callable, Sequence
from operator import attrgetter

import msgspec

from legato.core.config import Strategy
from legato.routing.load.balance import two_choices


class Candidate(msgspec.Struct, gc=False):
    """A deployment as routing sees it.

    `blended_price` is pico-USD for 3 input tokens and 1 output token, None when unpriced;
    `latency_ms` is a moving average of time to the first byte, 0 while unknown; `load` is how busy
    it is, per weight, set where the route orders by it.
    """

    name: str
    weight: int
    blended_price: int | None
    latency_ms: float = 0.0
    load: float = 0.0


Order = Callable[[Sequence[Candidate], Callable[[], float]], Sequence[Candidate]]
_UNPRICED_LAST = 2**63
_LATENCY_WEIGHT = 0.2


def _ordered(candidates: Sequence[Candidate], _random: Callable[[], float]) -> Sequence[Candidate]:
    return candidates


def _weighted(candidates: Sequence[Candidate], random: Callable[[], float]) -> Sequence[Candidate]:
    # Efraimidis & Spirakis (2006): sorting by u^(1/w) draws without replacement by weight
    return sorted(
        (c for c in candidates if c.weight > 0),
        key=lambda c: random() ** (1.0 / c.weight),
        reverse=True,
    )


def _cheapest(candidates: Sequence[Candidate], _random: Callable[[], float]) -> Sequence[Candidate]:
    return sorted(
        candidates,
        key=lambda c: _UNPRICED_LAST if c.blended_price is None else c.blended_price,
    )


def _least_latency(
    candidates: Sequence[Candidate], _random: Callable[[], float]
) -> Sequence[Candidate]:
    # an unmeasured deployment sorts first, so that it gets measured
    return sorted(candidates, key=attrgetter("latency_ms"))


def _least_outstanding(
    candidates: Sequence[Candidate], random: Callable[[], float]
) -> Sequence[Candidate]:
    return two_choices(candidates, random)


def _peak_ewma(candidates: Sequence[Candidate], random: Callable[[], float]) -> Sequence[Candidate]:
    return two_choices(candidates, random)


def _by_quality(
    candidates: Sequence[Candidate], _random: Callable[[], float]
) -> Sequence[Candidate]:
    return candidates  # routing.good_enough orders them: it has to know the request


def _in_steps(candidates: Sequence[Candidate], _random: Callable[[], float]) -> Sequence[Candidate]:
    return candidates  # the gateway's stages.cascade orders them: it has to know the request


ORDERS: dict[Strategy, Order] = {
    Strategy.ORDERED: _ordered,
    Strategy.WEIGHTED: _weighted,
    Strategy.CHEAPEST: _cheapest,
    Strategy.LEAST_LATENCY: _least_latency,
    Strategy.LEAST_OUTSTANDING: _least_outstanding,
    Strategy.PEAK_EWMA: _peak_ewma,
    Strategy.CHEAPEST_GOOD_ENOUGH: _by_quality,
    Strategy.CASCADE: _in_steps,
}


def moving_latency_ms(known_ms: float, latency_ms: float) -> float:
    """Return a candidate's moving average with one more measurement; the first stands as it is."""
    return known_ms + _LATENCY_WEIGHT * (latency_ms - known_ms) if known_ms else latency_ms
