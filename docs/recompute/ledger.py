"""The ledger as it was exported, row by row: CSV, JSON lines or Parquet."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

STEPS = ("cache", "shortening", "routing", "prompt_cache", "tier", "overhead")
BOUNDS_MS = (10, 25, 50, 100, 200, 350, 500, 750, 1000, 1500, 2500, 5000, 10000, 30000)
TOKENS = (
    "in_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "out_text", "reasoning",
    "audio_in", "audio_out", "image_in", "image_out",
)  # fmt: skip


class Entry(NamedTuple):
    """What the figures need of a row. `counts` is -1 for what reverses another, else 1.

    `kind` and `is_reversal` apart: a reversal takes back what the entry that it names counted.
    """

    id: int
    request_id: str
    day: str
    at_ns: int
    org: str
    team: str
    feature: str
    user: str
    route: str
    provider: str
    kind: str
    is_reversal: bool
    counts: int
    status: str
    cost: int | None
    baseline: int | None
    steps: tuple[int, ...]
    tokens: int
    removed: int
    total_us: int
    is_first: bool


def read_entries(path: Path) -> list[Entry]:
    """Return all rows in the order of their ids."""
    rows = sorted(_rows(path), key=lambda row: int(row["id"]))
    kinds = {int(row["id"]): row["kind"] for row in rows}
    seen: set[str] = set()
    entries = []
    for row in rows:
        entries.append(_entry(row, kinds, is_first=row["request_id"] not in seen))
        seen.add(row["request_id"])
    return entries


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)
    elif path.suffix == ".parquet":
        from pyarrow import parquet  # noqa: PLC0415 - needed for such a file alone

        yield from parquet.read_table(path).to_pylist()
    else:
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def _entry(row: dict[str, Any], kinds: dict[int, str], *, is_first: bool) -> Entry:
    reverses = row["reverses_entry"]
    is_reversal = reverses not in {None, ""}
    at_ns = int(row["at_ns"])
    removed = [word for word in row["measures"].split() if word.startswith("removed:")]
    return Entry(
        id=int(row["id"]),
        request_id=row["request_id"],
        day=datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%d"),
        at_ns=at_ns,
        org=row["org"],
        team=row["team"],
        feature=row["feature"],
        user=row["end_user"],
        route=row["route"],
        provider=row["provider"],
        kind=kinds[int(reverses)] if is_reversal else row["kind"],
        is_reversal=is_reversal,
        counts=-1 if is_reversal else 1,
        status=row["status"],
        cost=_amount(row["cost_nano_usd"]),
        baseline=_amount(row["baseline_cost_nano_usd"]),
        steps=tuple(int(row[f"step_{name}_nano_usd"]) for name in STEPS),
        tokens=sum(int(row[name]) for name in TOKENS),
        removed=sum(int(word.removeprefix("removed:")) for word in removed),
        total_us=int(row["total_us"]),
        is_first=is_first,
    )


def _amount(text: Any) -> int | None:
    return None if text in {None, ""} else int(text)
