import math
import timeit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.routing.assignment import (
    ARMS_MAX,
    WHOLE_BP,
    Assignment,
    Slices,
    resliced,
    slices_of,
    unit_of,
)

UNITS = [f"user-{number}" for number in range(20_000)]
ARMS = ["champion", "b", "c", "d"]


@st.composite
def weights(draw: st.DrawFn) -> dict[str, int]:
    cuts = sorted(draw(st.lists(st.integers(0, WHOLE_BP), min_size=3, max_size=3)))
    ends = [0, *cuts, WHOLE_BP]
    return {arm: ends[n + 1] - ends[n] for n, arm in enumerate(ARMS)}


def owners(slices: Slices) -> list[str]:
    return [part.arm for part in slices for _ in range(part.start, part.end)]


@given(weights())
def test_slices_cover_every_point_once(shares: dict[str, int]) -> None:
    owned = owners(slices_of(shares))
    assert {arm: owned.count(arm) for arm in ARMS} == shares
    assert len(owned) == WHOLE_BP


@given(weights(), weights(), weights())
def test_whoever_is_in_a_growing_arm_stays_in_it(
    first: dict[str, int], second: dict[str, int], third: dict[str, int]
) -> None:
    slices = slices_of(first)
    for before, after in ((first, second), (second, third)):
        then = resliced(slices, after)
        pairs = list(zip(owners(slices), owners(then), strict=True))
        assert {arm: owners(then).count(arm) for arm in ARMS} == after
        for arm in ARMS:
            stayed = pairs.count((arm, arm))
            assert stayed == min(before[arm], after[arm])
        slices = then


def test_a_canary_grows_around_its_first_users() -> None:
    slices = slices_of({"candidate": 100, "champion": 9_900})
    members: set[str] = set()
    for share in (500, 2_500, 5_000, 10_000):
        slices = resliced(slices, {"candidate": share, "champion": WHOLE_BP - share})
        serving = Assignment("refund-reply/7", slices)
        now = {unit for unit in UNITS if serving.arm(unit) == "candidate"}
        assert members < now
        members = now
    assert len(members) == len(UNITS)


def test_a_third_arm_loses_nobody_when_another_grows() -> None:
    before = slices_of({"b": 1_000, "c": 1_000, "champion": 8_000})
    after = resliced(before, {"b": 4_000, "c": 1_000, "champion": 5_000})
    was, now = Assignment("r", before), Assignment("r", after)
    assert [u for u in UNITS if was.arm(u) == "c"] == [u for u in UNITS if now.arm(u) == "c"]


@pytest.mark.parametrize("salt", ["one", "two", "rollout/3fa9c1d2e4b5"])
@pytest.mark.parametrize("share", [50, 500, 3_333, 5_000])
def test_shares_are_right_within_binomial_bounds(salt: str, share: int) -> None:
    serving = Assignment(salt, slices_of({"candidate": share, "champion": WHOLE_BP - share}))
    chance = share / WHOLE_BP
    seen = sum(serving.arm(unit) == "candidate" for unit in UNITS)
    spread = math.sqrt(len(UNITS) * chance * (1 - chance))
    assert abs(seen - len(UNITS) * chance) < 4 * spread


def test_points_are_spread_evenly() -> None:
    serving = Assignment("even", slices_of({"all": WHOLE_BP}))
    bins = [0] * 100
    for unit in UNITS:
        bins[serving.point(unit) // 100] += 1
    expected = len(UNITS) / len(bins)
    chi_square = sum((seen - expected) ** 2 / expected for seen in bins)
    assert chi_square < 149.4  # the 99.9th percentile with 99 degrees of freedom


def test_rollouts_divide_their_callers_independently() -> None:
    halves = slices_of({"b": 5_000, "champion": 5_000})
    one, two = Assignment("one", halves), Assignment("two", halves)
    both = sum(one.arm(unit) == "b" and two.arm(unit) == "b" for unit in UNITS)
    spread = math.sqrt(len(UNITS) * 0.25 * 0.75)
    assert abs(both - len(UNITS) / 4) < 4 * spread


@given(st.text(min_size=1))
def test_it_is_the_same_each_time_and_after_being_written_down(unit: str) -> None:
    slices = slices_of({"b": 1_234, "champion": WHOLE_BP - 1_234})
    written = msgspec.json.encode({"salt": "r/1", "slices": slices, "unit": unit})
    read = msgspec.json.decode(written)
    again = Assignment(read["salt"], msgspec.convert(read["slices"], Slices))
    assert again.arm(read["unit"]) == Assignment("r/1", slices).arm(unit)


def test_the_hash_is_the_documented_one() -> None:
    serving = Assignment("rollout-1", slices_of({"all": WHOLE_BP}))
    # keyed BLAKE2b of 8 bytes, big-endian, times 10,000, by 2**64: written down, never to change
    assert [serving.point(unit) for unit in ("alice", "bob", "")] == [1741, 4219, 524]


def test_the_user_is_the_unit_where_one_is_named() -> None:
    assert unit_of("u_9f", "req_1") == "u_9f"
    assert unit_of(None, "req_1") == unit_of("", "req_1") == "req_1"


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({"b": 500}, "sum to 500 basis points"),
        ({"b": -1, "champion": 10_001}, "negative"),
        ({f"arm-{n}": 0 for n in range(ARMS_MAX + 1)}, "at most 32 arms"),
    ],
)
def test_weights_that_can_not_be_are_refused(shares: dict[str, int], told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        slices_of(shares)
    with pytest.raises(InvalidRequest, match=told):
        resliced(slices_of({"all": WHOLE_BP}), shares)


@pytest.mark.parametrize("salt", ["", "s" * 65])
def test_a_salt_that_can_not_be_is_refused(salt: str) -> None:
    with pytest.raises(InvalidRequest, match="salt"):
        Assignment(salt, slices_of({"all": WHOLE_BP}))


def test_it_costs_microseconds() -> None:
    serving = Assignment("r/1", slices_of({"b": 500, "champion": 9_500}))
    calls = 2_000
    best_s = min(timeit.repeat(lambda: serving.arm("u_9f3c"), number=calls, repeat=5))
    assert best_s / calls < 50e-6  # measured: about 2 µs; the bound is for a loaded machine
