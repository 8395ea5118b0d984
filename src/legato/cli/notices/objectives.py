"""`legato objectives` and `legato incidents`: how well services do, and what is wrong."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option

Command = TypeVar("Command", bound=Callable[..., Any])
_ORG = click.option("--org", default="default", show_default=True, help="Whose.")
_NAME = click.argument("name")
_ID = click.argument("incident_id", metavar="ID")
_CAUSE = click.option("--cause", type=click.Choice(["integration", "model", "data"]))


@click.group()
def objectives() -> None:
    """Say what share of requests is to go well, and see what is left of error budgets."""


@objectives.command("list")
@instance_options
@json_option
def list_objectives(**options: Any) -> None:
    """List the objectives in force, with what is left of their error budgets."""
    from legato.cli.notices import objective_actions  # noqa: PLC0415 - keeps `--help` fast

    objective_actions.list_objectives(**options)


@objectives.command()
@instance_options
@json_option
@_ORG
@_NAME
def show(**options: Any) -> None:
    """Show how one stands: error budget, burn rates, days and alerts."""
    from legato.cli.notices import objective_actions  # noqa: PLC0415 - keeps `--help` fast

    objective_actions.show(**options)


@objectives.command()
@instance_options
@_ORG
@_NAME
@click.option("--target", required=True, metavar="PERCENT", help="That is to go well, as 99.5.")
@click.option("--errors", is_flag=True, help="Well is what was answered.")
@click.option("--under-ms", type=click.IntRange(1, 86_400_000), help="Within so many milliseconds.")
@click.option("--under-usd", metavar="AMOUNT", help="For so many dollars, all attempts together.")
@click.option("--route", default="", help="Of this route alone.")
@click.option("--team", default="", help="Of this team alone.")
@click.option("--feature", default="", help="Of this feature of the team alone.")
@click.option("--period-days", type=click.IntRange(1, 90), default=30, show_default=True)
@click.option(
    "--events-min",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    help="With fewer requests within its window no alert is raised.",
)
@click.option("--runbook", default="", metavar="URL", help="What to do when it burns.")
def add(**options: Any) -> None:
    """Keep an objective; one of that name gets another version."""
    from legato.cli.notices import objective_actions  # noqa: PLC0415 - keeps `--help` fast

    objective_actions.add(**options)


@objectives.command()
@instance_options
@_ORG
@_NAME
def remove(**options: Any) -> None:
    """End one; its versions and alerts stay."""
    from legato.cli.notices import objective_actions  # noqa: PLC0415 - keeps `--help` fast

    objective_actions.remove(**options)


@click.group()
def incidents() -> None:
    """See what somebody has to deal with, take it on, and say what it was."""


@incidents.command("list")
@instance_options
@json_option
@click.option("--state", type=click.Choice(["open", "acknowledged", "resolved"]))
@click.option("--count", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_incidents(**options: Any) -> None:
    """List incidents, newest first."""
    from legato.cli.notices import incident_actions  # noqa: PLC0415 - keeps `--help` fast

    incident_actions.list_incidents(**options)


@incidents.command("show")
@instance_options
@json_option
@_ID
def show_incident(**options: Any) -> None:
    """Show one, with how long it took to detect, to take on and to resolve."""
    from legato.cli.notices import incident_actions  # noqa: PLC0415 - keeps `--help` fast

    incident_actions.show(**options)


@incidents.command("open")
@instance_options
@_ORG
@click.option(
    "--severity",
    type=click.Choice(["info", "warning", "critical"]),
    default="warning",
    show_default=True,
)
@click.option("--team", default="", help="Whose service it is.")
@click.option("--feature", default="", help="Which feature of the team.")
@_CAUSE
@click.option("--runbook", default="", metavar="URL", help="What to do.")
@click.option("--note", default="", help="What is known.")
@click.argument("title")
def open_incident(**options: Any) -> None:
    """Open one by hand."""
    from legato.cli.notices import incident_actions  # noqa: PLC0415 - keeps `--help` fast

    incident_actions.open_incident(**options)


@incidents.command()
@instance_options
@_CAUSE
@_ID
def acknowledge(**options: Any) -> None:
    """Take one on."""
    from legato.cli.notices import incident_actions  # noqa: PLC0415 - keeps `--help` fast

    incident_actions.acknowledge(**options)


@incidents.command()
@instance_options
@_CAUSE
@click.option("--note", default="", help="What it was, and what was done.")
@_ID
def resolve(**options: Any) -> None:
    """Say that one is over; its cause has to be told, now or before."""
    from legato.cli.notices import incident_actions  # noqa: PLC0415 - keeps `--help` fast

    incident_actions.resolve(**options)
