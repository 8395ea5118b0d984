"""`legato budgets`: how much may be spent, by whom, over which time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option

_BUDGET = click.argument("budget", metavar="ID|NAME")
_Command = TypeVar("_Command", bound=Callable[..., Any])
_TERMS = (
    click.option(
        "--where",
        multiple=True,
        metavar="NAME=VALUE",
        help="Whom it covers: team, feature, key, user, model, deployment or tag:NAME.",
    ),
    click.option(
        "--each", multiple=True, metavar="NAME", help="Every value has a counter of its own."
    ),
    click.option("--usd", metavar="AMOUNT", help="The limit in dollars, as 12.50."),
    click.option("--tokens", type=click.IntRange(min=0), help="The limit in tokens."),
    click.option("--requests", type=click.IntRange(min=0), help="The limit in requests."),
    click.option("--concurrency", type=click.IntRange(min=0), help="Requests at the same time."),
    click.option(
        "--window",
        type=click.Choice(["minute", "hour", "day", "week", "month", "rolling", "total"]),
        help="Over which time.  [default: month]",
    ),
    click.option("--rolling-s", type=click.IntRange(min=60), help="Seconds of a rolling window."),
    click.option(
        "--hard/--soft", "hard", default=None, help="A soft one refuses nothing.  [default: hard]"
    ),
    click.option(
        "--warn", multiple=True, type=int, metavar="PERCENT", help="An event, and a header."
    ),
    click.option(
        "--degrade", multiple=True, metavar="PERCENT=NAME", help="A cheaper route answers."
    ),
    click.option(
        "--queue", multiple=True, type=int, metavar="PERCENT", help="Calls wait in the batch queue."
    ),
    click.option("--share-by", metavar="NAME", help="Divide it among a dimension's values,"),
    click.option("--weight", multiple=True, metavar="VALUE=WEIGHT", help="by these weights."),
)  # fmt: skip


def _terms(command: _Command) -> _Command:
    for option in reversed(_TERMS):
        command = option(command)
    return command


@click.group()
def budgets() -> None:
    """Create, list, show, change and delete budgets. A running server follows in 2 s."""


@budgets.command()
@instance_options
@json_option
@click.argument("name")
@click.option(
    "--org", default="default", show_default=True, help="Whose it is; * for the whole instance."
)
@_terms
def create(
    config_file: Path | None, data: Path, name: str, *, as_json: bool, org: str, **terms: Any
) -> None:
    """Make a budget: with one of --usd, --tokens, --requests, --concurrency."""
    from legato.cli.spend import budget_actions  # noqa: PLC0415 - keeps `--help` fast

    budget_actions.create((data, config_file), name, org, terms, as_json=as_json)


@budgets.command()
@instance_options
@json_option
@_BUDGET
@_terms
def change(
    config_file: Path | None, data: Path, budget: str, *, as_json: bool, **terms: Any
) -> None:
    """Change a budget: what isn't named stays. Steps are replaced as a whole."""
    from legato.cli.spend import budget_actions  # noqa: PLC0415

    budget_actions.change((data, config_file), budget, terms, as_json=as_json)


@budgets.command("list")
@instance_options
@json_option
def list_budgets(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """List all budgets."""
    from legato.cli.spend import budget_actions  # noqa: PLC0415

    budget_actions.list_budgets((data, config_file), as_json=as_json)


@budgets.command()
@instance_options
@json_option
@_BUDGET
def show(config_file: Path | None, data: Path, budget: str, *, as_json: bool) -> None:
    """Show one budget."""
    from legato.cli.spend import budget_actions  # noqa: PLC0415

    budget_actions.show((data, config_file), budget, as_json=as_json)


@budgets.command()
@instance_options
@json_option
@_BUDGET
def status(config_file: Path | None, data: Path, budget: str, *, as_json: bool) -> None:
    """Show how a budget stands, counter by counter, those most used first."""
    from legato.cli.spend import budget_actions  # noqa: PLC0415

    budget_actions.status((data, config_file), budget, as_json=as_json)


@budgets.command()
@instance_options
@json_option
@_BUDGET
def forecast(config_file: Path | None, data: Path, budget: str, *, as_json: bool) -> None:
    """Say where a budget will stand at its window's end, with an interval that was tried."""
    from legato.cli.spend import budget_forecast  # noqa: PLC0415

    budget_forecast.forecast((data, config_file), budget, as_json=as_json)


@budgets.command()
@instance_options
@json_option
@click.option("--count", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--after", type=click.IntRange(min=0), default=0, help="Those after this one.")
def events(config_file: Path | None, data: Path, *, as_json: bool, count: int, after: int) -> None:
    """List what came of budgets: steps that were reached, calls that were refused."""
    from legato.cli.spend import budget_actions  # noqa: PLC0415

    budget_actions.events((data, config_file), (count, after), as_json=as_json)


@budgets.command()
@instance_options
@_BUDGET
def delete(config_file: Path | None, data: Path, budget: str) -> None:
    """Forget a budget. Entries go on to name what they were charged to."""
    from legato.cli.spend import budget_actions  # noqa: PLC0415

    budget_actions.delete((data, config_file), budget)
