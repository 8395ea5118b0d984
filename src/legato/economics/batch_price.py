"""What a batch that the provider runs costs: a price of its own, with a version of its own."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

import msgspec

from legato.core.price import Price
from legato.economics.configured import version_of

_CLASSES: Final = (
    "in_uncached",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "out_text",
    "reasoning",
    "audio_in",
    "audio_out",
    "image_in",
    "image_out",
    "units",
)


def read_factor(text: str) -> Decimal:
    """Return the factor a configuration gives. Raises ValueError for none above 0, at most 1."""
    try:
        factor = Decimal(text)
    except InvalidOperation:
        factor = Decimal(0)
    if not (factor.is_finite() and 0 < factor <= 1):
        msg = f"{text!r}: give a number above 0 and at most 1, such as 0.5"
        raise ValueError(msg)
    return factor


def reduced(price: Price, factor: Decimal) -> Price:
    """Return the price times a factor, each class rounded half-even to a pico-dollar.

    What costs anything never rounds to nothing.
    """

    def part(pico: int) -> int:
        if not pico:
            return 0
        return max(1, int((pico * factor).to_integral_value(ROUND_HALF_EVEN)))

    values = msgspec.to_builtins(price)
    values |= {name: part(values[name]) for name in _CLASSES}
    values["source"] = f"{price.source}, batch at {factor.normalize():f}"
    del values["version"]
    return msgspec.convert({"version": version_of(values), **values}, Price)
