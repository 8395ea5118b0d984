"""What is asked of the price book and what it answers. Light: imports no catalogue."""

import msgspec

from legato.core.price import Price

REMEDY = "Set the deployment's price in the configuration."


class PriceQuestion(msgspec.Struct, frozen=True):
    """A model at the address it is called at: the vendor is known by its address alone."""

    model: str
    address: str


class PriceAnswer(msgspec.Struct, frozen=True):
    """A price, or the reason there is none: unpriced, never zero."""

    price: Price | None = None
    matched: str = ""
    """`vendor/model` as the catalogue calls it, "" when nothing matched."""
    reason: str = ""
    """Why it is unpriced and what to do, a sentence or two."""
    notes: tuple[str, ...] = ()
    """What the price leaves out or rounds."""
    until: str = ""
    """The day (ISO, UTC) the catalogue announces another price for, "" for none."""
    batch: Price | None = None
    """The price of batches that the vendor runs; None where the catalogue gives none."""
