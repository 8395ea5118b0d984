"""What `legato budgets forecast` does."""

from typing import Any

import click

from legato.accounting.burn_down import Counted
from legato.app.checks.instance import find_instance
from legato.app.desks.accounting import books_of
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.spend.budget_actions import Place, figure, find_budget
from legato.cli.tables import print_table
from legato.core.budget import Budget, Measure
from legato.core.money import NanoUSD, exact_usd
from legato.economics.forecast import LEVEL


def forecast(place: Place, wanted: str, *, as_json: bool) -> None:
    """Print the outlook of a budget, counter by counter."""
    with stored_data(find_instance(*place)) as stored:
        budget = find_budget(stored.budgets().every(), wanted).budget
        found = books_of(stored, budget.org).burn_down.forecast(budget)
    if as_json:
        print_json([shown(budget, one) for one in found])
        return
    columns = ("of", "limit", "spent", "at the end", "from", "to", "runs out", "days", "held")
    print_table(columns, [_row(budget, one) for one in found], numbers=columns[1:6])
    click.echo(
        "By the mean of the same weekday over four weeks; the interval is what such forecasts "
        f"were off by before, at {LEVEL:.0%}."
    )


def shown(budget: Budget, one: Counted) -> dict[str, Any]:
    """Return an outlook as it is shown."""
    said = one.outlook

    def exact(number: int | None) -> str | int | None:
        if number is None or budget.measure is not Measure.USD:
            return number
        return exact_usd(NanoUSD(number))

    return {
        "of": one.standing.values,
        "limit": exact(one.standing.limit),
        "spent": exact(one.standing.settled),
        "expected": exact(one.ends_at),
        "low": exact(one.low),
        "high": exact(one.high),
        "level": LEVEL,
        "runs_out": None if one.runs_out_ns is None else time_text(one.runs_out_ns)[:10],
        "days": said.days,
        "trials": said.trials,
        "off_by": said.off_by,
        "held": said.held,
        "burnt": [exact(day) for day in one.burnt],
    }


def _row(budget: Budget, one: Counted) -> tuple[str, ...]:
    def text(number: int | None) -> str:
        return "unknown" if number is None else figure(budget.measure, number)

    said = one.outlook
    of = " ".join(f"{name}={value or '(none)'}" for name, value in one.standing.values.items())
    numbers = (one.standing.limit, one.standing.settled, one.ends_at, one.low, one.high)
    reached = "" if one.runs_out_ns is None else time_text(one.runs_out_ns)[:10]
    held = "untried" if said.held is None else f"{said.held:.0%}"
    return of or "all", *(text(number) for number in numbers), reached, str(said.days), held
