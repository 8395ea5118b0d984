from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.economics.exchange import Exchange, Rate, rate_text, rate_units, split, whole_cents

DAY = date(2026, 10, 2)
amounts = st.integers(-(10**15), 10**15)


def rate(base: str, quote: str, text: str, day: date = DAY) -> Rate:
    return Rate(day, base, quote, rate_units(text), "ECB")


@given(amounts, st.integers(1, 10**15))
def test_an_amount_is_rounded_once_and_half_even(nano: int, units: int) -> None:
    exchange = Exchange([Rate(DAY, "USD", "EUR", units, "x")])
    found = exchange.converted(nano, "EUR", DAY)
    assert found == round(Fraction(nano * units, 10**9))


@given(amounts, st.integers(1, 10**12), st.integers(1, 10**12))
def test_a_cross_rate_goes_over_its_base_in_one_rounding(nano: int, to: int, of: int) -> None:
    rates = [Rate(DAY, "EUR", "CHF", to, "ECB"), Rate(DAY, "EUR", "USD", of, "ECB")]
    assert Exchange(rates).converted(nano, "CHF", DAY) == round(Fraction(nano * to, of))


def test_a_rate_the_other_way_round_is_divided_by() -> None:
    exchange = Exchange([rate("EUR", "USD", "1.25")])
    assert exchange.converted(1_000, "EUR", DAY) == 800


def test_a_weekend_has_the_rate_of_friday_and_an_old_rate_none() -> None:
    exchange = Exchange([rate("USD", "EUR", "0.9")])
    assert exchange.converted(10, "EUR", DAY + timedelta(days=7)) == 9
    assert exchange.used[DAY + timedelta(days=7)].day == DAY
    for day in (DAY + timedelta(days=8), DAY - timedelta(days=1)):
        with pytest.raises(InvalidRequest, match=f"none from USD to EUR for {day}"):
            exchange.converted(10, "EUR", day)
    with pytest.raises(InvalidRequest, match="USD to GBP"):
        exchange.converted(0, "GBP", DAY)


@pytest.mark.parametrize("text", ["0", "-1", "1.0000000001", "nan", "x", "", "1e99"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        rate_units(text)


@given(st.integers(1, 10**15))
def test_a_rate_is_written_as_it_is_read(units: int) -> None:
    assert rate_units(rate_text(units)) == units


@given(amounts, st.lists(st.integers(0, 10**12), min_size=1, max_size=30))
def test_a_division_comes_to_the_whole_and_is_off_by_less_than_one(
    total: int, weights: list[int]
) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    whole = sum(weights) or len(weights)
    for part, weight in zip(parts, weights if any(weights) else [1] * len(weights), strict=True):
        assert abs(part - Fraction(total * weight, whole)) < 1


def test_cents_are_rounded_half_even() -> None:
    assert [whole_cents(one) for one in (5_000_000, 15_000_000, -5_000_000)] == [0, 20_000_000, 0]
