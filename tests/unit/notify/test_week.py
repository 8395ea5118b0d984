"""Weeks end as a day begins where the team is, also where clocks change."""

from datetime import UTC, date, datetime

import pytest

from legato.core.config_notifications import Digest
from legato.notify.week import last_week, week_around

HOUR_NS = 3_600_000_000_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("now", "first", "due"),
    [
        ("2026-08-03T06:00:00", "2026-07-27", "2026-08-03T06:00:00"),  # 8 in the morning there
        ("2026-08-03T05:59:59", "2026-07-20", "2026-07-27T06:00:00"),
        ("2026-08-09T23:00:00", "2026-07-27", "2026-08-03T06:00:00"),
    ],
)
def test_the_last_week_that_is_over(now: str, first: str, due: str) -> None:
    digest = Digest(channels=["x"], day="monday", hour=8, time_zone="Europe/Vienna")
    week, due_ns = last_week(digest, at(now))
    assert week.first == date.fromisoformat(first)
    assert due_ns == at(due)


def test_a_week_in_which_clocks_change_is_an_hour_longer() -> None:
    digest = Digest(channels=["x"], time_zone="Europe/Vienna")
    autumn = week_around(digest, date(2026, 10, 25))
    assert autumn.first == date(2026, 10, 19)
    assert autumn.end_ns - autumn.start_ns == (7 * 24 + 1) * HOUR_NS
    assert autumn.start_ns - autumn.before_ns == 7 * 24 * HOUR_NS


def test_weeks_lie_end_to_end() -> None:
    digest = Digest(channels=["x"], day="wednesday", time_zone="Asia/Kolkata")
    one, following = (week_around(digest, date(2026, 8, day)) for day in (5, 12))
    assert one.end_ns == following.start_ns
    assert following.before_ns == one.start_ns
    assert one.start_ns == at("2026-08-04T18:30:00")
