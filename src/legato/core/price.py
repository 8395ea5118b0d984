"""A price: what one deployment charges for each usage class, in one version."""

import msgspec

from legato.core.money import NanoUSD, PicoUSD


class Price(msgspec.Struct, frozen=True, gc=False):
    """Prices of one deployment.

    Token classes are pico-USD per token; `machine_hour` is nano-USD per hour of a local
    machine and is spread over its `slots` parallel requests. `units` is pico-USD per `units_per`
    of `unit` (a value of core.usage.Unit, "" for none).
    """

    version: str
    in_uncached: PicoUSD = PicoUSD(0)
    cache_read: PicoUSD = PicoUSD(0)
    cache_write_5m: PicoUSD = PicoUSD(0)
    cache_write_1h: PicoUSD = PicoUSD(0)
    out_text: PicoUSD = PicoUSD(0)
    reasoning: PicoUSD = PicoUSD(0)
    audio_in: PicoUSD = PicoUSD(0)
    audio_out: PicoUSD = PicoUSD(0)
    image_in: PicoUSD = PicoUSD(0)
    image_out: PicoUSD = PicoUSD(0)
    machine_hour: NanoUSD = NanoUSD(0)
    slots: int = 1
    simulated: bool = False
    source: str = "config"
    unit: str = ""
    units: PicoUSD = PicoUSD(0)
    units_per: int = 1


def same_charges(one: Price, other: Price) -> bool:
    """Whether two prices charge the same; which list they are from doesn't count."""
    plain = {"version": "", "source": ""}
    return msgspec.structs.replace(one, **plain) == msgspec.structs.replace(other, **plain)


UNPRICED = "unpriced"  # the price_version of an entry whose deployment has no price: cost is null
