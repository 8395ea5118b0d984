from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from legato.economics.finance.flows import (
    break_even,
    discount_factor,
    internal_rates,
    net_present_value,
)

AMOUNTS = st.integers(-(10**15), 10**15)
RATES = st.decimals("-0.5", "3", places=4)


@given(st.lists(AMOUNTS, max_size=11), RATES)
def test_present_value_is_the_exact_sum_rounded_once(flows: list[int], rate: Decimal) -> None:
    exact = sum(
        (Fraction(flow) / (1 + Fraction(rate)) ** year for year, flow in enumerate(flows)),
        Fraction(0),
    )
    assert net_present_value(flows, rate) == round(exact)  # Python's is half-even


@given(st.integers(1, 10**14), st.integers(1, 40), st.decimals("0.01", "1", places=3))
def test_an_annuity_is_worth_what_its_closed_form_says(
    amount: int, years: int, rate: Decimal
) -> None:
    exact = Fraction(amount) * (1 - (1 + Fraction(rate)) ** -years) / Fraction(rate)
    assert net_present_value([0, *[amount] * years], rate) == round(exact)
    assert abs(Fraction(discount_factor(rate, years)) - (1 + Fraction(rate)) ** -years) < 1e-40


# numpy-financial's own documentation has these.
@pytest.mark.parametrize(
    ("flows", "rate"),
    [
        ([-100, 39, 59, 55, 20], 0.28095),
        ([-100, 0, 0, 74], -0.0955),
        ([-100, 100, 0, -7], -0.0833),
        ([-100, 100, 0, 7], 0.06206),
        ([-5, 10.5, 1, -8, 1], 0.0886),
    ],
)
def test_published_rates_are_found(flows: list[float], rate: float) -> None:
    found = [float(one) for one in internal_rates([int(flow * 10) for flow in flows]).rates]
    assert min(abs(one - rate) for one in found) < 1e-4


@given(
    st.lists(st.fractions(Fraction(1, 10), 3, max_denominator=20), min_size=1, max_size=5),
    st.integers(1, 5),
)
def test_every_rate_of_a_flow_made_of_its_rates_is_found(
    roots: list[Fraction], leading: int
) -> None:
    flows = [Fraction(leading)]
    for root in roots:  # multiply by (x - root)
        flows = [
            low - root * high
            for low, high in zip([Fraction(0), *flows], [*flows, Fraction(0)], strict=True)
        ]
    scale = np.lcm.reduce([one.denominator for one in flows])
    found = internal_rates([int(one * int(scale)) for one in flows])
    wanted = sorted({1 / root - 1 for root in roots})
    assert len(found.rates) == len(wanted)
    for one, other in zip(found.rates, wanted, strict=True):
        assert abs(Fraction(one) - other) <= Fraction(1, 10**12)
    assert ("go by the NPV" in found.told) == (len(wanted) > 1)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=7))
def test_rates_are_those_numpy_finds(flows: list[int]) -> None:
    assume(any(flows))
    stripped = np.trim_zeros(np.array(flows, dtype=float))
    roots = np.roots(stripped[::-1]) if len(stripped) > 1 else np.array([])
    derivative = np.abs(np.polyval(np.polyder(stripped[::-1]), roots))
    assume(all(derivative > 1e-3))  # floats can't tell a double root from none
    real = [root.real for root in roots if abs(root.imag) < 1e-9 and root.real > 1e-9]
    found = internal_rates(flows)
    assert len(found.rates) == len(real)
    for one, root in zip(found.rates, sorted(real, reverse=True), strict=True):
        assert float(one) == pytest.approx(1 / root - 1, rel=1e-6, abs=1e-6)
        assert not found.told or len(real) > 1


@pytest.mark.parametrize(
    ("flows", "told"),
    [
        ([], "none at all"),
        ([0, 0], "none at all"),
        ([-5, -1], "costs only"),
        ([0, 3], "gains only"),
        ([-1, 1, -1], "same sign at every rate"),
    ],
)
def test_where_there_is_no_rate_it_says_why(flows: list[int], told: str) -> None:
    found = internal_rates(flows)
    assert found.rates == ()
    assert told in found.told


def test_a_double_rate_is_one() -> None:
    assert internal_rates([-100, 200, -100]).rates == (Decimal(0),)


@given(st.integers(0, 1000), st.lists(st.integers(-100, 300), max_size=40))
def test_break_even_is_the_first_month_that_is_not_below_zero(
    initial: int, nets: list[int]
) -> None:
    balances = [sum(nets[:month]) - initial for month in range(len(nets) + 1)]
    found = break_even(initial, nets)
    reached = [month for month, balance in enumerate(balances) if balance >= 0]
    assert found.month == (reached[0] if reached else None)
    if not reached:
        assert found.told == f"not reached within {len(nets)} months"
        assert found.payback is None
    elif found.month:
        assert found.payback is not None
        assert found.month - 1 < found.payback <= found.month
    dips = bool(reached) and any(balance < 0 for balance in balances[reached[0] :])
    assert ("again" in found.told) == dips
