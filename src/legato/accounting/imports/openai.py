"""OpenAI: pages of the usage and costs endpoints, and the dashboard's CSV of either."""

from collections.abc import Iterator
from typing import Any, Final

from legato.accounting.imports.cells import Cells, day_after
from legato.accounting.imports.problems import BadLine
from legato.accounting.imports.reader import Reader
from legato.accounting.imports.row import Charge, UsageRow
from legato.core.usage import Usage

_RESULT: Final = "organization."
_UNITS: Final = {
    "images": "images",
    "characters": "characters",
    "seconds": "seconds",
    "usage_bytes": "bytes",
    "num_sessions": "sessions",
}
_TOKEN_COLUMNS: Final = frozenset({"input_tokens", "output_tokens", "num_model_requests"})
_CREDIT: Final = ("credit", "grant", "discount", "promotion")
_CLASSES: Final = {"input": "in_uncached", "cached input": "cache_read", "output": "out_text"}


def fits(names: frozenset[str]) -> bool:
    """Buckets have `results` between two times; the CSV has a cost or counts beside them."""
    bucket = {"results", "start_time", "end_time"} <= names
    costs = {"start_time", "amount_value"} <= names
    counts = "start_time" in names and len(_TOKEN_COLUMNS & names) > 1
    return bucket or costs or counts


def rows(cells: Cells) -> Iterator[UsageRow]:
    """Read one bucket, or one line of the CSV."""
    if isinstance(results := cells.values.get("results"), list):
        for result in results:
            if not isinstance(result, dict):
                raise BadLine("results: one is not an object", "export it again")
            yield _row(Cells(_flat({**cells.values, **result})))
    else:
        yield _row(cells)


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    amount = values.get("amount")
    if isinstance(amount, dict):
        values["amount_value"] = amount.get("value")
        values["amount_currency"] = amount.get("currency")
    return values


def _row(cells: Cells) -> UsageRow:
    start_ms = cells.time_ms("start_time", "start_time_iso")
    end_ms = cells.time_ms("end_time", "end_time_iso") if cells.has("end_time") else 0
    item = cells.text("line_item")
    quantity, unit = _quantity(cells)
    return UsageRow(
        source=READER.name,
        vendor="openai",
        account=cells.text("organization_id", "organization_name"),
        project=cells.text("project_id", "project_name"),
        key=cells.text("api_key_id"),
        model=cells.text("model") or item.partition(",")[0].strip(),
        service=cells.text("object").removeprefix(_RESULT).removesuffix(".result"),
        sku=item,
        tier="batch" if cells.text("batch").lower() == "true" else _tier(cells),
        start_ms=start_ms,
        end_ms=end_ms or day_after(start_ms),
        usage=_usage(cells, item),
        requests=cells.count_or_none("num_model_requests", "num_requests"),
        quantity=quantity,
        unit=unit,
        cost=cells.money("amount_value"),
        currency=cells.currency("amount_currency"),
        charge=Charge.CREDIT if any(word in item.lower() for word in _CREDIT) else Charge.USAGE,
    )


def _tier(cells: Cells) -> str:
    tier = cells.text("service_tier")
    return "" if tier in {"default", "standard"} else tier


def _quantity(cells: Cells) -> tuple[str, str]:
    if cells.has("quantity"):
        return cells.text("quantity"), "tokens"
    for name, unit in _UNITS.items():
        if cells.has(name):
            return str(cells.count(name)), unit
    return "", ""


def _usage(cells: Cells, item: str) -> Usage:
    """Return disjoint classes.

    Newer answers count all kinds in `input_tokens` and split them beside it; older ones count only
    text there and sound apart. Which one it is, the presence of the split says.
    """
    if item and cells.has("quantity") and not cells.has("input_tokens"):
        return _of_item(cells, item)
    if cells.has("input_text_tokens") or cells.has("output_text_tokens"):
        return _of_split(cells)
    cached, written = cells.count("input_cached_tokens"), cells.count("input_cache_write_tokens")
    return Usage(
        in_uncached=_rest(cells, "input_tokens", cached + written),
        cache_read=cached,
        cache_write_5m=written,
        out_text=cells.count("output_tokens"),
        audio_in=cells.count("input_audio_tokens"),
        audio_out=cells.count("output_audio_tokens"),
    )


def _of_split(cells: Cells) -> Usage:
    cached, written = cells.count("input_cached_tokens"), cells.count("input_cache_write_tokens")
    audio_in = cells.count("input_audio_tokens") - cells.count("input_cached_audio_tokens")
    image_in = cells.count("input_image_tokens") - cells.count("input_cached_image_tokens")
    audio_out, image_out = cells.count("output_audio_tokens"), cells.count("output_image_tokens")
    return Usage(
        in_uncached=_rest(cells, "input_tokens", cached + written + audio_in + image_in),
        cache_read=cached,
        cache_write_5m=written,
        out_text=_rest(cells, "output_tokens", audio_out + image_out),
        audio_in=audio_in,
        audio_out=audio_out,
        image_in=image_in,
        image_out=image_out,
    )


def _of_item(cells: Cells, item: str) -> Usage:
    """A line item of the costs says of itself which tokens it counts: `gpt-4o, cached input`."""
    name = _CLASSES.get(item.partition(",")[2].strip().lower())
    quantity = cells.decimal("quantity")
    if name is None or quantity is None or quantity != quantity.to_integral_value():
        return Usage()
    return Usage(**{name: int(quantity)})


def _rest(cells: Cells, name: str, parts: int) -> int:
    rest = cells.count(name) - parts
    if rest < 0:
        raise BadLine(
            f"{name}: {cells.text(name)} is less than its parts, {parts}",
            "export it again: a total holds its parts",
        )
    return rest


READER: Final = Reader(
    "openai",
    "OpenAI usage and costs (API pages, dashboard CSV)",
    fits,
    rows,
    "OpenAI's API reference as its generated clients state it (completions, embeddings, images, "
    "audio, costs), old and new form; the CSV by the same names, from no file of OpenAI's own",
)
