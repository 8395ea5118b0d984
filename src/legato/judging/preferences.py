"""What many pairwise judgements come to: how often an answer wins, and what its place did."""

from collections.abc import Sequence
from statistics import fmean

import msgspec

from legato.judging.pairs import PairJudgement, Place
from legato.judging.resampling import Estimate, estimated


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """Over all pairs that were judged.

    `win_rate` counts a tie as half a win. `position_bias` is how much likelier the first place is
    to be preferred than the second, over all verdicts: 0 for a fair judge, 1 for one that always
    takes the first. `consistent` is the share of pairs with the same verdict in both orders.
    """

    pairs: int
    unjudged: int
    wins: int
    ties: int
    losses: int
    win_rate: Estimate
    position_bias: Estimate
    consistent: Estimate


def preferences(judgements: Sequence[PairJudgement]) -> Preferences:
    """Sum judgements of pairs; ties as half is the usual convention (Zheng et al. 2023)."""
    judged = [one for one in judgements if one.score is not None]
    scores = [one.score for one in judged]
    return Preferences(
        pairs=len(judged),
        unjudged=len(judgements) - len(judged),
        wins=scores.count(1.0),
        ties=scores.count(0.5),
        losses=scores.count(0.0),
        win_rate=estimated(judged, lambda some: _mean([one.score or 0.0 for one in some])),
        position_bias=estimated(judged, lambda some: _mean([_bias(one) for one in some])),
        consistent=estimated(judged, lambda some: _mean([_consistent(one) for one in some])),
    )


def _bias(one: PairJudgement) -> float:
    said = (one.shown_first, one.shown_second)
    return (said.count(Place.FIRST) - said.count(Place.SECOND)) / 2


def _consistent(one: PairJudgement) -> float:
    turned = {Place.FIRST: Place.SECOND, Place.SECOND: Place.FIRST, Place.TIE: Place.TIE}
    return float(one.shown_first is not None and turned[one.shown_first] is one.shown_second)


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
