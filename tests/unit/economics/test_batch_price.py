from decimal import Decimal

import msgspec
import pytest

from legato.core.money import PicoUSD
from legato.core.price import Price
from legato.economics.batch_price import read_factor, reduced

FULL = Price(
    version="full", in_uncached=PicoUSD(2_500_001), out_text=PicoUSD(10_000_000), source="config"
)


def test_every_class_is_reduced_and_rounded_half_even() -> None:
    half = reduced(FULL, Decimal("0.5"))
    assert (half.in_uncached, half.out_text, half.cache_read) == (1_250_000, 5_000_000, 0)
    assert half.source == "config, batch at 0.5"
    assert half.version not in {"", FULL.version}
    assert half == reduced(FULL, Decimal("0.50"))


def test_what_costs_anything_never_becomes_free() -> None:
    tiny = msgspec.structs.replace(FULL, in_uncached=PicoUSD(1))
    assert reduced(tiny, Decimal("0.1")).in_uncached == 1


@pytest.mark.parametrize("text", ["0", "0.0", "1.01", "half", "NaN"])
def test_a_factor_is_above_nothing_and_at_most_one(text: str) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        read_factor(text)
