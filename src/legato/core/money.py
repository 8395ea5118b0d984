"""Money as integers the type checker can tell from numbers.

A price is pico-USD per token ($1 per million tokens = 1,000,000 pico-USD), an amount is
nano-USD in an int64. Amounts are rounded half-even once per attempt and never again.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import NewType

PicoUSD = NewType("PicoUSD", int)
NanoUSD = NewType("NanoUSD", int)

ZERO = NanoUSD(0)
AMOUNT_MAX = NanoUSD(2**63 - 1)
_NANO_PER_USD = 1_000_000_000
_NANO_PER_MICRO = 1_000
_PICO_PER_NANO = 1_000
_PICO_PER_USD_PER_MTOK = 1_000_000
_PICO_PER_USD = 1_000_000_000_000


def price_per_token(usd_per_mtok: str | int | Decimal) -> PicoUSD:
    """Turn dollars per million tokens into pico-USD per token.

    Raises:
        ValueError: not a decimal number, negative, or finer than one pico-USD per token.
    """
    pico = _decimal(usd_per_mtok) * _PICO_PER_USD_PER_MTOK
    if pico < 0 or pico != pico.to_integral_value():
        msg = f"{usd_per_mtok} USD per million tokens: give a price >= 0 with at most 6 decimals"
        raise ValueError(msg)
    return PicoUSD(int(pico))


def pico_usd(usd: str | int | Decimal) -> PicoUSD:
    """Turn dollars into pico-USD.

    Raises:
        ValueError: not a decimal number, negative, or finer than one pico-USD.
    """
    pico = _decimal(usd) * _PICO_PER_USD
    if pico < 0 or pico != pico.to_integral_value():
        msg = f"{usd} USD: give a price >= 0 with at most 12 decimals"
        raise ValueError(msg)
    return PicoUSD(int(pico))


def usd_per_mtok(price: PicoUSD) -> str:
    """Write a price as dollars per million tokens, every digit and no more: `2.5`."""
    whole, fraction = divmod(price, _PICO_PER_USD_PER_MTOK)
    return f"{whole}.{fraction:06d}".rstrip("0").rstrip(".")


def amount(usd: str | int | Decimal) -> NanoUSD:
    """Turn dollars into nano-USD, half-even.

    Raises:
        ValueError: not a decimal number or outside int64.
    """
    nano = int((_decimal(usd) * _NANO_PER_USD).to_integral_value(ROUND_HALF_EVEN))
    if abs(nano) > AMOUNT_MAX:
        msg = f"{usd} USD is more than an amount can hold"
        raise ValueError(msg)
    return NanoUSD(nano)


def round_to_nano(pico: int) -> NanoUSD:
    """Round a pico-USD sum to nano-USD, half-even: the one rounding of an attempt."""
    return round_ratio(pico, _PICO_PER_NANO)


def round_ratio(numerator: int, denominator: int) -> NanoUSD:
    """Round a fraction of nano-USD to a whole one, half-even. `denominator` is positive."""
    quotient, remainder = divmod(numerator, denominator)
    twice = remainder * 2
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return NanoUSD(quotient)


def exact_usd(nano: NanoUSD) -> str:
    """Every digit, for headers and exports: `0.000123456`."""
    sign = "-" if nano < 0 else ""
    whole, fraction = divmod(abs(nano), _NANO_PER_USD)
    return f"{sign}{whole}.{fraction:09d}"


def full_usd(pico: PicoUSD) -> str:
    """Write a price per unit as dollars, every digit and no more: `0.04`."""
    whole, fraction = divmod(pico, _PICO_PER_USD)
    return f"{whole}.{fraction:012d}".rstrip("0").rstrip(".")


def display_places(amounts: Iterable[NanoUSD | None]) -> int:
    """Return the decimals that figures shown together need, so that none vanishes among them.

    By the smallest that isn't zero: two from a cent up, six below, nine (all there are) below a
    millionth of a dollar.
    """
    smallest = min((abs(nano) for nano in amounts if nano), default=_NANO_PER_MICRO)
    if smallest >= _NANO_PER_USD // 100:
        return 2
    return 6 if smallest >= _NANO_PER_MICRO else 9


def display_usd(nano: NanoUSD, places: int | None = None) -> str:
    """For people; by itself, or with the `display_places` of what is shown beside it."""
    if places is None:
        places = display_places((nano,))
    return f"{Decimal(nano) / _NANO_PER_USD:.{places}f}"


def _decimal(value: str | int | Decimal) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        msg = f"{value!r} is not a decimal number"
        raise ValueError(msg) from None
    if not number.is_finite():
        msg = f"{value!r} is not a finite number"
        raise ValueError(msg)
    return number
