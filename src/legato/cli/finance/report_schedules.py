"""`legato report schedule`: reports that come by themselves."""

from typing import Any

import click

from legato.cli.finance.options import org_option
from legato.cli.options import instance_options, json_option

_NAME = click.argument("name")


@click.group()
def schedule() -> None:
    """Have reports made at times of a calendar, and delivered."""


@schedule.command()
@instance_options
@org_option
@_NAME
@click.option(
    "--report",
    "kind",
    required=True,
    type=click.Choice(["roi", "savings", "chargeback", "pnl", "review", "digest"]),
    help="Which report.",
)
@click.option(
    "--form",
    type=click.Choice(["xlsx", "pdf", "json", "csv", "parquet", "md"]),
    default="pdf",
    show_default=True,
)
@click.option(
    "--cron", required=True, metavar="EXPRESSION", help='When: five fields, as "0 8 1 * *".'
)
@click.option("--time-zone", default="UTC", show_default=True, help="Of the times.")
@click.option(
    "--span",
    default="last-month",
    show_default=True,
    help="Of what time: last-day, last-week, last-month, last-quarter, last-year, or 30d.",
)
@click.option("--channel", "channels", multiple=True, required=True, help="Where to; several.")
@click.option("--currency", default="", help="Of a chargeback, as EUR.")
def add(**options: Any) -> None:
    """Add one."""
    from legato.cli.finance import report_schedule_actions  # noqa: PLC0415 - fast --help

    report_schedule_actions.add(**options)


@schedule.command("list")
@instance_options
@json_option
def list_schedules(**options: Any) -> None:
    """List them, with when each comes next and what it made last."""
    from legato.cli.finance import report_schedule_actions  # noqa: PLC0415 - fast --help

    report_schedule_actions.list_schedules(**options)


@schedule.command()
@instance_options
@org_option
@_NAME
def remove(**options: Any) -> None:
    """End one; what it made stays."""
    from legato.cli.finance import report_schedule_actions  # noqa: PLC0415 - fast --help

    report_schedule_actions.remove(**options)


@schedule.command()
@instance_options
@org_option
@click.argument("name", required=False)
@click.option("--due", is_flag=True, help="All whose time has come, of every organisation.")
def run(**options: Any) -> None:
    """Make one now and have it delivered, whatever its time."""
    from legato.cli.finance import report_schedule_actions  # noqa: PLC0415 - fast --help

    report_schedule_actions.run(**options)
