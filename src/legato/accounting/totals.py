"""Imported usage, added up for those who look."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from legato.core.imported_usage import ImportedUsage
from legato.core.money import NanoUSD, exact_usd


def by_model(rows: Iterable[ImportedUsage]) -> list[dict[str, Any]]:
    """Return the sums by vendor, model and currency, the dearest first; amounts exact."""
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0] * 7)
    for row in rows:
        found = sums[row.vendor, row.model or row.sku or row.service, row.currency]
        more = (
            row.requests, row.usage.input_tokens, row.usage.output_tokens, row.cost,
            row.lines - row.costed, row.lines, row.counted,
        )  # fmt: skip
        sums[row.vendor, row.model or row.sku or row.service, row.currency] = [
            one + other for one, other in zip(found, more, strict=True)
        ]
    ordered = sorted(sums.items(), key=lambda item: (-item[1][3], item[0]))
    return [
        {
            "vendor": vendor,
            "model": model,
            "currency": currency,
            "requests": counts[0] if counts[6] else None,
            "input_tokens": counts[1],
            "output_tokens": counts[2],
            "cost": exact_usd(NanoUSD(counts[3])) if counts[4] < counts[5] else None,
            "lines_without_cost": counts[4],
            "lines": counts[5],
        }
        for (vendor, model, currency), counts in ordered
    ]
