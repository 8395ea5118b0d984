from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.economics.fiscal import (
    Calendar,
    check_calendar,
    day_of,
    period_around,
    period_named,
    periods_of,
)

calendars = st.builds(
    Calendar,
    pattern=st.sampled_from(["months", "4-4-5", "4-5-4", "5-4-4"]),
    year_start=st.integers(1, 12),
    start_day=st.integers(1, 28),
    year_end=st.integers(1, 12),
    weekday=st.integers(0, 6),
    year_ends=st.sampled_from(["last", "nearest"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)


def ns(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000_000  # type: ignore[misc]


@given(calendars, st.integers(ns(1990, 1, 1), ns(2100, 1, 1)))
def test_every_time_lies_in_exactly_one_period(calendar: Calendar, at_ns: int) -> None:
    period = period_around(calendar, at_ns)
    assert period.start_ns <= at_ns < period.end_ns
    assert period_around(calendar, period.end_ns).start_ns == period.end_ns
    assert period_around(calendar, period.start_ns - 1).end_ns == period.start_ns
    assert period_named(calendar, period.name) == period


@given(calendars, st.integers(1990, 2100))
def test_years_follow_each_other(calendar: Calendar, year: int) -> None:
    both = [*periods_of(calendar, year), *periods_of(calendar, year + 1)]
    assert len(both) == 24
    assert all(one.end_ns == after.start_ns for one, after in pairwise(both))


def test_plain_months_are_named_as_months() -> None:
    assert period_around(Calendar(), ns(2026, 11, 30, 23, 59)).name == "2026-11"
    berlin = Calendar(zone="Europe/Berlin")
    assert period_around(berlin, ns(2026, 11, 30, 23, 59)).name == "2026-12"


def test_a_year_is_named_by_where_it_ends() -> None:
    july = Calendar(year_start=7)
    assert period_around(july, ns(2026, 7, 1)).name == "FY2027-P01"
    assert period_around(Calendar(start_day=15), ns(2026, 12, 20)).name == "FY2027-P12"


def test_the_retail_calendar_has_its_53rd_week_in_2023() -> None:
    # the National Retail Federation's: Saturday nearest the end of January; its 2023 ends in 2024
    retail = Calendar(pattern="4-5-4", year_end=1, weekday=5, year_ends="nearest")
    periods = periods_of(retail, 2024)
    assert day_of(retail, periods[0].start_ns).isoformat() == "2023-01-29"
    assert day_of(retail, periods[-1].end_ns).isoformat() == "2024-02-04"
    weeks = [(one.end_ns - one.start_ns) // (7 * 86_400 * 10**9) for one in periods]
    assert weeks == [4, 5, 4] * 3 + [4, 5, 5]


def test_a_zone_that_isnt_one_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="Europe/Berlin"):
        check_calendar(Calendar(zone="Mars/Olympus"))


@pytest.mark.parametrize("name", ["2026-13", "FY2026-P13", "now", "", "FY9999-P01"])
def test_a_name_that_isnt_one_names_nothing(name: str) -> None:
    assert period_named(Calendar(), name) is None
