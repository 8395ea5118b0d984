"""Which deployments another one of the same route could replace, by price and measured quality."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Final, NamedTuple

import msgspec

from legato.core.money import NanoUSD
from legato.core.price import Price
from legato.core.usage import Usage
from legato.economics.cost import cost

SAMPLES_MIN: Final = 30
"""Fewer scores of either say nothing."""
LOSS_MAX: Final = 0.05
"""So much less of a mean score from 0 to 1 is taken for as good."""
_Z_95: Final = 1.96


class Served(NamedTuple):
    """What a deployment did for a route in a month."""

    route: str
    deployment: str
    usage: Usage
    answers: int
    cost: int


class Scores(msgspec.Struct, frozen=True):
    """Scores of a deployment's answers."""

    count: int
    mean: float
    variance: float


class Quality(NamedTuple):
    """How much better the other one is, and its interval of 95 %; None where too few are scored."""

    difference: float
    low: float
    high: float


class Replacement(NamedTuple):
    """One deployment by another: what the same tokens had cost, and how good the other one is."""

    served: Served
    by: str
    would_cost: NanoUSD
    quality: Quality | None

    @property
    def saves(self) -> int:
        """Nano-USD of the month."""
        return self.served.cost - self.would_cost

    @property
    def is_as_good(self) -> bool:
        """Whether the other one is, at 95 %, no worse than what is taken for as good."""
        return self.quality is not None and self.quality.low >= -LOSS_MAX


def scores_of(values: Sequence[float]) -> Scores:
    """Return what scores come to; the variance is that of a sample."""
    count = len(values)
    mean = sum(values) / count if count else 0.0
    spread = sum((value - mean) ** 2 for value in values)
    return Scores(count, mean, spread / (count - 1) if count > 1 else 0.0)


def compared(one: Scores | None, other: Scores | None) -> Quality | None:
    """Return how much better the other is (Welch's interval, by the normal distribution)."""
    if one is None or other is None or min(one.count, other.count) < SAMPLES_MIN:
        return None
    difference = other.mean - one.mean
    half = _Z_95 * sqrt(one.variance / one.count + other.variance / other.count)
    return Quality(difference, difference - half, difference + half)


def replacements(
    served: Sequence[Served],
    choices: Mapping[str, Sequence[str]],
    prices: Mapping[str, Price | None],
    scores: Mapping[str, Scores],
) -> list[Replacement]:
    """Return for each deployment of a route the cheaper ones of the route, the best saving first.

    `choices` are the deployments of each route. What is billed by the hour isn't compared: its
    tokens have no price.
    """
    found = []
    for one in served:
        for name in choices.get(one.route, ()):
            price = prices.get(name)
            if name == one.deployment or price is None or price.machine_hour:
                continue
            made = Replacement(
                one,
                name,
                cost(one.usage, price),
                compared(scores.get(one.deployment), scores.get(name)),
            )
            if made.saves > 0:
                found.append(made)
    return sorted(found, key=lambda made: (-made.saves, made.served.route, made.by))
