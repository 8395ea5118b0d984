"""Helicone: requests as its query API and its export tool write them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from legato.accounting.imports.cells import Cells
from legato.accounting.imports.conversations import asked_of
from legato.accounting.imports.reader import Asked, Reader
from legato.accounting.imports.row import UsageRow
from legato.core.usage import Usage

_GOOD: Final = range(200, 300)


def fits(names: frozenset[str]) -> bool:
    """By names of its API's answer."""
    return {"request_id", "request_created_at"} <= names


def rows(cells: Cells) -> Iterator[UsageRow]:
    """Read one call."""
    start_ms = cells.time_ms("request_created_at")
    ended = cells.has("response_created_at")
    end_ms = cells.time_ms("response_created_at") if ended else start_ms
    read, written = (
        cells.count("prompt_cache_read_tokens"),
        cells.count("prompt_cache_write_tokens"),
    )
    prompt = cells.count("prompt_tokens")
    apart = read + written > prompt
    yield UsageRow(
        source=READER.name,
        vendor=cells.text("provider").lower() or "unknown",
        model=cells.text("response_model", "request_model", "model"),
        service=cells.text("request_path", "target_url"),
        start_ms=start_ms,
        end_ms=max(start_ms, end_ms),
        usage=Usage(
            in_uncached=prompt if apart else prompt - read - written,
            cache_read=read,
            cache_write_5m=written,
            out_text=cells.count("completion_tokens"),
            audio_in=cells.count("prompt_audio_tokens"),
            audio_out=cells.count("completion_audio_tokens"),
        ),
        requests=1,
        cost=cells.money("costUSD", "cost_usd", "cost"),
        identity=cells.text("request_id"),
        tags=_tags(cells),
    )


def asked(values: Mapping[str, Any]) -> Asked | None:
    """Return the body; failed calls bought no answer."""
    status = Cells(values).decimal("response_status")
    if status is not None and int(status) not in _GOOD:
        return None
    model = str(values.get("request_model") or values.get("model") or "")
    return asked_of(values.get("request_body"), {}, model)


def _tags(cells: Cells) -> dict[str, str]:
    properties = cells.inner("request_properties").values
    return {
        str(name)[:100]: str(value)[:200]
        for name, value in properties.items()
        if not str(name).lower().startswith("helicone")
    }


READER: Final = Reader(
    "helicone",
    "Helicone requests (query API, export tool: JSON, JSON lines, CSV)",
    fits,
    rows,
    "Helicone's API specification; cost by each of the three names its tools use",
    asked,
    calls=True,
)
