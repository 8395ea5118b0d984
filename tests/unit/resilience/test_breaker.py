from hypothesis import given
from hypothesis import strategies as st

from legato.core.config import Breaker
from legato.resilience.breaker import (
    EMPTY,
    HEALTHY,
    HISTORY_CALLS_MAX,
    State,
    after_failure,
    after_silence,
    after_success,
    probe,
    remember,
    should_open,
)


def _history(outcomes: list[bool]) -> int:
    history = EMPTY
    for failed in outcomes:
        history = remember(history, failed=failed)
    return history


def test_failures_in_a_row_open_it() -> None:
    rules = Breaker(failures=3)
    assert not should_open(_history([True, True]), rules)
    assert should_open(_history([True, True, True]), rules)
    assert not should_open(_history([True, True, False, True]), rules)


def test_a_share_of_failures_opens_it_once_the_window_is_full() -> None:
    rules = Breaker(failures=10, failure_share=0.5, window_calls=8)
    assert not should_open(_history([True, False] * 3), rules)
    assert should_open(_history([True, False] * 4), rules)
    assert not should_open(_history([False, False, True] * 4), rules)


@given(st.lists(st.booleans(), max_size=300))
def test_the_history_fits_a_machine_word(outcomes: list[bool]) -> None:
    history = _history(outcomes)
    assert 0 < history < 2**63
    assert history.bit_length() - 1 == min(len(outcomes), HISTORY_CALLS_MAX)
    newest = outcomes[-HISTORY_CALLS_MAX:]
    assert history & ((1 << len(newest)) - 1) == int(
        "".join("1" if failed else "0" for failed in newest) or "0", 2
    )


def test_a_cell_opens_lets_one_probe_through_and_closes() -> None:
    rules = Breaker(failures=2, open_s=10)
    cell = after_failure(after_failure(HEALTHY, rules, 0.0), rules, 1.0)
    assert cell.state is State.OPEN
    assert probe(cell, 10.9) is None
    trying = probe(cell, 11.0)
    assert trying is not None
    assert probe(trying, 11.0) is None
    assert after_failure(trying, rules, 12.0).until_s == 22.0
    assert after_silence(trying, 12.0).state is State.OPEN
    assert after_success(trying) == HEALTHY
