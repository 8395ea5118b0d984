from __future__ import annotations

from legato.judging.pairs import PairJudgement, Place
from legato.judging.preferences import preferences

FIRST, SECOND, TIE = Place.FIRST, Place.SECOND, Place.TIE


def test_wins_ties_and_what_the_place_did() -> None:
    won = PairJudgement(1.0, FIRST, SECOND)
    lost = PairJudgement(0.0, SECOND, FIRST)
    biased = PairJudgement(0.5, FIRST, FIRST)
    unjudged = PairJudgement(None, FIRST, problem="?")
    found = preferences([won] * 6 + [lost] * 2 + [biased] * 2 + [unjudged])
    assert (found.pairs, found.unjudged, found.wins, found.ties, found.losses) == (10, 1, 6, 2, 2)
    assert found.win_rate.value == 0.7
    assert found.win_rate.low is not None
    assert found.win_rate.low < 0.7
    assert found.position_bias.value == 0.2
    assert found.consistent.value == 0.8


def test_a_fair_judge_has_no_bias_and_one_that_takes_the_first_has_all_of_it() -> None:
    fair = preferences([PairJudgement(1.0, FIRST, SECOND), PairJudgement(0.5, TIE, TIE)] * 5)
    assert (fair.position_bias.value, fair.consistent.value) == (0, 1)
    blind = preferences([PairJudgement(0.5, FIRST, FIRST)] * 8)
    assert (blind.position_bias.value, blind.consistent.value, blind.win_rate.value) == (1, 0, 0.5)


def test_of_nothing_nothing_is_known() -> None:
    assert preferences([]).win_rate.value is None
