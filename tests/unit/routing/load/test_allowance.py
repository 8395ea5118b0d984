import pytest

from legato.routing.load.allowance import Counted, Reading, is_near, left_now, wait_s


def test_an_allowance_refills_bit_by_bit() -> None:
    said = Reading(limit=100, left=0, full_in_s=60)
    assert left_now(said, 0) == 0
    assert left_now(said, 30) == 50
    assert left_now(said, 60) == 100


def test_without_a_limit_nothing_comes_back_before_the_reset() -> None:
    said = Reading(limit=0, left=3, full_in_s=60)
    assert left_now(said, 59) == 3
    assert left_now(said, 60) == float("inf")


def test_near_is_before_it_is_used_up() -> None:
    said = Reading(limit=100, left=10, full_in_s=60)
    assert not is_near(said, 0, spent=7, need=1)
    assert is_near(said, 0, spent=8, need=1)
    assert is_near(said, 0, spent=0, need=9)
    assert not is_near(Reading(100, 100, 60), 0, spent=0, need=5_000)  # else it would wait forever


def test_a_sliding_minute_has_room_again_when_enough_of_it_is_over() -> None:
    assert wait_s(Counted(9, 0), 30, limit=10, need=1) == 0
    assert wait_s(Counted(0, 10), 0, limit=10, need=1) == pytest.approx(6)
    assert wait_s(Counted(0, 10), 6, limit=10, need=1) == pytest.approx(0)
    assert wait_s(Counted(10, 0), 30, limit=10, need=1) == pytest.approx(36)
    assert wait_s(Counted(0, 0), 0, limit=10, need=99) == 0
