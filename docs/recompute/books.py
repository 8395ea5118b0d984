"""The books as they were listed, and profit and loss of features from them and the ledger."""

import json
from calendar import monthrange
from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from ledger import Entry
from spend import unpriced, within

NANO = 10**9
Place = tuple[str, str]


def read_book(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return what `legato NAME list --json` said; nothing where there is no such file."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else []


def nano(text: str) -> int:
    """Read dollars as whole billionths."""
    return int(Decimal(text) * NANO)


def dollars(amount: int) -> str:
    """Write billionths as dollars."""
    return f"{'-' if amount < 0 else ''}{abs(amount) // NANO}.{abs(amount) % NANO:09d}"


def share(part: int, whole: int) -> str:
    """Return a share to four decimals, "" of nothing or less."""
    if whole <= 0:
        return ""
    exact = Fraction(part, whole)
    return f"{Decimal(round(exact * 10_000)).scaleb(-4):.4f}"


def revenue_of(folder: Path, org: str, period: str) -> int | None:
    """Return the revenue of whole months; None where there is none, or they aren't whole."""
    first, _, last = period.partition("..")
    if first[8:] != "01" or not _ends_month(last):
        return None
    found = [
        nano(one["usd"])
        for one in read_book(folder, "revenue")
        if one["org"] == org and first[:7] <= one["period"] <= last[:7]
    ]
    return sum(found) if found else None


def profit(
    entries: Sequence[Entry], folder: Path, org: str, months: tuple[str, str]
) -> dict[Place, dict[str, Any]]:
    """Return what each feature earned and cost, and `("", "all")` for all of them."""
    since, until = months
    found: dict[Place, dict[str, Any]] = defaultdict(_nothing)
    mine = within(entries, org, f"{since}-01..{until}-31")
    for place in {(one.team, one.feature) for one in mine}:
        own = [one for one in mine if (one.team, one.feature) == place]
        found[place]["ai"] = sum(one.cost or 0 for one in own)
        found[place]["requests"] = sum(one.is_first for one in own)
        found[place]["unpriced"] = unpriced(own)
    for one in read_book(folder, "revenue"):
        if one["org"] == org and since <= one["period"] <= until:
            row = found[one["team"], one["feature"]]
            row["revenue"] += nano(one["usd"])
            row["earns"] = True
    for one in read_book(folder, "labour"):
        reviews = (one["phase"], one["activity"]) == ("after", "review")
        if reviews and one["org"] == org and since <= one["period"] <= until:
            found[one["team"], one["feature"]]["review"] += nano(one["usd"])
    count = 12 * (int(until[:4]) - int(since[:4])) + int(until[5:]) - int(since[5:]) + 1
    for one in read_book(folder, "assumptions"):
        base, _, at = one["name"].partition("@")
        team, _, feature = at.partition("/")
        if base == "cogs.other_usd_month" and (team, feature) in found:
            other = Decimal(one["value"]) * count * NANO
            found[team, feature]["other"] = int(other.to_integral_value(ROUND_HALF_EVEN))
    total = _nothing()
    for row in found.values():
        for name, value in row.items():
            total[name] = total[name] + value if name != "earns" else total[name] or value
    return {**found, ("", "all"): total}


def profit_figures(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a report says of a row."""
    revenue, ai, review, other = (row[name] for name in ("revenue", "ai", "review", "other"))
    left = revenue - ai - review - other
    each = round(Fraction(ai, row["requests"])) if row["requests"] else None
    return {
        "revenue_usd": dollars(revenue),
        "ai_usd": dollars(ai),
        "review_usd": dollars(review),
        "other_usd": dollars(other),
        "contribution_usd": dollars(left),
        "margin_after_ai": share(revenue - ai, revenue),
        "contribution_margin": share(left, revenue),
        "ai_of_revenue": share(ai, revenue),
        "ai_of_cogs": share(ai, ai + review + other),
        "requests": row["requests"],
        "unpriced": row["unpriced"],
        "cost_per_request_usd": None if each is None else dollars(each),
    }


def _nothing() -> dict[str, Any]:
    names = ("revenue", "ai", "review", "other", "requests", "unpriced")
    return {**dict.fromkeys(names, 0), "earns": False}


def _ends_month(day: str) -> bool:
    return int(day[8:]) == monthrange(int(day[:4]), int(day[5:7]))[1]
