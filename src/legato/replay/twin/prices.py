"""What a deployment charges in a world: as it was stamped then, or as the world has it."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from legato.core.price import Price
from legato.economics.scaled_price import scaled

_NONE: Final[Mapping[str, Price]] = MappingProxyType({})


class Prices:
    """The price in force, and those that recorded attempts were stamped with."""

    __slots__ = ("_stamped", "current")

    def __init__(self, current: Price | None, stamped: Mapping[str, Price] = _NONE) -> None:
        """`stamped` is by version; what it doesn't know costs what is in force."""
        self.current = current
        self._stamped = stamped

    def of(self, version: str) -> Price | None:
        """Return the price of an attempt that was stamped with a version, "" for none."""
        return self._stamped.get(version, self.current) if version else self.current

    def times(self, factor: Decimal) -> "Prices":
        """Return all of them times a factor."""
        return Prices(
            None if self.current is None else _times(self.current, factor),
            {version: _times(price, factor) for version, price in self._stamped.items()},
        )


def _times(price: Price, factor: Decimal) -> Price:
    return scaled(price, factor, f"{price.source} times {factor.normalize():f}")
