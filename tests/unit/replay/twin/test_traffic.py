from __future__ import annotations

from collections import Counter
from statistics import mean, variance

import pytest

from legato.replay.twin.dice import uniform
from legato.replay.twin.traffic import Copies, Load, Request, more
from twin_worlds import requests

SPAN_US = 3_600_000_000
SECOND_US = 1_000_000


def bursty() -> list[Request]:
    """Bursts of ten within a second at random moments of an hour."""
    times = [
        int(uniform(9, 1, burst) * (SPAN_US - SECOND_US)) + n * 90_000
        for burst in range(200)
        for n in range(10)
    ]
    return [Request(at_us=at_us, name="chat", user="u") for at_us in sorted(times)]


def dispersion(traffic: list[Request], window_us: int = 10 * SECOND_US) -> float:
    counts = Counter(one.at_us // window_us for one in traffic)
    windows = [counts.get(n, 0) for n in range(SPAN_US // window_us)]
    return variance(windows) / mean(windows)


def test_ten_times_the_load_keeps_how_bursty_it_is() -> None:
    once = bursty()
    tenfold = more(once, Load(10), SPAN_US, seed=1)
    assert len(tenfold) == 10 * len(once)
    assert [one.at_us for one in tenfold] == sorted(one.at_us for one in tenfold)
    assert dispersion(tenfold) == pytest.approx(dispersion(once), rel=0.15)


def test_copies_laid_together_make_bursts_grow() -> None:
    once = bursty()
    together = more(once, Load(10, Copies.TOGETHER), SPAN_US, seed=1)
    assert dispersion(together) > 5 * dispersion(once)


def test_a_part_is_thinned() -> None:
    once = requests(10_000, every_us=1000)
    assert len(more(once, Load(0.3), SPAN_US, seed=1)) == pytest.approx(3_000, rel=0.05)
    half_more = more(once, Load(1.5), SPAN_US, seed=1)
    assert len(half_more) == pytest.approx(15_000, rel=0.05)
    assert [one for one in half_more if one.at_us in {0, 1000}][:2] == once[:2]


def test_the_users_of_a_copy_are_others() -> None:
    assert {one.user for one in more(bursty(), Load(2), SPAN_US, seed=1)} == {"u", "u#1"}
