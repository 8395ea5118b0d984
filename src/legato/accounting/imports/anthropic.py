"""Anthropic: pages of the usage and cost reports, and the console's two CSV files."""

from collections.abc import Iterator
from typing import Final

from legato.accounting.imports.cells import Cells, day_after, nano
from legato.accounting.imports.problems import BadLine
from legato.accounting.imports.reader import Reader
from legato.accounting.imports.row import Charge, UsageRow
from legato.core.usage import Usage

_CENTS: Final = 100
_PLAIN: Final = frozenset({"standard", "default", "message", "token", "tokens", ""})


def fits(names: frozenset[str]) -> bool:
    """Buckets run from `starting_at` to `ending_at`; the console's files begin with a date."""
    return {"results", "starting_at", "ending_at"} <= names or "usage_date_utc" in names


def rows(cells: Cells) -> Iterator[UsageRow]:
    """Read one bucket, or one line of the console's files."""
    if not isinstance(results := cells.values.get("results"), list):
        yield _of_console(cells)
        return
    start_ms, end_ms = cells.time_ms("starting_at"), cells.time_ms("ending_at")
    for result in results:
        if not isinstance(result, dict):
            raise BadLine("results: one is not an object", "export it again")
        yield _of_report(Cells(result), start_ms, end_ms)


def _of_report(cells: Cells, start_ms: int, end_ms: int) -> UsageRow:
    """Costs are given in cents, as decimal numbers."""
    written, tools = cells.inner("cache_creation"), cells.inner("server_tool_use")
    cents = cells.decimal("amount")
    searches = tools.count("web_search_requests")
    return UsageRow(
        source=READER.name,
        vendor="anthropic",
        project=cells.text("workspace_id"),
        key=cells.text("api_key_id"),
        model=cells.text("model"),
        service=cells.text("cost_type") or "messages",
        sku=cells.text("description", "token_type"),
        region=cells.text("inference_geo"),
        tier=_tier(cells.text("service_tier")),
        start_ms=start_ms,
        end_ms=end_ms,
        usage=Usage(
            in_uncached=cells.count("uncached_input_tokens"),
            cache_read=cells.count("cache_read_input_tokens"),
            cache_write_5m=written.count("ephemeral_5m_input_tokens"),
            cache_write_1h=written.count("ephemeral_1h_input_tokens"),
            out_text=cells.count("output_tokens"),
        ),
        quantity=str(searches) if searches else "",
        unit="web searches" if searches else "",
        cost=None if cents is None else nano(cents / _CENTS, "amount"),
        currency=cells.currency("currency"),
    )


def _of_console(cells: Cells) -> UsageRow:
    start_ms = cells.time_ms("usage_date_utc")
    kind = cells.text("token_type", "cost_type")
    searches = cells.count("web_search_count")
    return UsageRow(
        source=READER.name,
        vendor="anthropic",
        project=cells.text("workspace"),
        key=cells.text("api_key_id", "api_key"),
        model=cells.text("model_version", "model"),
        service=cells.text("cost_type") or "messages",
        sku=kind,
        region=cells.text("inference_geo").replace("not_available", ""),
        tier=_tier(cells.text("usage_type")),
        start_ms=start_ms,
        end_ms=day_after(start_ms),
        usage=Usage(
            in_uncached=cells.count("usage_input_tokens_no_cache"),
            cache_read=cells.count("usage_input_tokens_cache_read"),
            cache_write_5m=cells.count("usage_input_tokens_cache_write_5m"),
            cache_write_1h=cells.count("usage_input_tokens_cache_write_1h"),
            out_text=cells.count("usage_output_tokens"),
        ),
        quantity=str(searches) if searches else "",
        unit="web searches" if searches else "",
        cost=cells.money("cost_usd"),
        list_cost=cells.money("list_price_usd"),
        charge=Charge.CREDIT if "credit" in kind.lower() else Charge.USAGE,
    )


def _tier(said: str) -> str:
    return "" if said.lower() in _PLAIN else said


READER: Final = Reader(
    "anthropic",
    "Anthropic usage and cost (report API pages, console CSV)",
    fits,
    rows,
    "Anthropic's admin API reference, and the console's header lines as several public projects "
    "that read them state them (read, not copied)",
)
