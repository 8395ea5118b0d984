"""What `legato insight` does, and how figures are written for people."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.insights import InsightDesk, stored_insights
from legato.app.desks.stored_data import StoredData, stored_data
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.money import NanoUSD, display_usd, exact_usd, round_ratio
from legato.core.tenant import EVERY_TENANT
from legato.economics.kpis import Unit
from legato.insights.spend.desk import Asked, Insight, InsightRow, Insights

_WHERE = ("org", "team", "feature", "route", "deployment", "model", "workflow", "key")


@contextmanager
def opened(data: Path, config_file: Path | None) -> Iterator[tuple[StoredData, InsightDesk]]:
    """Open an instance's insights. Raises OperatorError when there is none."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        yield stored, stored_insights(stored, instance)


def list_insights(*, as_json: bool) -> None:
    """Print what there is."""
    found = Insights.catalogue()
    if as_json:
        print_json(found)
        return
    rows = [(one.id, one.title, one.unit, one.definition) for one in found]
    print_table(("id", "title", "unit", "definition"), rows)


def show_insight(
    *, data: Path, config_file: Path | None, insight_id: str, as_json: bool, **asked: Any
) -> None:
    """Print one."""
    by = tuple(name.strip() for name in asked["by"].split(",") if name.strip())
    where = {name: asked[name] for name in _WHERE if asked[name]}
    with opened(data, config_file) as (_, desk):
        found = desk.insights(EVERY_TENANT).show(insight_id, Asked(asked["period"], by, where))
    if as_json:
        print_json(shown(found))
        return
    click.echo(f"{found.about.title}, {found.period}")
    click.echo(found.about.definition)
    if found.about.bands:
        click.echo(f"The field: {found.about.bands}")
    print_rows(found.rows, found.about.unit)
    for query in found.queries:
        click.echo(f"query: {query}")


def shown(found: Insight) -> dict[str, Any]:
    """Return an insight as JSON has it: exact fractions, and figures beside them."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    plain["rows"] = [row_shown(row, found.about.unit) for row in found.rows]
    return plain


def row_shown(row: InsightRow, unit: str) -> dict[str, Any]:
    """Return a row as JSON has it; amounts of money in exact dollars, too."""
    plain: dict[str, Any] = {**msgspec.to_builtins(row), "value": row.value}
    if unit == Unit.NANO_USD and not row.needs:
        plain["usd"] = exact_usd(round_ratio(row.numerator, row.denominator))
    return plain


def print_rows(rows: Sequence[InsightRow], unit: str) -> None:
    """Print rows with their figures."""
    names = list(dict.fromkeys(name for row in rows for name in row.group))
    lines = [[*(row.group.get(name, "") for name in names), figure(row, unit)] for row in rows]
    print_table([*(names or [""]), unit], [line if names else ["", *line] for line in lines],
                numbers=(unit,))  # fmt: skip


def figure(row: InsightRow, unit: str) -> str:
    """Write a figure for people; where there is none, what is needed."""
    if row.needs:
        return f"not measured: needs {row.needs}"
    if unit == Unit.NANO_USD:
        amount: NanoUSD = round_ratio(row.numerator, row.denominator)
        return f"${display_usd(amount)}" if amount >= 0 else f"-${display_usd(NanoUSD(-amount))}"
    value = row.numerator / row.denominator
    if unit == Unit.SHARE:
        return f"{value:.1%}"
    if unit == Unit.MILLISECONDS:
        return f"{value:,.0f} ms"
    if unit == Unit.SECONDS:
        return f"{value:,.1f} s"
    return f"{value:,.0f}" if row.denominator == 1 else f"{value:,.2f}"
