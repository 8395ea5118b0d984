"""`legato periods`: fiscal calendar, month end, and proof that what was closed stayed so."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option
from legato.economics.fiscal import PATTERNS

_PERIOD = click.argument("period", metavar="PERIOD")
org_option = click.option("--org", default="default", show_default=True, help="Whose books.")


@click.group()
def periods() -> None:
    """List, show, close and verify periods; set the fiscal calendar they follow."""


@periods.command()
@instance_options
@json_option
@org_option
@click.option("--pattern", type=click.Choice(PATTERNS), help="Months, or weeks of a quarter.")
@click.option("--year-start", type=click.IntRange(1, 12), help="Month a year of months begins in.")
@click.option("--start-day", type=click.IntRange(1, 28), help="Day a month begins on.")
@click.option("--year-end", type=click.IntRange(1, 12), help="Month a year of weeks ends in.")
@click.option("--weekday", type=click.IntRange(0, 6), help="Day it ends on; 0 is Monday.")
@click.option(
    "--year-ends", type=click.Choice(["last", "nearest"]), help="The month's last, or the nearest."
)
@click.option("--zone", help="Time zone of days, as Europe/Berlin.")
@click.option("--currency", help="Currency of reports, as EUR.")
@click.option(
    "--four-eyes/--two-eyes",
    "four_eyes",
    default=None,
    help="Whether corrections wait for somebody else's approval.",
)
def calendar(
    config_file: Path | None, data: Path, *, as_json: bool, org: str, **terms: Any
) -> None:
    """Show how the books are kept, or change what is named, from the last closed period on."""
    from legato.cli.accounting import period_actions  # noqa: PLC0415 - keeps `--help` fast

    period_actions.calendar((data, config_file), org, terms, as_json=as_json)


@periods.command("list")
@instance_options
@json_option
@org_option
def list_periods(config_file: Path | None, data: Path, *, as_json: bool, org: str) -> None:
    """List all periods from the first entry on."""
    from legato.cli.accounting import period_actions  # noqa: PLC0415

    period_actions.list_periods((data, config_file), org, as_json=as_json)


@periods.command()
@instance_options
@json_option
@org_option
@_PERIOD
def show(config_file: Path | None, data: Path, *, as_json: bool, org: str, period: str) -> None:
    """Show what remains to be settled of a period, and what is to be accrued at its end."""
    from legato.cli.accounting import period_actions  # noqa: PLC0415

    period_actions.show((data, config_file), org, period, as_json=as_json)


@periods.command()
@instance_options
@json_option
@org_option
@click.option(
    "--accept",
    multiple=True,
    metavar="KIND=REASON",
    help="Close though there are open_attempts, provisional, unpriced or alarms.",
)
@_PERIOD
def close(
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    org: str,
    accept: tuple[str, ...],
    period: str,
) -> None:
    """Close a period for good: its hash goes into the audit log. It can't be opened again."""
    from legato.cli.accounting import period_actions  # noqa: PLC0415

    period_actions.close((data, config_file), org, (period, accept), as_json=as_json)


@periods.command()
@instance_options
@json_option
@org_option
@_PERIOD
def verify(config_file: Path | None, data: Path, *, as_json: bool, org: str, period: str) -> None:
    """Hash a closed period again; exit with 1 where it isn't as it was closed."""
    from legato.cli.accounting import period_actions  # noqa: PLC0415

    if not period_actions.verify((data, config_file), org, period, as_json=as_json):
        raise click.exceptions.Exit(1)
