"""Times come as crontab(5) writes them, by the clock of a time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from legato.core.cron import read_cron
from legato.core.errors import InvalidRequest

ZURICH = "Europe/Zurich"


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


def following(cron: str, at: str, zone: str = "UTC") -> str:
    found = read_cron(cron, zone).after(ns(at))
    assert found is not None
    return datetime.fromtimestamp(found // 10**9, ZoneInfo(zone)).isoformat()


@pytest.mark.parametrize(
    ("cron", "at", "comes"),
    [
        ("0 8 1 * *", "2026-10-31T23:00+00:00", "2026-11-01T08:00:00+00:00"),
        ("0 8 1 * *", "2026-11-01T08:00+00:00", "2026-12-01T08:00:00+00:00"),
        ("*/15 * * * *", "2026-11-01T08:01+00:00", "2026-11-01T08:15:00+00:00"),
        ("0 9 * * mon-fri", "2026-11-20T10:00+00:00", "2026-11-23T09:00:00+00:00"),
        ("0 0 29 feb *", "2026-01-01T00:00+00:00", "2028-02-29T00:00:00+00:00"),
        ("0 0 13 * 5", "2026-11-12T12:00+00:00", "2026-11-13T00:00:00+00:00"),
        ("0 0 13 * 5", "2026-11-13T12:00+00:00", "2026-11-20T00:00:00+00:00"),
        ("@monthly", "2026-12-31T23:59+00:00", "2027-01-01T00:00:00+00:00"),
        ("0 0 * * 7", "2026-11-20T00:00+00:00", "2026-11-22T00:00:00+00:00"),
    ],
)
def test_it_comes_next(cron: str, at: str, comes: str) -> None:
    assert following(cron, at) == comes


def test_a_skipped_time_comes_when_the_clock_goes_on_and_a_double_one_once() -> None:
    # 2026-03-29 02:30 isn't there in Zurich; 2026-10-25 02:30 is there twice
    spring = following("30 2 * * *", "2026-03-28T12:00+00:00", ZURICH)
    assert spring == "2026-03-29T03:30:00+02:00"
    autumn = following("30 2 * * *", "2026-10-24T12:00+00:00", ZURICH)
    assert autumn == "2026-10-25T02:30:00+02:00"
    assert following("30 2 * * *", "2026-10-25T00:45+00:00", ZURICH) == "2026-10-26T02:30:00+01:00"


@given(
    minute=st.sampled_from(["0", "*/7", "5,25,45", "10-20", "*"]),
    hour=st.sampled_from(["8", "*/5", "0-6/2", "23", "*"]),
    month_day=st.sampled_from(["*", "1", "15,31", "*/10"]),
    month=st.sampled_from(["*", "1-3", "2", "*/4"]),
    week_day=st.sampled_from(["*", "1", "0,6", "2-4"]),
    at_s=st.integers(1_600_000_000, 2_000_000_000),
)
def test_it_agrees_with_another_program(  # noqa: PLR0917 - one for each field
    minute: str, hour: str, month_day: str, month: str, week_day: str, at_s: int
) -> None:
    cron = f"{minute} {hour} {month_day} {month} {week_day}"
    if month_day.startswith("*/") and week_day != "*":
        return  # Vixie's star: what both say at once is read in two ways
    expected = croniter(cron, datetime.fromtimestamp(at_s, UTC)).get_next(datetime)
    assert read_cron(cron).after(at_s * 10**9) == int(expected.timestamp()) * 10**9


@pytest.mark.parametrize(
    "wrong",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a * * * *",
     "*/0 * * * *", "5-1 * * * *", "0 0 31 2 *", "0 0 1-32 * *"],
)  # fmt: skip
def test_what_is_no_time_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_cron(wrong)
    assert refused.value.param == "cron"


def test_a_time_zone_has_to_be_one() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_cron("0 8 1 * *", "Mars/Olympus")
    assert refused.value.param == "time_zone"
