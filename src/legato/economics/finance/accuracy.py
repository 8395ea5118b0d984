"""What a point of accuracy costs: the frontier of score and cost, step by step."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from legato.core.money import NanoUSD
from legato.economics.finance.figures import AccuracyPoint
from legato.economics.finance.flows import whole
from legato.economics.finance.method import paragraphs

METHOD: Final = paragraphs(
    """
    The frontier is what nothing cheaper beats. A point's cost is the difference in cost of a
    thousand answers over the difference in points (hundredths of the score) to the next cheaper
    on the frontier.

    Scores are means over answers; differences smaller than their noise say nothing: `legato eval
    show` has the intervals.
    """
)
_THOUSAND: Final = 1000
_SHOWN: Final = Decimal("0.01")


class Tried(msgspec.Struct, frozen=True):
    """One way to answer: mean score of 0 to 1, and nano-USD of all its answers."""

    name: str
    answers: int
    score: Decimal
    cost: int


def priced_points(tried: Sequence[Tried]) -> list[AccuracyPoint]:
    """Return them cheapest first, with what a point costs along the frontier."""
    ordered = sorted(tried, key=lambda one: (_per_thousand(one), -one.score, one.name))
    shown, last = [], None
    for one in ordered:
        on = last is None or one.score > last.score
        costs = None
        if on and last is not None:
            points = (one.score - last.score) * 100
            costs = whole((_exact(one) - _exact(last)) / points)
        shown.append(
            AccuracyPoint(
                name=one.name,
                answers=one.answers,
                score=format((one.score * 100).quantize(_SHOWN, ROUND_HALF_EVEN), "f"),
                cost_per_1000_nano=_per_thousand(one),
                on_frontier=on,
                point_costs_nano=costs,
            )
        )
        if on:
            last = one
    return shown


def _exact(one: Tried) -> Decimal:
    return Decimal(one.cost) * _THOUSAND / one.answers


def _per_thousand(one: Tried) -> NanoUSD:
    return whole(_exact(one))
