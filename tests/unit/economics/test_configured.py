import pytest

from legato.core.config import Deployment, TokenPrice
from legato.economics.configured import configured_price


def _deployment(**price: str) -> Deployment:
    return Deployment(name="d", provider="p", model="m", price=TokenPrice(**price))


def test_a_deployment_without_a_price_is_unpriced() -> None:
    assert configured_price(Deployment(name="d", provider="p", model="m")) is None


def test_classes_without_a_price_of_their_own_cost_what_plain_tokens_do() -> None:
    price = configured_price(_deployment(input_per_mtok="3", output_per_mtok="15"))
    assert price is not None
    assert price.cache_read == price.image_in == price.in_uncached == 3_000_000
    assert price.reasoning == price.out_text == 15_000_000


def test_the_same_prices_have_the_same_version_and_others_another() -> None:
    one = configured_price(_deployment(input_per_mtok="3", output_per_mtok="15"))
    same = configured_price(_deployment(input_per_mtok="3.0", output_per_mtok="15"))
    other = configured_price(_deployment(input_per_mtok="3", output_per_mtok="16"))
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.version == same.version != other.version


def test_a_price_finer_than_pico_dollars_is_refused() -> None:
    with pytest.raises(ValueError, match="6 decimals"):
        configured_price(_deployment(input_per_mtok="0.0000001"))


def test_a_unit_has_a_price_of_its_own() -> None:
    spoken = configured_price(_deployment(mchar_usd="15"))
    assert spoken is not None
    assert (spoken.unit, spoken.units, spoken.units_per) == ("character", 15 * 10**12, 1_000_000)


def test_two_units_are_refused() -> None:
    with pytest.raises(ValueError, match="image_usd and search_usd"):
        configured_price(_deployment(image_usd="1", search_usd="2"))
