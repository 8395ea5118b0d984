from datetime import UTC, datetime
from itertools import islice

import pytest

from legato.core.errors import InvalidRequest
from legato.flow.schedule import read_schedule

BERLIN = "Europe/Berlin"


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000_000


def times(cron: str, after: str, count: int, zone: str = "UTC") -> list[str]:
    found = islice(read_schedule(cron, zone).after(ns(after)), count)
    return [f"{datetime.fromtimestamp(one // 10**9, UTC):%Y-%m-%dT%H:%MZ}" for one in found]


@pytest.mark.parametrize(
    ("cron", "wanted"),
    [
        ("*/20 * * * *", ["2026-01-01T00:20Z", "2026-01-01T00:40Z", "2026-01-01T01:00Z"]),
        ("0 9 * * mon-fri", ["2026-01-01T09:00Z", "2026-01-02T09:00Z", "2026-01-05T09:00Z"]),
        ("30 6 1,15 * *", ["2026-01-01T06:30Z", "2026-01-15T06:30Z", "2026-02-01T06:30Z"]),
        ("0 0 13 * fri", ["2026-01-02T00:00Z", "2026-01-09T00:00Z", "2026-01-13T00:00Z"]),
        ("0 12 29 2 *", ["2028-02-29T12:00Z", "2032-02-29T12:00Z", "2036-02-29T12:00Z"]),
        ("@weekly", ["2026-01-04T00:00Z", "2026-01-11T00:00Z", "2026-01-18T00:00Z"]),
    ],
)
def test_times_come_in_order(cron: str, wanted: list[str]) -> None:
    assert times(cron, "2026-01-01T00:00+00:00", 3) == wanted


def test_a_time_that_the_clocks_leave_out_comes_once_behind_the_gap() -> None:
    # 29 March 2026: 02:00 becomes 03:00 in Berlin
    found = times("30 2 * * *", "2026-03-28T12:00+01:00", 2, BERLIN)
    assert found == ["2026-03-29T01:30Z", "2026-03-30T00:30Z"]


def test_a_time_that_comes_twice_counts_once() -> None:
    # 25 October 2026: 03:00 becomes 02:00 again in Berlin
    found = times("30 2 * * *", "2026-10-24T12:00+02:00", 2, BERLIN)
    assert found == ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]


def test_intervals_go_on_through_both() -> None:
    back = times("0 * * * *", "2026-10-25T00:00+02:00", 4, BERLIN)
    assert back == [f"2026-10-{day}Z" for day in ("24T23:00", "25T00:00", "25T01:00", "25T02:00")]
    forward = times("*/30 * * * *", "2026-03-29T01:00+01:00", 3, BERLIN)
    assert forward == ["2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z"]


@pytest.mark.parametrize(
    ("cron", "zone", "told"),
    [
        ("61 * * * *", "UTC", "minute"), ("* * * *", "UTC", "five fields"),
        ("0 0 31 2 *", "UTC", "no such day"), ("*/0 * * * *", "UTC", "minute"),
        ("0 9 * * monday", "UTC", "weekday"), ("0 9 * * *", "Mars/Olympus", "time_zone"),
        ("0 9 * * *", "../../etc/passwd", "time_zone"),
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused_by_field(cron: str, zone: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read_schedule(cron, zone)
