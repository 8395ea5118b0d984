from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from legato.core.money import NanoUSD, PicoUSD
from legato.core.price import Price
from legato.core.usage import USAGE_CLASSES, Unit, Usage
from legato.economics.cost import cost, priced, upper_bound

tokens = st.integers(min_value=0, max_value=10**7)
pico = st.integers(min_value=0, max_value=10**9).map(PicoUSD)
usages = st.builds(Usage, **dict.fromkeys(USAGE_CLASSES, tokens))
prices = st.builds(Price, version=st.just("v"), **dict.fromkeys(USAGE_CLASSES, pico))


def test_a_known_bill() -> None:
    price = Price("v", in_uncached=PicoUSD(150_000), out_text=PicoUSD(600_000))
    # 400 tokens at $0.15 and 64 at $0.60 per million: $0.0000984
    assert cost(Usage(in_uncached=400, out_text=64), price) == 98_400


@given(usages, prices)
def test_every_class_is_charged_and_rounded_once(usage: Usage, price: Price) -> None:
    exact = sum(getattr(usage, name) * getattr(price, name) for name in USAGE_CLASSES)
    assert abs(cost(usage, price) * 1000 - exact) <= 500


@given(usages, prices)
def test_no_bill_exceeds_its_upper_bound(usage: Usage, price: Price) -> None:
    bound = upper_bound(
        price,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        units=usage.units,
    )
    assert cost(usage, price) <= bound


def test_a_machine_hour_is_shared_by_its_slots() -> None:
    price = Price("v", machine_hour=NanoUSD(3_600_000_000), slots=4)
    assert cost(Usage(), price, duration_us=1_000_000) == 250_000


@given(st.integers(0, 10**9), st.integers(1, 10**12))
def test_units_are_charged_per_their_size_and_rounded_half_even(units: int, pico_usd: int) -> None:
    price = Price("v", unit=Unit.AUDIO_MS, units=PicoUSD(pico_usd), units_per=60_000)
    exact = Fraction(units * pico_usd, 60_000 * 1_000)
    assert cost(Usage(units=units), price) == round(exact)


def test_units_the_price_knows_nothing_of_are_free_only_beside_tokens() -> None:
    by_token = Price("v", out_text=PicoUSD(1_000_000))
    assert priced(Usage(out_text=10, units=2), by_token, unit=Unit.IMAGE) == 10_000
    assert priced(Usage(units=2), by_token, unit=Unit.IMAGE) is None
    by_image = Price("v", unit=Unit.IMAGE, units=PicoUSD(40_000_000_000))
    assert priced(Usage(units=2), by_image, unit=Unit.IMAGE) == 80_000_000
    assert priced(Usage(units=2), by_image, unit=Unit.SEARCH) is None
    assert priced(Usage(units=2), None, unit=Unit.IMAGE) is None
