from hypothesis import given
from hypothesis import strategies as st

from legato.resilience.backoff import full_jitter, wait_before_retry


@given(st.integers(1, 1000), st.floats(0, 0.999))
def test_waits_stay_under_the_doubling_ceiling(attempt: int, draw: float) -> None:
    wait_s = full_jitter(attempt, 0.25, 8.0, lambda: draw)
    assert 0 <= wait_s <= min(8.0, 0.25 * 2 ** min(attempt - 1, 30))


def test_the_provider_is_obeyed_when_it_asks_for_more() -> None:
    assert wait_before_retry(0.1, 2.0, 30) == 2.0
    assert wait_before_retry(5.0, 2.0, 30) == 5.0
    assert wait_before_retry(0.1, None, 30) == 0.1


def test_a_wait_beyond_the_limit_is_not_waited_for() -> None:
    assert wait_before_retry(0.1, 31.0, 30) is None
