"""Prices as the operator writes them in the configuration."""

import hashlib

import msgspec

from legato.core.config import Deployment, TokenPrice
from legato.core.money import NanoUSD, amount, pico_usd, price_per_token
from legato.core.price import Price
from legato.core.usage import Unit

# The setting, the unit, and how many of it the price is for.
_UNIT_PRICES = (
    ("image_usd", Unit.IMAGE, 1),
    ("mchar_usd", Unit.CHARACTER, 1_000_000),
    ("audio_minute_usd", Unit.AUDIO_MS, 60_000),
    ("search_usd", Unit.SEARCH, 1),
)


def configured_price(deployment: Deployment, *, simulated: bool = False) -> Price | None:
    """Return the deployment's configured price, or None where nothing is configured.

    A class without a price of its own costs what its plain counterpart does: cache and image
    and audio input as input, reasoning and audio and image output as output.

    Raises:
        ValueError: a price is no decimal number or finer than a pico-dollar per token; or there
            are prices for two units.
    """
    price = deployment.price
    if price is None or price == TokenPrice():
        return None
    entered = price_per_token(price.input_per_mtok or 0)
    written = price_per_token(price.output_per_mtok or 0)

    def priced(own: str | None, plain: int) -> int:
        return plain if own is None else price_per_token(own)

    values = {
        "in_uncached": entered,
        "cache_read": priced(price.cache_read_per_mtok, entered),
        "cache_write_5m": priced(price.cache_write_5m_per_mtok, entered),
        "cache_write_1h": priced(price.cache_write_1h_per_mtok, entered),
        "out_text": written,
        "reasoning": priced(price.reasoning_per_mtok, written),
        "audio_in": priced(price.audio_in_per_mtok, entered),
        "audio_out": priced(price.audio_out_per_mtok, written),
        "image_in": priced(price.image_in_per_mtok, entered),
        "image_out": priced(price.image_out_per_mtok, written),
        "machine_hour": amount(price.machine_hour_usd) if price.machine_hour_usd else NanoUSD(0),
        "slots": deployment.slots,
        "simulated": simulated,
        "source": "config",
        **unit_price(price),
    }
    return msgspec.convert({"version": version_of(values), **values}, Price)


def unit_price(price: TokenPrice | None) -> dict[str, object]:
    """Return the fields of the one unit that is priced; none for token prices alone.

    They are left out where there is none, so that what had a version before keeps it.

    Raises:
        ValueError: there are prices for two units, or one is finer than a pico-dollar.
    """
    if price is None:
        return {}
    given = [row for row in _UNIT_PRICES if getattr(price, row[0]) is not None]
    if not given:
        return {}
    if len(given) > 1:
        names = " and ".join(name for name, _, _ in given)
        msg = f"{names}: a model has one unit beside tokens; make two deployments of it"
        raise ValueError(msg)
    name, unit, units_per = given[0]
    units = pico_usd(getattr(price, name))
    return {"unit": unit.value, "units": units, "units_per": units_per}


def version_of(values: dict[str, object]) -> str:
    """Return a content hash: the same prices have the same version, for ever."""
    return hashlib.blake2b(msgspec.json.encode(values, order="sorted"), digest_size=8).hexdigest()
