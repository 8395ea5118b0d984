from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.principal import Window
from legato.storage.database.windows import FOREVER_NS, day_text, period_of, window_bounds


def ns(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000_000  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        (Window.DAY, (2026, 12, 31), (2027, 1, 1)),
        (Window.WEEK, (2026, 12, 28), (2027, 1, 4)),
        (Window.MONTH, (2026, 12, 1), (2027, 1, 1)),
    ],
)
def test_windows_run_on_the_utc_calendar(
    window: Window, start: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    assert window_bounds(window, ns(2026, 12, 31, 23, 59)) == (ns(*start), ns(*end))


def test_a_total_window_never_ends() -> None:
    assert window_bounds(Window.TOTAL, 5) == (0, FOREVER_NS)


@given(st.sampled_from(Window), st.integers(0, 4_000_000_000_000_000_000))
def test_a_window_holds_its_time_and_the_next_begins_where_it_ends(
    window: Window, at_ns: int
) -> None:
    start_ns, end_ns = window_bounds(window, at_ns)
    assert start_ns <= at_ns < end_ns
    assert window_bounds(window, start_ns) == (start_ns, end_ns)
    if window is not Window.TOTAL:
        assert window_bounds(window, end_ns)[0] == end_ns


def test_periods_and_days_are_written_out() -> None:
    assert period_of(ns(2026, 2, 28, 23, 59, 59) + 999_999_999) == "2026-02"
    assert period_of(ns(2026, 3, 1)) == "2026-03"
    assert day_text(ns(2026, 3, 1) // 86_400_000_000_000) == "2026-03-01"
