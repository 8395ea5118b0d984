"""Amounts in another currency: by a dated rate, with one rounding, half-even, and never a guess.

A rate is how many units of `quote` one unit of `base` is, in billionths. Where a day has none, as
on a weekend, that of the last day before it holds, at most `DAYS_BACK` days old.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, round_ratio

USD: Final = "USD"
DAYS_BACK: Final = 7
_SCALE: Final = 10**9
_PLACES: Final = 9
_RATE_MAX: Final = 10**9 * _SCALE


class Rate(msgspec.Struct, frozen=True, order=True):
    """One of a day; `units` are billionths of `quote` for one `base`."""

    day: date
    base: str
    quote: str
    units: int
    source: str


class Used(msgspec.Struct, frozen=True, order=True):
    """The rates that a conversion went by."""

    day: date
    rates: tuple[Rate, ...]


def rate_units(text: str) -> int:
    """Read a rate as `1.0837`. Raises ValueError: not positive, or of more than nine decimals."""
    try:
        units = Decimal(text).scaleb(_PLACES)
    except InvalidOperation:
        units = Decimal(-1)
    if not units.is_finite() or not 0 < units < _RATE_MAX or units != units.to_integral_value():
        msg = f"{text!r} is no rate: write a number above 0 with up to {_PLACES} decimals"
        raise ValueError(msg)
    return int(units)


def rate_text(units: int) -> str:
    """Write a rate, every digit and no more."""
    whole, fraction = divmod(units, _SCALE)
    return f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")


class Exchange:
    """Converts dollars by the rates it is given."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        self._rates = {(one.base, one.quote, one.day): one for one in rates}
        self._bases = sorted({base for base, _, _ in self._rates})
        self.used: dict[date, Used] = {}
        """By the days of what was converted."""

    def converted(self, nano_usd: int, currency: str, day: date) -> int:
        """Return billionths of a currency for nano-USD of a day, rounded half-even.

        Raises:
            InvalidRequest: there is no rate of that day, nor a recent one.
        """
        if currency == USD:
            return nano_usd
        numerator, denominator = self._ratio(currency, day)
        return round_ratio(nano_usd * numerator, denominator)

    def in_dollars(self, nano: int, currency: str, day: date) -> int:
        """Return nano-USD for billionths of a currency; raises as `converted`."""
        if currency == USD:
            return nano
        numerator, denominator = self._ratio(currency, day)
        return round_ratio(nano * denominator, numerator)

    def _ratio(self, currency: str, day: date) -> tuple[int, int]:
        for back in range(DAYS_BACK + 1):
            at = day - timedelta(days=back)
            for path in self._paths(currency, at):
                self.used[day] = Used(at, path)
                return _ratio_of(path)
        msg = (
            f"rates: there is none from {USD} to {currency} for {day}, nor for the {DAYS_BACK} "
            "days before it: import or set one with `legato rates`"
        )
        raise InvalidRequest(msg, param="currency")

    def _paths(self, currency: str, day: date) -> Iterable[tuple[Rate, ...]]:
        direct = self._rates.get((USD, currency, day)) or self._rates.get((currency, USD, day))
        if direct is not None:
            yield (direct,)
        for base in self._bases:
            to, of = self._rates.get((base, currency, day)), self._rates.get((base, USD, day))
            if to is not None and of is not None:
                yield (to, of)


def _ratio_of(path: tuple[Rate, ...]) -> tuple[int, int]:
    if len(path) > 1:
        return path[0].units, path[1].units
    (rate,) = path
    return (rate.units, _SCALE) if rate.base == USD else (_SCALE, rate.units)


def split(total: int, weights: Mapping[str, int] | list[int]) -> list[int]:
    """Divide a whole number by weights, by largest remainder: the parts come to it exactly.

    What is left goes to the largest remainders, to the first of equal ones. Weights are 0 or
    more; where all are 0, each has the same.
    """
    parts = list(weights.values()) if isinstance(weights, Mapping) else weights
    if not parts:
        return []
    if not any(parts):
        parts = [1] * len(parts)
    whole, sign = sum(parts), -1 if total < 0 else 1
    shares = [divmod(abs(total) * part, whole) for part in parts]
    left = abs(total) - sum(share for share, _ in shares)
    by_rest = sorted(range(len(parts)), key=lambda at: (-shares[at][1], at))
    more = set(by_rest[:left])
    return [sign * (share + (at in more)) for at, (share, _) in enumerate(shares)]


def whole_cents(nano: int) -> NanoUSD:
    """Round billionths to whole cents, half-even, still in billionths."""
    cent = _SCALE // 100
    return NanoUSD(round_ratio(nano, cent) * cent)
