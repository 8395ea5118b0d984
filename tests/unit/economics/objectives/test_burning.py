"""Burn rates are exact, and alerts are those of the Site Reliability Workbook."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.core.objective import Measured, Objective, checked, percent_of, ppm_of
from legato.core.records import Outcome
from legato.economics.objectives.burning import (
    WINDOWS,
    Counted,
    Minute,
    began,
    budget_left,
    burn_rate,
    burns,
    is_burning,
)
from legato.economics.objectives.events import is_bad, is_request

THREE_NINES = Objective(org="o", name="n", measured=Measured.ERRORS, target_ppm=999_000)
PERIOD_MIN = 30 * 24 * 60


def outcome(code: str = "", *, ms: int = 100, cost: int | None = 5, first: str = "authenticate",
            model: str = "chat") -> Outcome:  # fmt: skip
    return Outcome(
        "r", 0, "o", "t", "f", "k", "openai.chat", model, "d", "p", "m", 1, 200, code, False,
        "miss", cost, ms * 1_000, 0, 0, ((first, 1),),
    )  # fmt: skip


def test_the_windows_are_those_of_table_5_8() -> None:
    shares = {"1h": 0.02, "6h": 0.05, "3d": 0.10}
    for one in WINDOWS:
        # at that rate the long window uses up its share of a budget of 30 days
        assert one.factor * one.long_min / PERIOD_MIN == pytest.approx(shares[one.name])
        assert one.long_min == 12 * one.short_min
    assert [one.pages for one in WINDOWS] == [True, True, False]


@pytest.mark.parametrize(("bad", "rate"), [(0, 0.0), (1, 1.0), (14, 14.0), (1_000, 1_000.0)])
def test_a_burn_rate_is_the_share_that_was_bad_over_what_may_be(bad: int, rate: float) -> None:
    assert burn_rate(Counted(1_000, bad), THREE_NINES) == pytest.approx(rate)
    assert budget_left(Counted(1_000, bad), THREE_NINES) == pytest.approx(1 - rate)


def test_both_windows_have_to_burn_and_enough_has_to_have_happened() -> None:
    hour = WINDOWS[0]
    dire, fine = Counted(1_000, 15), Counted(1_000, 14)
    assert is_burning(hour, dire, dire, THREE_NINES)
    assert not is_burning(hour, dire, fine, THREE_NINES)
    assert not is_burning(hour, fine, dire, THREE_NINES)
    assert not is_burning(hour, Counted(19, 19), Counted(19, 19), THREE_NINES)


@given(total=st.integers(1, 10**9), share=st.integers(0, 10**6), tenths=st.integers(1, 10_000))
def test_nothing_is_lost_to_rounding(total: int, share: int, tenths: int) -> None:
    bad = total * share // 10**6
    exactly = bad > 0 and bad * 1_000 * 10 >= tenths * total
    assert burns(Counted(total, bad), THREE_NINES, tenths) == exactly


def test_it_began_with_the_first_bad_minute_since_when_it_burns() -> None:
    quiet = [Minute(minute, Counted(1_000, 0)) for minute in range(50)]
    stray = [Minute(50, Counted(1_000, 1)), Minute(51, Counted(100_000, 0))]
    bad = [Minute(minute, Counted(100, 50)) for minute in range(52, 56)]
    assert began([*quiet, *stray, *bad], THREE_NINES, 144) == 52
    assert began(quiet, THREE_NINES, 144) is None


@pytest.mark.parametrize(
    ("measured", "limit", "found", "bad"),
    [
        (Measured.ERRORS, 0, outcome(), False),
        (Measured.ERRORS, 0, outcome("provider_timeout"), True),
        (Measured.ERRORS, 0, outcome("internal_error"), True),
        (Measured.ERRORS, 0, outcome("overloaded"), True),
        (Measured.ERRORS, 0, outcome("rate_limit_exceeded"), None),
        (Measured.ERRORS, 0, outcome("cancelled"), None),
        (Measured.LATENCY, 100, outcome(ms=100), False),
        (Measured.LATENCY, 100, outcome(ms=101), True),
        (Measured.LATENCY, 100, outcome("provider_timeout", ms=900), None),
        (Measured.COST, 5, outcome(cost=5), False),
        (Measured.COST, 5, outcome(cost=6), True),
        (Measured.COST, 5, outcome(cost=None), None),
    ],
)
def test_which_requests_count(
    measured: Measured, limit: int, found: Outcome, *, bad: bool | None
) -> None:
    one = Objective(org="o", name="n", measured=measured, target_ppm=999_000, limit=limit)
    assert is_bad(one, found) is bad


def test_only_requests_of_callers_count() -> None:
    assert is_request(outcome())
    assert not is_request(outcome(first="reserve")), "a judge's or a shadow's"
    assert not is_request(outcome(model="")), "nothing was asked for that is there"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": "No Spaces"}),
        ("target", {"target_ppm": 1_000_000}),
        ("target", {"target_ppm": 400_000}),
        ("limit", {"limit": 5}),
        ("limit", {"measured": Measured.LATENCY}),
        ("period_days", {"period_days": 91}),
        ("events_min", {"events_min": 0}),
        ("team", {"feature": "bot"}),
        ("runbook", {"runbook": "ask somebody"}),
    ],
)
def test_what_is_wrong_is_named(field: str, changes: dict[str, object]) -> None:
    values = {"org": "o", "name": "n", "measured": Measured.ERRORS, "target_ppm": 999_000}
    with pytest.raises(InvalidRequest) as refused:
        checked(Objective(**values | changes))  # type: ignore[arg-type]
    assert refused.value.param == field


@pytest.mark.parametrize(
    ("text", "ppm"), [("99.9", 999_000), ("99", 990_000), ("99.95 %", 999_500), ("99.999", 999_990)]
)
def test_a_percentage_is_read_exactly(text: str, ppm: int) -> None:
    assert ppm_of(text) == ppm
    assert percent_of(ppm) == text.removesuffix("%").strip()


@pytest.mark.parametrize("text", ["", "100", "99,9", "0.99999", "ninety"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        checked(Objective(org="o", name="n", measured=Measured.ERRORS, target_ppm=ppm_of(text)))
