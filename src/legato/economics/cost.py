"""What an attempt costs, and the most it can cost before it is sent.

cost = Σ tokens(class) * price(class) + units * price / units_per, in pico-USD, rounded half-even
to nano-USD once (economics: Money). A local machine's share is machine_hour * duration / slots.
"""

from msgspec.structs import replace

from legato.core.money import NanoUSD, round_ratio, round_to_nano
from legato.core.price import Price
from legato.core.usage import Usage

_US_PER_HOUR = 3_600_000_000
_PICO_PER_NANO = 1_000
_INPUT_SHARE = 3


def cost(usage: Usage, price: Price, duration_us: int = 0) -> NanoUSD:
    """Return the cost of one attempt in nano-USD; `duration_us` counts for machine hours."""
    pico = (
        usage.in_uncached * price.in_uncached
        + usage.cache_read * price.cache_read
        + usage.cache_write_5m * price.cache_write_5m
        + usage.cache_write_1h * price.cache_write_1h
        + usage.out_text * price.out_text
        + usage.reasoning * price.reasoning
        + usage.audio_in * price.audio_in
        + usage.audio_out * price.audio_out
        + usage.image_in * price.image_in
        + usage.image_out * price.image_out
    )
    if price.machine_hour:
        pico += _machine_pico(price, duration_us)
    return _with_units(pico, usage.units, price) if usage.units else round_to_nano(pico)


def blended_price(price: Price) -> int:
    """Return pico-USD for three input tokens and one output token, the usual mix of chat."""
    return _INPUT_SHARE * price.in_uncached + price.out_text


def priced(
    usage: Usage, price: Price | None, duration_us: int = 0, unit: str = ""
) -> NanoUSD | None:
    """Return the cost of one attempt, None where the price doesn't cover what was used.

    `unit` says what `usage.units` counts. Units of which the price knows nothing are free only
    beside tokens, since a model is billed by one or the other.
    """
    if price is None:
        return None
    if usage.units and price.unit != unit:
        if not (usage.total_tokens or price.machine_hour):
            return None
        usage = replace(usage, units=0)
    return cost(usage, price, duration_us)


def upper_bound(
    price: Price, *, input_tokens: int, output_tokens: int, duration_us: int = 0, units: int = 0
) -> NanoUSD:
    """Return the most an attempt can cost: each token at the dearest class it may fall in."""
    dearest_in = max(
        price.in_uncached,
        price.cache_read,
        price.cache_write_5m,
        price.cache_write_1h,
        price.audio_in,
        price.image_in,
    )
    dearest_out = max(price.out_text, price.reasoning, price.audio_out, price.image_out)
    pico = input_tokens * dearest_in + output_tokens * dearest_out
    if price.machine_hour:
        pico += _machine_pico(price, duration_us)
    return _with_units(pico, units, price)


def _with_units(pico: int, units: int, price: Price) -> NanoUSD:
    numerator = pico * price.units_per + units * price.units
    return round_ratio(numerator, _PICO_PER_NANO * price.units_per)


def _machine_pico(price: Price, duration_us: int) -> int:
    return price.machine_hour * _PICO_PER_NANO * duration_us // (_US_PER_HOUR * price.slots)
