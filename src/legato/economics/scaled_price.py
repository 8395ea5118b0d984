"""A price times a factor, exact to the pico-dollar."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from legato.core.price import Price
from legato.economics.configured import version_of

TOKEN_AND_UNIT_CLASSES: Final = (
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


def scaled(
    price: Price,
    factor: Decimal,
    source: str,
    *,
    classes: tuple[str, ...] = (*TOKEN_AND_UNIT_CLASSES, "machine_hour"),
) -> Price:
    """Return the price times a factor, each class rounded half-even to what it is counted in.

    What costs anything never rounds to nothing. `source` says where the price comes from.
    """

    def part(exact: int) -> int:
        if not exact:
            return 0
        return max(1, int((exact * factor).to_integral_value(ROUND_HALF_EVEN)))

    values = msgspec.to_builtins(price)
    values |= {name: part(values[name]) for name in classes}
    values["source"] = source
    del values["version"]
    return msgspec.convert({"version": version_of(values), **values}, Price)
