from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.money import (
    NanoUSD,
    PicoUSD,
    amount,
    display_places,
    display_usd,
    exact_usd,
    price_per_token,
    round_to_nano,
    usd_per_mtok,
)


def test_a_dollar_per_million_tokens_is_a_million_pico_per_token() -> None:
    assert price_per_token("1") == 1_000_000
    assert price_per_token("0.15") == 150_000


@pytest.mark.parametrize("bad", ["-1", "0.0000001", "abc", "NaN", "Infinity", ""])
def test_an_impossible_price_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"price|number"):
        price_per_token(bad)


@given(st.integers(min_value=-(10**24), max_value=10**24))
def test_rounding_is_half_even(pico: int) -> None:
    exact = (Decimal(pico) / 1000).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    assert round_to_nano(pico) == int(exact)


@given(st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1))
def test_the_exact_text_loses_nothing(nano: int) -> None:
    assert amount(exact_usd(NanoUSD(nano))) == nano


def test_small_amounts_show_six_decimals_and_others_two() -> None:
    assert display_usd(NanoUSD(1_234_567)) == "0.001235"
    assert display_usd(NanoUSD(12_345_678_900)) == "12.35"
    assert display_usd(NanoUSD(0)) == "0.000000"


def test_no_amount_that_was_spent_is_shown_as_nothing() -> None:
    assert display_usd(NanoUSD(260)) == "0.000000260"
    assert display_usd(NanoUSD(-260)) == "-0.000000260"


def test_figures_shown_together_have_the_same_decimals() -> None:
    spent, baseline = NanoUSD(2_009_000), NanoUSD(47_750_000)
    shown = (spent, baseline, NanoUSD(baseline - spent), None, NanoUSD(0))
    assert display_places(shown) == 6
    assert display_usd(baseline, 6) == "0.047750"
    assert display_places([NanoUSD(10_000_000), NanoUSD(5_000_000_000)]) == 2
    assert display_places([NanoUSD(999), NanoUSD(5_000_000_000)]) == 9
    assert display_places([]) == 6


def test_an_amount_beyond_int64_is_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        amount("10000000000")


@given(st.integers(0, 10**12))
def test_a_written_price_reads_back_the_same(pico: int) -> None:
    assert price_per_token(usd_per_mtok(PicoUSD(pico))) == pico
    assert usd_per_mtok(PicoUSD(2_500_000)) == "2.5"
    assert usd_per_mtok(PicoUSD(10_000_000)) == "10"
