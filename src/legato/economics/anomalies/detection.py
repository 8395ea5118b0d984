"""Whether an hour's spend is unusual for its hour of the week, by robust z-scores.

A model is learnt from whole weeks: for each of the 168 hours of the week the median of what it
cost (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993: median and MAD), each week
scaled to the level of the last one by the median of how their days compare, so that growth is no
anomaly. One hour has few weeks behind it, too few for a spread of its own; so the spread is
shared: the MAD of all hours relative to their medians, and beside it the scatter of a few dear
requests, as of Poisson counts.

An alert takes two hours in a row, both unusual and together by `z_min`, and an excess of
`floor_nano` dollars. With less than two weeks behind it nothing is said.
"""

import math
from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec

from legato.core.money import NanoUSD

WEEK_HOURS: Final = 168
_DAY_HOURS: Final = 24
WEEKS_MIN: Final = 2
WEEKS_MAX: Final = 8
_MAD_TO_SIGMA: Final = 1.4826
_MEDIAN_VARIANCE: Final = math.pi / 2
"""Of a median of normal values, against that of their mean (asymptotically)."""

_FEW_WEEKS: Final = 2.0
"""So few weeks don't show yet how weeks differ: what is learnt of them is trusted less."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """When an alert is raised. `z_each` of each of two hours, `z_min` of both together."""

    z_min: float = 6.5
    z_each: float = 2.5
    floor_nano: int = 1_000_000_000
    spread_min: float = 0.1
    """No spread is taken to be narrower, relative to the median: weeks may be alike by chance."""


class Hour(msgspec.Struct, frozen=True):
    """What an hour cost, in nano-USD, and how many requests it had."""

    cost: int = 0
    requests: int = 0


class Model(msgspec.Struct, frozen=True):
    """What is usual: by hour of the week, counted from the hour behind what was learnt."""

    medians: tuple[float, ...]
    spread: float
    """Standard deviation relative to the median."""
    unit: float
    """What a request costs, nano-USD."""
    weeks: int

    def expected(self, offset: int) -> float:
        """Return what an hour usually costs, `offset` hours behind what was learnt."""
        return self.medians[offset % WEEK_HOURS]

    def sigma(self, offset: int, terms: Terms) -> float:
        """Return the standard deviation of an hour, nano-USD."""
        usual = self.expected(offset)
        relative = max(self.spread, terms.spread_min) * usual
        counting = 2.0 * usual * self.unit  # of sums whose terms scatter about as much as they are
        learnt = 1.0 + _MEDIAN_VARIANCE / self.weeks + (_FEW_WEEKS / self.weeks) ** 2
        least = terms.floor_nano / (2.0 * terms.z_min)
        return math.sqrt((relative * relative + counting) * learnt + least * least)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Two hours in a row that were unusual; figures of both together, nano-USD."""

    z: float
    cost: NanoUSD
    expected: NanoUSD

    @property
    def excess(self) -> int:
        """What was spent beyond the usual."""
        return self.cost - self.expected


def learn(history: Sequence[Hour]) -> Model | None:
    """Learn from hours in a row, the last one last; None from less than two weeks with spend."""
    weeks = _weeks(history)
    if len(weeks) < WEEKS_MIN:
        return None
    growth = [_growth(week, weeks[0]) for week in weeks]
    scaled = [
        [hour.cost * grown for hour in week]
        for week, grown in zip(weeks, growth, strict=True)
        if grown > 0
    ]
    if len(scaled) < WEEKS_MIN:
        return None
    medians = tuple(median(hours) for hours in zip(*scaled, strict=True))
    apart = [
        abs(cost - usual) / usual
        for week in scaled
        for cost, usual in zip(week, medians, strict=True)
        if usual > 0
    ]
    few = math.sqrt(len(scaled) / (len(scaled) - 1))  # a median of few lies near each of them
    requests = sum(hour.requests for week in weeks for hour in week)
    cost = sum(hour.cost for week in weeks for hour in week)
    spread = _MAD_TO_SIGMA * median(apart) * few if apart else 0.0
    return Model(medians, spread, cost / max(1, requests), len(scaled))


def judge(model: Model, offset: int, both: tuple[Hour, Hour], terms: Terms) -> Finding | None:
    """Return what is unusual about two hours in a row, None for nothing.

    `offset` is the second's, in hours behind what the model was learnt from.
    """
    places = (offset - 1, offset)
    scores = [
        (hour.cost - model.expected(place)) / model.sigma(place, terms)
        for hour, place in zip(both, places, strict=True)
    ]
    together = sum(scores) / math.sqrt(len(scores))
    expected = round(sum(model.expected(place) for place in places))
    cost = sum(hour.cost for hour in both)
    if min(scores) < terms.z_each or together < terms.z_min:
        return None
    if cost - expected < terms.floor_nano:
        return None
    return Finding(z=together, cost=NanoUSD(cost), expected=NanoUSD(expected))


def _weeks(history: Sequence[Hour]) -> list[Sequence[Hour]]:
    """Return whole weeks, the last one first; those before the first spend are none."""
    first = next((place for place, hour in enumerate(history) if hour.cost or hour.requests), None)
    if first is None:
        return []
    count = min(WEEKS_MAX, (len(history) - first) // WEEK_HOURS)
    end = len(history)
    return [
        history[end - WEEK_HOURS * (back + 1) : end - WEEK_HOURS * back] for back in range(count)
    ]


def _growth(week: Sequence[Hour], last: Sequence[Hour]) -> float:
    """Return how the last week's days compare with a week's: 0 where most can't be compared.

    Day by day, so that a holiday or two, or a spike, is not taken for a new level.
    """
    ratios = [
        now / then if then else 0.0 for now, then in zip(_days(last), _days(week), strict=True)
    ]
    return median(ratios)


def _days(week: Sequence[Hour]) -> list[int]:
    return [
        sum(hour.cost for hour in week[start : start + _DAY_HOURS])
        for start in range(0, WEEK_HOURS, _DAY_HOURS)
    ]
