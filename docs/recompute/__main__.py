"""Works out every figure of a savings or ROI report again, from the raw export and the books alone.

    legato ledger export --format csv --output ledger.csv
    mkdir books
    for book in revenue labour benefits assumptions; do
        legato $book list --json > books/$book.json
    done
    legato report roi --period 2026-10 --out report.json
    python docs/recompute --ledger ledger.csv --books books --report report.json

It imports nothing of Legato. It prints how many figures it compared, each that differs, and those
that neither ledger nor books hold; it fails if one differs. Parquet needs pyarrow, else Python
alone is enough. Entries that came between the export and the report make a difference, too.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from books import NANO, dollars, nano, profit, profit_figures, read_book, revenue_of, share
from ledger import Entry, read_entries
from plan import NEEDED, cases_of, drawn, plan_of
from spend import bars, key_figures, requests, unpriced, within

ELSEWHERE = {
    "policy-triggers": "counts of guardrails",
    "personal-data-stopped": "counts of guardrails",
    "deployment-frequency": "moves of the registry",
    "time-to-detection": "incidents",
    "time-to-resolution": "incidents",
}
DAY_NS = 86_400 * NANO


class Compared(NamedTuple):
    """A figure by its name: what the report says, and what comes of the raw data."""

    name: str
    said: Any
    found: Any


class Raw(NamedTuple):
    """What is recomputed from."""

    entries: Sequence[Entry]
    books: Path
    report: dict[str, Any]

    @property
    def org(self) -> str:
        """Whose report it is."""
        return str(self.report["org"])


def compared(raw: Raw) -> Iterator[Compared]:
    """Yield every figure of the report that ledger and books tell."""
    if raw.report["savings"] is not None:
        mine = within(raw.entries, raw.org, raw.report["period"])
        yield from _savings(raw, mine)
        yield from _groups(raw, mine)
    yield from _key_figures(raw)
    if raw.report["plan"] is not None:
        yield from _inputs(raw)
        yield from _plan(raw.report["plan"])
    if raw.report["pnl"] is not None:
        yield from _profit(raw)


def _savings(raw: Raw, mine: Sequence[Entry]) -> Iterator[Compared]:
    said, amounts = raw.report["savings"], bars(mine)
    for name, amount in said["bars"]:
        yield Compared(f"savings {name}", amount, amounts[name])
    saved = amounts["baseline"] - amounts["cost"]
    yield Compared("savings cost", said["cost"], amounts["cost"])
    yield Compared("savings saved", said["saved"], saved)
    yield Compared("savings requests", said["requests"], requests(mine))
    yield Compared("savings unpriced", said["unpriced"], unpriced(mine))


def _groups(raw: Raw, mine: Sequence[Entry]) -> Iterator[Compared]:
    by_place, by_team = defaultdict(list), defaultdict(list)
    for one in mine:
        by_place[one.team, one.feature].append(one)
        by_team[one.team].append(one)
    wanted = {(*place, step): amount for place, own in by_place.items()
              for step, amount in bars(own).items()}  # fmt: skip
    said = {(row["group"]["team"], row["group"]["feature"], row["group"]["step"]): row["numerator"]
            for row in raw.report["by_feature"]["rows"]}  # fmt: skip
    for key in sorted(wanted.keys() | said.keys()):
        yield Compared(f"savings by feature {key}", said.get(key), wanted.get(key))
    costs = {team: bars(own)["cost"] for team, own in by_team.items()}
    teams = {row["group"]["team"]: row["numerator"] for row in raw.report["by_team"]["rows"]}
    for team in sorted(costs.keys() | teams.keys()):
        yield Compared(f"cost by team {team}", teams.get(team), costs.get(team))


def _key_figures(raw: Raw) -> Iterator[Compared]:
    period = raw.report["period"]
    first, _, last = period.partition("..")
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    setting = raw.report["setting"] or {"own": [], "choosing": []}
    revenue = revenue_of(raw.books, raw.org, period)
    found = key_figures(within(raw.entries, raw.org, period), days, setting, revenue)
    for one in raw.report["kpis"]:
        name = one["about"]["id"]
        if name in ELSEWHERE:
            continue
        (row,) = one["rows"]
        said = None if row["needs"] else Fraction(row["numerator"], row["denominator"])
        mine = found[name]
        yield Compared(f"key figure {name}", said, None if mine is None else Fraction(*mine))


def _inputs(raw: Raw) -> Iterator[Compared]:
    """Yield what the plan read off the ledger and the books, and what was kept by people."""
    inputs = {one["name"]: one for one in raw.report["plan"]["inputs"]}
    kept = {one["name"]: one for one in read_book(raw.books, "assumptions")}
    for name, one in inputs.items():
        if one["version"] is not None:
            for end in ("value", "low", "high", "version"):
                held = kept[name][end] if name in kept else None
                yield Compared(f"input {name} {end}", one[end], held)
        elif one["source"].startswith("the ledger's last"):
            yield Compared(f"input {name}", one["value"], _of_month(raw, name, one["source"]))
        elif (amount := _of_books(raw, name, one["source"])) is not None:
            yield Compared(f"input {name}", one["value"], amount)


def _of_month(raw: Raw, name: str, source: str) -> str:
    period = source.partition("(")[2].partition(")")[0]
    mine = within(raw.entries, raw.org, period)
    begun = min(one.at_ns for one in mine) // DAY_NS * DAY_NS
    days = max(Fraction(1), Fraction(raw.report["made_ns"] - begun, DAY_NS))
    days = Fraction(round(days * 100), 100)
    spent = sum((one.baseline if name.startswith("before") else one.cost) or 0 for one in mine)
    return dollars(round(spent * Fraction(365, 12) / days))


def _of_books(raw: Raw, name: str, source: str) -> str | None:
    """Return the mean month of a book, or all of what building took; None for neither."""
    book, phase = "labour", name.partition(".")[0]
    if name == "benefits.usd_month":
        rows = [one for one in read_book(raw.books, "benefits") if one["org"] == raw.org]
        book = "benefits"
    elif name.endswith("labour_usd_month"):
        rows = [one for one in read_book(raw.books, "labour") if one["org"] == raw.org
                and one["phase"] == phase and one["activity"] in {"run", "review"}]  # fmt: skip
    elif name == "initial.usd" and source == "labour of building":
        built = [nano(one["usd"]) for one in read_book(raw.books, "labour")
                 if one["org"] == raw.org and one["activity"] == "build"]  # fmt: skip
        return dollars(sum(built))
    else:
        return None
    if not rows:
        return dollars(0) if source == f"no {book} in the books" else None
    months = len({one["period"] for one in rows})
    return dollars(round(Fraction(sum(nano(one["usd"]) for one in rows), months)))


def _plan(plan: dict[str, Any]) -> Iterator[Compared]:
    inputs = {one["name"]: one for one in plan["inputs"] if one["name"] in NEEDED}
    cases, swings = cases_of(inputs)
    for case in plan["cases"]:
        yield from _case(case, cases[case["name"]])
    yield Compared("tornado", plan["tornado"], swings)
    if plan["draws"] is not None:
        again = drawn(inputs, plan["draws"]["seed"], plan["draws"]["draws"])
        for name, value in plan["draws"].items():
            yield Compared(f"draws {name}", value, again[name])


def _case(case: dict[str, Any], values: dict[str, Fraction]) -> Iterator[Compared]:
    found, name = plan_of(values), case["name"]
    for key, value in case["values"].items():
        yield Compared(f"{name} value {key}", Fraction(value), values[key])
    for key in ("initial", "npv"):
        yield Compared(f"{name} {key}", case[f"{key}_usd"], dollars(found[key]))
    for key in ("roi", "irr", "payback_months", "break_even_month"):
        yield Compared(f"{name} {key}", case[key], found[key])
    for row in case["tco"]:
        said = (row["before_usd"], row["after_usd"])
        own = tuple(map(dollars, found["tco"][row["what"]]))
        yield Compared(f"{name} tco {row['what']}", said, own)
    yield Compared(f"{name} months", len(case["months"]), len(found["months"]))
    for said, own in zip(case["months"], found["months"], strict=True):
        for key, amount in own.items():
            yield Compared(f"{name} month {said['month']} {key}", said[f"{key}_usd"],
                           dollars(amount))  # fmt: skip
    for said, own in zip(case["years"], found["years"], strict=True):
        for key, amount in own.items():
            what = f"{name} year {said['year']} {key}"
            if key == "factor":
                yield Compared(what, said[key], amount)
            else:
                yield Compared(what, said[f"{key}_usd"], dollars(amount))


def _profit(raw: Raw) -> Iterator[Compared]:
    said = raw.report["pnl"]
    found = profit(raw.entries, raw.books, raw.org, (said["since"], said["until"]))
    listed = {(one["team"], one["feature"]): one for one in (*said["features"], said["total"])}
    for place in sorted(found.keys() | listed.keys()):
        own = profit_figures(found[place]) if place in found else {}
        theirs = listed.get(place, {})
        for name in own or theirs:
            yield Compared(f"profit and loss {place} {name}", theirs.get(name), own.get(name))
    earning = [row for place, row in found.items() if place != ("", "all") and row["earns"]]
    paying = sum(row["revenue"] > row["ai"] + row["review"] + row["other"] for row in earning)
    yield Compared("profitable features", said["profitable_share"], share(paying, len(earning)))


def main() -> int:
    """Compare, and say what came of it."""
    parser = argparse.ArgumentParser(description="Work out a report's figures again.")
    for name in ("--ledger", "--books", "--report"):
        parser.add_argument(name, type=Path, required=True)
    asked = parser.parse_args()
    raw = Raw(read_entries(asked.ledger), asked.books, json.loads(asked.report.read_text()))
    figures = list(compared(raw))
    wrong = [one for one in figures if one.said != one.found]
    for one in wrong[:50]:
        print(f"differs: {one.name}: the report says {one.said}, the raw data {one.found}")
    shown = {one["about"]["id"] for one in raw.report["kpis"]}
    for name in sorted(ELSEWHERE.keys() & shown):
        print(f"not in the ledger: {name} ({ELSEWHERE[name]})")
    for one in (raw.report["savings"] or {}).get("measured", []):
        print(f"not recomputed: the interval of holdout {one['holdout_id']}")
    print(f"{len(figures)} figures compared, {len(wrong)} differ; {len(raw.entries)} entries read")
    return 1 if wrong or not figures else 0


if __name__ == "__main__":
    sys.exit(main())
