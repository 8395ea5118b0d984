"""Cash flows: present value, internal rates of return, break-even and payback.

Amounts are integers of nano-USD, rates decimals. A present value is rounded half-even once, a rate
is exact to twelve decimals. Formulas: Brealey, Myers, Allen, Principles of Corporate Finance,
chapters 2 and 5; that all rates are found, by Sturm's theorem (1829).
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Final

import msgspec

from legato.core.money import NanoUSD

PRECISION: Final = 50
_PLACES: Final = Decimal("1e-12")
_WIDTH: Final = Fraction(1, 10**16)
Polynomial = list[Fraction]
"""Coefficients, the constant first."""


class Rates(msgspec.Struct, frozen=True):
    """Internal rates of return, lowest first, and what is to be said of them."""

    rates: tuple[Decimal, ...]
    told: str


class BreakEven(msgspec.Struct, frozen=True):
    """The first month with a cumulative balance of zero or more, and what is to be said.

    `payback` is the same to the fraction of a month, None where it isn't reached.
    """

    month: int | None
    payback: Decimal | None
    told: str


def whole(number: Decimal) -> NanoUSD:
    """Round to a whole nano-dollar, half-even."""
    return NanoUSD(int(number.to_integral_value(ROUND_HALF_EVEN)))


def discount_factor(rate: Decimal, years: int) -> Decimal:
    """Return what a dollar after so many years is worth now: 1/(1+rate)^years."""
    with localcontext(Context(prec=PRECISION)):
        return 1 / (1 + rate) ** years


def net_present_value(flows: Sequence[int], rate: Decimal) -> NanoUSD:
    """Return what flows are worth now: the first is today's, each other a year after the last."""
    with localcontext(Context(prec=PRECISION)):
        return whole(sum((flow / (1 + rate) ** year for year, flow in _years(flows)), Decimal(0)))


def internal_rates(flows: Sequence[int]) -> Rates:
    """Return every rate above -100 % at which the flows are worth nothing now."""
    signs = [flow > 0 for flow in flows if flow]
    if len(set(signs)) < len({True, False}):
        only = "none at all" if not signs else "gains only" if signs[0] else "costs only"
        return Rates((), f"none: there are {only}, so no rate brings them to zero")
    # in x = 1/(1+rate) the present value is a polynomial; rates above -1 are its positive roots
    roots = _positive_roots(_stripped([Fraction(flow) for flow in flows]))
    rates = tuple(sorted(_rate(root) for root in roots))
    if not rates:
        return Rates((), "none: the flows are worth the same sign at every rate")
    if len(rates) > 1:
        told = f"{len(rates)} rates, for the flows change sign more than once: go by the NPV"
        return Rates(rates, told)
    return Rates(rates, "")


def break_even(initial: int, nets: Sequence[int]) -> BreakEven:
    """Return when monthly balances have made up for the initial cost (positive)."""
    cumulative, found, payback = -initial, None, None
    if cumulative >= 0:
        found, payback = 0, Decimal(0)
    dips = False
    for month, net in enumerate(nets, start=1):
        before, cumulative = cumulative, cumulative + net
        if found is None and cumulative >= 0:
            found, payback = month, month - 1 + Decimal(-before) / Decimal(net)
        dips = dips or (found is not None and cumulative < 0)
    if found is None:
        return BreakEven(None, None, f"not reached within {len(nets)} months")
    told = f"month {found}" if found else "from the start"
    return BreakEven(found, payback, f"{told}, but it falls below zero again" if dips else told)


def _years(flows: Sequence[int]) -> list[tuple[int, Decimal]]:
    return [(year, Decimal(flow)) for year, flow in enumerate(flows)]


def _rate(root: Fraction) -> Decimal:
    with localcontext(Context(prec=PRECISION)):
        one = Decimal(root.denominator) / Decimal(root.numerator)
        return (one - 1).quantize(_PLACES) + 0  # no minus before a zero


def _positive_roots(polynomial: Polynomial) -> list[Fraction]:
    """Return the distinct positive roots, each to within `_WIDTH` of itself."""
    chain = _sturm_chain(polynomial)
    leading = abs(polynomial[-1])
    top = 1 + max(abs(one) / leading for one in polynomial)  # Cauchy's bound
    found, waiting = [], [(Fraction(0), top)]
    while waiting:
        low, high = waiting.pop()
        roots = _changes(chain, low) - _changes(chain, high)  # in (low, high]
        if roots == 0:
            continue
        middle = (low + high) / 2
        if roots == 1 and high - low <= _WIDTH * high:
            found.append(high)
            continue
        waiting += [(low, middle), (middle, high)]
    return found


def _sturm_chain(polynomial: Polynomial) -> list[Polynomial]:
    chain = [polynomial, _derivative(polynomial)]
    while len(chain[-1]) > 1:
        rest = _remainder(chain[-2], chain[-1])
        if not rest:
            break
        chain.append([-one for one in rest])
    return chain


def _changes(chain: Sequence[Polynomial], at: Fraction) -> int:
    values = [value for one in chain if (value := _value(one, at))]
    return sum((one > 0) != (other > 0) for one, other in pairwise(values))


def _value(polynomial: Polynomial, at: Fraction) -> Fraction:
    total = Fraction(0)
    for one in reversed(polynomial):
        total = total * at + one
    return total


def _derivative(polynomial: Polynomial) -> Polynomial:
    return [number * one for number, one in enumerate(polynomial)][1:]


def _remainder(divided: Polynomial, by: Polynomial) -> Polynomial:
    rest = list(divided)
    while len(rest) >= len(by):
        factor, shift = rest[-1] / by[-1], len(rest) - len(by)
        for number, one in enumerate(by):
            rest[number + shift] -= factor * one
        rest.pop()
        while rest and rest[-1] == 0:
            rest.pop()
    return rest


def _stripped(polynomial: Polynomial) -> Polynomial:
    """Return it without zeros at either end: roots at zero are no rates."""
    while polynomial[-1] == 0:
        polynomial = polynomial[:-1]
    first = next(number for number, one in enumerate(polynomial) if one)
    return polynomial[first:]
