import math

import pytest

from legato.replay.side_by_side import Pair, Told, compared


def pair(before: int | None, after: int | None, text: str = "same") -> Pair:
    return Pair("r", Told(before, 2_000, "same"), Told(after, 3_000, text))


def test_differences_are_of_the_same_request() -> None:
    pairs = [pair(10**9, 2 * 10**9), pair(3 * 10**9, 5 * 10**9, "other"), pair(None, 1)]
    found = compared(pairs, lambda freedom: 10.0 * freedom)
    assert (found.pairs, found.equal) == (3, 2)
    assert (found.cost.pairs, found.cost.original, found.cost.candidate) == (2, 2.0, 3.5)
    assert found.cost.mean == 1.5
    assert found.cost.high is not None
    assert math.isclose(found.cost.high, 1.5 + 10.0 * math.sqrt(0.5 / 2))
    assert (found.latency.mean, found.latency.low, found.latency.high) == (1.0, 1.0, 1.0)
    assert found.length.pairs == 3


def test_one_pair_has_no_interval_and_none_is_refused() -> None:
    found = compared([pair(None, None)], lambda _: 1.0)
    assert (found.cost.pairs, found.latency.low) == (0, None)
    with pytest.raises(ValueError, match="no pair"):
        compared([], lambda _: 1.0)
