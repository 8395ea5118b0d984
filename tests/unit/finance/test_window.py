from datetime import UTC, datetime

import pytest

from legato.core.errors import InvalidRequest
from legato.finance.spent import Days
from legato.finance.window import last_months, month_bounds, months_between

NS = 1_000_000_000


def day(*when: int) -> int:
    return at(*when) // (86_400 * NS)


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * NS  # type: ignore[misc,arg-type]


def test_months_go_from_their_first_day_to_the_next_ones() -> None:
    assert month_bounds("2026-11", "2026-12") == Days(day(2026, 11, 1), day(2027, 1, 1))
    assert month_bounds("2024-02", "2024-02") == Days(day(2024, 2, 1), day(2024, 3, 1))
    assert months_between("2025-11", "2026-02") == 4


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [("2026-13", "2026-12", "since"), ("2026-01", "x", "until"), ("2026-02", "2026-01", "until")],
)
def test_a_refusal_names_the_field(since: str, until: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        month_bounds(since, until)
    assert refused.value.param == field


def test_the_last_whole_months_leave_this_one_out() -> None:
    assert last_months(at(2026, 1, 31), 3) == ("2025-10", "2025-12")
    assert last_months(at(2026, 3, 1), 1) == ("2026-02", "2026-02")
