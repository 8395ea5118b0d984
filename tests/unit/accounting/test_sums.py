from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legato.accounting.imports.row import UsageRow
from legato.accounting.sums import Sums, summed
from legato.accounting.totals import by_model
from legato.core.usage import Usage

DAY_MS = 86_400_000
rows = st.builds(
    UsageRow,
    source=st.just("s"),
    vendor=st.sampled_from(("a", "b")),
    key=st.sampled_from(("k", "l")),
    model=st.sampled_from(("m", "n")),
    start_ms=st.integers(0, 5 * DAY_MS),
    end_ms=st.just(6 * DAY_MS),
    cost=st.none() | st.integers(-(10**12), 10**12),
    requests=st.none() | st.integers(0, 9),
    usage=st.builds(Usage, in_uncached=st.integers(0, 10**9), out_text=st.integers(0, 10**9)),
)


@given(st.lists(rows, max_size=40), st.integers(1, 6))
def test_sums_lose_nothing(given_rows: list[UsageRow], sums_max: int) -> None:
    sums = Sums(sums_max)
    for row in given_rows:
        sums.add(row)
    found = sums.rows()
    assert sum(one.lines for one in found) == len(given_rows)
    assert sum(one.cost for one in found) == sum(row.cost or 0 for row in given_rows)
    assert sum(one.costed for one in found) == sum(row.cost is not None for row in given_rows)
    assert sum(one.usage.total_tokens for one in found) == sum(
        row.usage.total_tokens for row in given_rows
    )


def test_lines_within_a_day_are_one_sum() -> None:
    def row(start_ms: int, end_ms: int) -> UsageRow:
        return UsageRow(
            source="s", vendor="v", start_ms=start_ms, end_ms=end_ms, quantity="0.5", unit="1K"
        )

    (day, month) = summed(
        [row(10, 20), row(DAY_MS - 1, DAY_MS), row(0, 30 * DAY_MS), row(0, 30 * DAY_MS)]
    )
    assert (day.lines, day.quantity) == (2, "1.0")
    assert day.end_ns - day.start_ns == DAY_MS * 10**6
    assert (month.lines, month.end_ns) == (2, 30 * DAY_MS * 10**6)


def test_unknown_cost_is_not_nothing() -> None:
    one = UsageRow(source="s", vendor="v", model="m", start_ms=0, end_ms=1)
    (found,) = by_model(summed([one]))
    assert found["cost"] is None
    assert found["requests"] is None
    assert found["lines_without_cost"] == 1
