"""Periods, headlines and levels: what is said of figures."""

import pytest

from legato.core.errors import InvalidRequest
from legato.economics.kpis import Counts
from legato.insights.spend.maturity import maturity
from legato.insights.spend.periods import day_number, period
from legato.insights.spend.statement import MeasuredSaving, headline
from legato.storage.kpis.practices import Practices
from legato.storage.rollups.telling import days_text

NOW_NS = (day_number("2026-11-22") * 86_400 + 5) * 10**9


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1d", "2026-11-22..2026-11-22"),
        ("30d", "2026-10-24..2026-11-22"),
        ("2026-12", "2026-12-01..2026-12-31"),
        ("2024-02", "2024-02-01..2024-02-29"),
        ("2026-Q4", "2026-10-01..2026-12-31"),
        ("2026", "2026-01-01..2026-12-31"),
        ("2026-11-01..2026-11-03", "2026-11-01..2026-11-03"),
        ("2026-11-01", "2026-11-01..2026-11-01"),
    ],
)
def test_a_period_is_whole_days(text: str, days: str) -> None:
    assert days_text(period(text, NOW_NS)) == days


@pytest.mark.parametrize("text", ["", "soon", "2026-13", "0d", "2026-11-03..2026-11-01", "0000"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="period"):
        period(text, NOW_NS)


def saving(
    route: str, figure: float | None, half: float, needed: int | None = None
) -> MeasuredSaving:
    return MeasuredSaving(
        holdout_id="h",
        route=route,
        requests=100,
        held_out=10,
        saved_usd=figure,
        low_usd=None if figure is None else figure - half,
        high_usd=None if figure is None else figure + half,
        is_proven=figure is not None and abs(figure) > half,
        requests_needed=needed,
    )


def test_the_headline_is_the_measured_interval_and_independent_ones_add_up() -> None:
    told = headline(5 * 10**9, (saving("chat", 10.0, 3.0), saving("code", 20.0, 4.0)))
    assert told.startswith("measured: $30.0000 saved by chat, code (95 %: $25.0000 to $35.0000)")


def test_without_proof_it_says_modelled_and_what_is_needed() -> None:
    none = headline(5 * 10**9, ())
    assert none == "modelled, not measured: $5.00 by prices (no holdout is under way)"
    little = headline(0, (saving("chat", None, 0, 4_200),))
    assert "about 4,200 more requests" in little
    unproven = headline(0, (saving("chat", 1.0, 3.0),))
    assert unproven.startswith("modelled, not measured")


NOBODY = Practices(0, 0, 0, 0, 0, 0)
ALL = Practices(1, 1, 1, 1, 1, 1)
TRAFFIC = Counts(requests=9, attempts=9, features=2, cost=5, saved=5, revenue=100)


@pytest.mark.parametrize(
    ("counts", "practices", "level"),
    [
        (Counts(), NOBODY, 1),
        (TRAFFIC, NOBODY, 2),
        (Counts(requests=9, attempts=9, features=2, unpriced=9), ALL, 2),
        (Counts(requests=9, attempts=9, features=2, cost=7, saved=3), ALL, 3),
        (Counts(requests=9, attempts=9, features=2, cost=6, saved=4), ALL, 4),
        (TRAFFIC, ALL, 5),
    ],
)
def test_the_level_is_the_last_of_steps_all_reached(
    counts: Counts, practices: Practices, level: int
) -> None:
    found = maturity(counts, practices)
    assert found.level == level
    assert [step.level for step in found.steps] == list(range(1, 8))
    assert all(step.why for step in found.steps)
