from __future__ import annotations

import pytest

from legato.replay.twin.dice import uniform
from legato.replay.twin.intervals import differences
from legato.replay.twin.kernel import Outcome, simulate
from legato.replay.twin.traffic import Request
from twin_worlds import COST, place, requests, world

SPAN_US = 1_000_000_000


def traffic(count: int, users: int) -> list[Request]:
    return [
        Request(at_us=n * SPAN_US // count, name="chat", user=f"u{n % users}" if users else "")
        for n in range(count)
    ]


def costs(count: int, seed: int, more: int = 0) -> list[Outcome]:
    return [
        Outcome(cost=int(1000 * uniform(seed, 1, n)) + more, latency_us=1000) for n in range(count)
    ]


def test_equal_worlds_differ_in_nothing() -> None:
    asked = traffic(500, 50)
    found = differences((asked, costs(500, 1)), (asked, costs(500, 1)), SPAN_US, seed=1)
    assert found.clusters_of == "users"
    assert {(one.value, one.low, one.high) for one in found.figures.values()} == {(0.0, 0.0, 0.0)}


def test_a_known_difference_is_within_and_zero_is_not() -> None:
    asked = traffic(2000, 0)
    found = differences((asked, costs(2000, 1)), (asked, costs(2000, 2, 100)), SPAN_US, seed=1)
    assert found.clusters_of == "blocks of time"
    cost = found.figures["cost_nano_usd_per_request"]
    assert cost.low is not None
    assert cost.high is not None
    assert 0 < cost.low < 100 < cost.high


def test_the_interval_covers_as_often_as_it_says() -> None:
    asked = traffic(400, 0)
    inside = 0
    for seed in range(60):
        base, other = costs(400, 2 * seed + 10), costs(400, 2 * seed + 11, 50)
        one = differences((asked, base), (asked, other), SPAN_US, seed).figures
        cost = one["cost_nano_usd_per_request"]
        assert cost.low is not None
        assert cost.high is not None
        inside += cost.low <= 50 <= cost.high
    assert inside >= 51  # 57 of 60 are expected


def test_too_few_to_be_sure_have_no_interval() -> None:
    asked = traffic(5, 0)
    found = differences((asked, costs(5, 1)), (asked, costs(5, 2)), SPAN_US, seed=1)
    assert {one.low for one in found.figures.values()} == {None}


def test_times_of_a_slower_world_differ_by_as_much() -> None:
    asked = requests(400)
    slow = simulate(world(place("a")), asked, 1).outcomes
    for one in slow:
        one.latency_us *= 2
    fast = simulate(world(place("a")), asked, 1).outcomes
    found = differences((asked, fast), (asked, slow), 400_000_000, seed=1).figures
    assert found["latency_ms_p95"].value == pytest.approx(200, rel=0.03)
    assert sum(one.cost for one in fast) == 400 * COST
