"""Prices from the `genai-prices` package, exact or not at all.

The package costs half a second and 60 MiB to import, so only `legato.app.prices.price_lookup`, a
short-lived process, may import this module. Its network update is never called: the prices
are those of the installed version.

What a fixed price per token class can't say makes a model unpriced, with the reason: prices
by context length or hour of the day, per request, page or second, and token classes our
usage vector has no place for. Calls of the vendor's own tools (web search) happen only where
a caller asks for them: they are left out, and noted. The library ignores keys of a `price_context`
it doesn't know without a word, so the one of batches is passed only where the model has a variant
under exactly it; no other (tiers, fast modes) ever is.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.metadata import version

import msgspec
from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    PriceContext,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from legato.core.money import PicoUSD, price_per_token
from legato.core.price import Price
from legato.economics.configured import version_of
from legato.economics.model_names import names_model
from legato.economics.price_book import REMEDY, PriceAnswer, PriceQuestion

PACKAGE = "genai-prices"

# Our class of each price the catalogue gives, and the price that stands in where it gives none.
_CLASSES = {
    "in_uncached": ("input_mtok", ""),
    "cache_read": ("cache_read_mtok", "in_uncached"),
    "cache_write_5m": ("cache_write_5m_mtok", "_cache_write"),
    "cache_write_1h": ("cache_write_1h_mtok", "_cache_write"),
    "out_text": ("output_mtok", ""),
    "reasoning": ("output_reasoning_mtok", "out_text"),
    "audio_in": ("input_audio_mtok", "in_uncached"),
    "audio_out": ("output_audio_mtok", "out_text"),
    "image_in": ("input_image_mtok", "in_uncached"),
    "image_out": ("output_image_mtok", "out_text"),
}
# Where our usage vector counts tokens it has no class for: right only if the prices agree.
_COUNTED_AS = {
    "input_text_mtok": "in_uncached",
    "input_tool_mtok": "in_uncached",
    "input_video_mtok": "in_uncached",
    "output_text_mtok": "out_text",
    "output_video_mtok": "out_text",
    "output_citation_mtok": "out_text",
    "cache_text_read_mtok": "cache_read",
    "cache_audio_read_mtok": "cache_read",
    "cache_image_read_mtok": "cache_read",
    "cache_video_read_mtok": "cache_read",
}
_OWN_TOOLS = {
    "web_searches_kcount": "web searches",
    "social_searches_kcount": "social searches",
    "storage_searches_kcount": "storage searches",
    "code_executions_kcount": "code executions",
}
_WITHOUT_OUTPUT = ("embed", "voyage")
_BATCH: PriceContext = {"processing": "batch"}
_FINEST = Decimal("0.000001")  # USD per million tokens = one pico-USD per token


class _Inexpressible(Exception):
    """The catalogue's price has no exact form here; the message says why."""


def look_up(
    question: PriceQuestion, moment: datetime, snapshot: DataSnapshot | None = None
) -> PriceAnswer:
    """Return the price in force at `moment` (with a time zone), or why there is none."""
    snapshot = snapshot or get_snapshot()
    try:
        provider = snapshot.find_provider(None, None, question.address)
    except LookupError:
        return PriceAnswer(reason=f"The catalogue knows no vendor at this address. {REMEDY}")
    try:
        _, model = snapshot.find_provider_model(question.model, provider, None, None)
    except LookupError:
        reason = f"The catalogue has no model {question.model!r} at {provider.id}."
        return PriceAnswer(reason=f"{reason} {REMEDY}")
    matched = f"{provider.id}/{model.id}"
    if not names_model(question.model, model):
        reason = f"The closest model of the catalogue, {matched}, is not surely the same."
        return PriceAnswer(matched=matched, reason=f"{reason} {REMEDY}")
    notes = [] if _sells(provider, model) else [f"{provider.id} at the vendor's own price"]
    try:
        values = _values(model, _in_force(model, moment), notes)
    except _Inexpressible as problem:
        return PriceAnswer(matched=matched, reason=f"{problem}. {REMEDY}")
    price = msgspec.convert({"version": version_of(values), **values}, Price)
    return PriceAnswer(
        price,
        matched,
        notes=tuple(notes),
        until=_next_change(model, moment),
        batch=_batch_price(model, moment),
    )


