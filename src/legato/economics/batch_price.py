"""What a batch that the provider runs costs: a price of its own, with a version of its own."""

from decimal import Decimal, InvalidOperation

from legato.core.price import Price
from legato.economics.scaled_price import TOKEN_AND_UNIT_CLASSES, scaled


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

    What costs anything never rounds to nothing. A machine's hour isn't a provider's batch.
    """
    source = f"{price.source}, batch at {factor.normalize():f}"
    return scaled(price, factor, source, classes=TOKEN_AND_UNIT_CLASSES)
