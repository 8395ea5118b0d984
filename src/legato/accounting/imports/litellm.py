"""LiteLLM: rows of its table of spend logs, as JSON, lines of JSON or CSV."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from legato.accounting.imports.cells import Cells
from legato.accounting.imports.conversations import asked_of
from legato.accounting.imports.reader import Asked, Reader
from legato.accounting.imports.row import UsageRow
from legato.core.usage import Usage


def fits(names: frozenset[str]) -> bool:
    """By its table's own names."""
    return {"request_id", "spend", "startTime"} <= names and bool(
        {"call_type", "model_group", "custom_llm_provider"} & names
    )


def rows(cells: Cells) -> Iterator[UsageRow]:
    """Read one call."""
    metadata = cells.inner("metadata")
    start_ms = cells.time_ms("startTime")
    yield UsageRow(
        source=READER.name,
        vendor=cells.text("custom_llm_provider") or "unknown",
        account=cells.text("organization_id"),
        project=metadata.text("user_api_key_team_alias") or cells.text("team_id"),
        key=metadata.text("user_api_key_alias") or cells.text("api_key"),
        model=cells.text("model"),
        service=cells.text("call_type"),
        sku=cells.text("model_group"),
        start_ms=start_ms,
        end_ms=max(start_ms, cells.time_ms("endTime") if cells.has("endTime") else start_ms),
        usage=_usage(cells, metadata),
        requests=1,
        cost=cells.money("spend"),
        identity=cells.text("request_id"),
        tags=_tags(cells),
    )


def asked(values: Mapping[str, Any]) -> Asked | None:
    """Return the messages, or the body as the proxy got it; failed calls bought no answer."""
    if values.get("status") == "failure":
        return None
    model = str(values.get("model") or "")
    return asked_of(values.get("messages"), {}, model) or asked_of(
        values.get("proxy_server_request"), {}, model
    )


def _usage(cells: Cells, metadata: Cells) -> Usage:
    """`prompt_tokens` holds what was read from a cache and written to it, as OpenAI counts."""
    counts = metadata.inner("usage_object")
    if not counts.values:
        counts = metadata.inner("additional_usage_values")
    details, out = counts.inner("prompt_tokens_details"), counts.inner("completion_tokens_details")
    read = counts.count("cache_read_input_tokens") or details.count("cached_tokens")
    written = counts.count("cache_creation_input_tokens")
    prompt, completion = cells.count("prompt_tokens"), cells.count("completion_tokens")
    thought = min(out.count("reasoning_tokens"), completion)
    apart = read + written > prompt  # versions before it counted so: the classes lay apart
    return Usage(
        in_uncached=prompt if apart else prompt - read - written,
        cache_read=read,
        cache_write_5m=written,
        out_text=completion - thought,
        reasoning=thought,
    )


def _tags(cells: Cells) -> dict[str, str]:
    given = cells.values.get("request_tags")
    if isinstance(given, str):
        given = [part.strip(' []{}"') for part in given.split(",")]
    found = {f"tag:{one}": "" for one in given or () if isinstance(one, str) and one}
    if cells.text("cache_hit").lower() == "true":
        found["cache_hit"] = "true"
    if cells.text("status") == "failure":
        found["status"] = "failure"
    return found


READER: Final = Reader(
    "litellm",
    "LiteLLM spend logs (rows of LiteLLM_SpendLogs: JSON, JSON lines, CSV)",
    fits,
    rows,
    "the table's definition in LiteLLM's own schema.prisma",
    asked,
    calls=True,
)
