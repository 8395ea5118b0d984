"""Langfuse: observations as its API, its exports to storage and its tables write them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from legato.accounting.imports.cells import Cells, nano
from legato.accounting.imports.conversations import asked_of
from legato.accounting.imports.reader import Asked, Reader
from legato.accounting.imports.row import UsageRow
from legato.core.usage import Usage

_PAID: Final = frozenset({"GENERATION", "EMBEDDING"})
_MODEL: Final = ("model", "providedModelName", "provided_model_name", "internalModel")


def fits(names: frozenset[str]) -> bool:
    """By names of its API, or of its exports, which write them with lines."""
    start = {"startTime", "start_time"} & names
    trace = {"traceId", "trace_id"} & names
    own = {
        "usageDetails", "usage_details", "costDetails", "calculatedTotalCost", "promptTokens",
        "totalCost", "total_cost", "providedModelName", "provided_model_name",
    } & names  # fmt: skip
    return bool(start and trace and own)


def rows(cells: Cells) -> Iterator[UsageRow]:
    """Read one observation; spans and events, which buy nothing, give no row."""
    kind = cells.text("type").upper()
    if kind and kind not in _PAID:
        return
    start_ms = cells.time_ms("startTime", "start_time")
    ended = cells.has("endTime", "end_time")
    end_ms = cells.time_ms("endTime", "end_time") if ended else start_ms
    yield UsageRow(
        source=READER.name,
        vendor="unknown",
        project=cells.text("projectId", "project_id"),
        model=cells.text(*_MODEL),
        service=cells.text("name"),
        sku=cells.text("promptName", "prompt_name"),
        start_ms=start_ms,
        end_ms=max(start_ms, end_ms),
        usage=_usage(cells),
        requests=1,
        cost=_cost(cells),
        identity=cells.text("id"),
        tags={"environment": cells.text("environment")} if cells.has("environment") else {},
    )


def asked(values: Mapping[str, Any]) -> Asked | None:
    """Return the input, with what the model was told beside it."""
    cells = Cells(values)
    settings = cells.inner("modelParameters").values or cells.inner("model_parameters").values
    return asked_of(values.get("input"), settings, cells.text(*_MODEL))


def _cost(cells: Cells) -> int | None:
    details = cells.inner("costDetails").values or cells.inner("cost_details").values
    if "total" in details:
        return Cells(details).money("total")
    if details:
        numbers = (Cells(details).decimal(name) for name in details)
        return nano(sum((one for one in numbers if one is not None), Decimal(0)), "costDetails")
    return cells.money("totalCost", "total_cost", "calculatedTotalCost", "calculated_total_cost")


def _usage(cells: Cells) -> Usage:
    """Types of usage that begin with `input` or `output` are disjoint, as Langfuse adds them."""
    details = cells.inner("usageDetails").values or cells.inner("usage_details").values
    if not details:
        usage = cells.inner("usage")
        return Usage(
            in_uncached=usage.count("input", "promptTokens")
            or cells.count("promptTokens", "inputUsage", "input_usage"),
            out_text=usage.count("output", "completionTokens")
            or cells.count("completionTokens", "outputUsage", "output_usage"),
        )
    sums = dict.fromkeys(Usage.__struct_fields__, 0)
    for name in details:
        if kind := _class(name.lower()):
            sums[kind] += Cells(details).count(name)
    return Usage(**sums)


def _class(name: str) -> str:
    if name in {"total", "unit"}:
        return ""
    if "cache" in name:
        written = "creation" in name or "write" in name
        return "cache_write_5m" if written else "cache_read"
    if "reasoning" in name or "thought" in name:
        return "reasoning"
    out = name.startswith(("output", "completion"))
    for medium in ("audio", "image"):
        if medium in name:
            return f"{medium}_{'out' if out else 'in'}"
    return "out_text" if out else "in_uncached" if name.startswith(("input", "prompt")) else ""


READER: Final = Reader(
    "langfuse",
    "Langfuse observations (API pages, export to storage, CSV)",
    fits,
    rows,
    "Langfuse's API specification as its generated clients state it (both versions)",
    asked,
    calls=True,
)