def _batch_price(model: ModelInfo, moment: datetime) -> Price | None:
    """Return what the vendor's own batches cost, None where that isn't said or can't be exact."""
    variants = [one for one in model.price_variants or () if one.when == _BATCH]
    if any(isinstance(one.constraint, TimeOfDateConstraint) for one in variants):
        return None
    given = any(one.constraint is None or one.constraint.active(moment) for one in variants)
    if not given:
        return None
    try:
        values = _values(model, model.get_prices(moment, _BATCH), [])
    except _Inexpressible:
        return None
    values["source"] = f"{values['source']}, batch"
    return msgspec.convert({"version": version_of(values), **values}, Price)


def _sells(provider: Provider, model: ModelInfo) -> bool:
    return any(model is own for own in provider.models)


def _in_force(model: ModelInfo, moment: datetime) -> ModelPrice:
    if isinstance(model.prices, ModelPrice):
        return model.prices
    for conditional in reversed(model.prices):  # as in the library, the last active one wins
        if isinstance(conditional.constraint, TimeOfDateConstraint):
            raise _Inexpressible("Its price depends on the hour of the day")
        if conditional.constraint is None or conditional.constraint.active(moment):
            break
    return model.get_prices(moment)


def _next_change(model: ModelInfo, moment: datetime) -> str:
    conditionals = model.prices if isinstance(model.prices, list) else []
    constraints = [one.constraint for one in conditionals]
    constraints += [one.constraint for one in model.price_variants or () if one.when == _BATCH]
    starts = [one.start_date for one in constraints if isinstance(one, StartDateConstraint)]
    return min((day.isoformat() for day in starts if day > moment.date()), default="")


def _values(model: ModelInfo, prices: ModelPrice, notes: list[str]) -> dict[str, object]:
    """Return the fields of a `Price` but its version; what is left out goes to `notes`."""
    given = {key: value for key, value in vars(prices).items() if value is not None}
    known = {key for key, _ in _CLASSES.values()} | {"cache_write_mtok"}
    exact = {key: _pico(key, value, notes) for key, value in given.items() if key in known}
    if "input_mtok" not in exact:
        raise _Inexpressible("The catalogue gives no price per token for it")
    if "output_mtok" not in exact:
        if not any(word in f"{model.id} {model.name}".lower() for word in _WITHOUT_OUTPUT):
            raise _Inexpressible("The catalogue gives no price for its output")
        exact["output_mtok"] = PicoUSD(0)
    classes: dict[str, PicoUSD] = {"in_uncached": exact["input_mtok"]}
    classes["_cache_write"] = exact.get("cache_write_mtok", exact["input_mtok"])
    for name, (key, plain) in _CLASSES.items():
        classes[name] = exact[key] if key in exact else classes[plain]
    for key in given.keys() - known:
        _account_for(key, given[key], classes, notes)
    values: dict[str, object] = {name: classes[name] for name in _CLASSES}
    notes.sort()
    return {**values, "source": f"{PACKAGE} {version(PACKAGE)}"}


def _account_for(key: str, value: object, classes: Mapping[str, int], notes: list[str]) -> None:
    """Accept a price outside our classes only if nothing can be charged wrongly for it."""
    if key in _OWN_TOOLS:
        notes.append(f"{_OWN_TOOLS[key]} by the vendor are not included")
    elif key not in _COUNTED_AS:
        raise _Inexpressible(f"It is also charged by {key}, which is not a price per token")
    elif _pico(key, value, []) != classes[_COUNTED_AS[key]]:
        raise _Inexpressible(f"Its {key} differs from the class such tokens are counted in")


def _pico(key: str, value: object, notes: list[str]) -> PicoUSD:
    """Round half-even to a pico-USD per token, and say so; never to nothing."""
    if isinstance(value, TieredPrices):
        raise _Inexpressible("Its price depends on the length of the context")
    if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
        raise _Inexpressible(f"Its {key} is not a price")
    rounded = value.quantize(_FINEST, ROUND_HALF_EVEN)
    if rounded != value:
        if not rounded:
            raise _Inexpressible(f"Its {key} is finer than a pico-dollar per token")
        notes.append(f"{key} {value} rounded to {rounded}")
    return price_per_token(rounded)
