"""`legato scores`: scores of live answers, and their drift."""

from typing import Any

import click

from legato.cli.options import instance_options, json_option

_ORG = click.option("--org", default="default", show_default=True, help="Whose.")


@click.group()
def scores() -> None:
    """Show what `live_scoring` made of captured answers, and where it drifted."""


@scores.command()
@instance_options
@_ORG
@json_option
def summary(**options: Any) -> None:
    """Print the mean by policy, scorer and the version that made the answers."""
    from legato.cli.evaluation import score_actions  # noqa: PLC0415 - keeps `--help` fast

    score_actions.summary(**options)


@scores.command()
@instance_options
@_ORG
@json_option
@click.option("--open", "only_open", is_flag=True, help="Only those that nobody acknowledged.")
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=20, show_default=True)
def alarms(**options: Any) -> None:
    """List alarms of drift, newest first."""
    from legato.cli.evaluation import score_actions  # noqa: PLC0415 - keeps `--help` fast

    score_actions.alarms(**options)


@scores.command()
@instance_options
@_ORG
@click.argument("alarm_id", metavar="ID")
@click.option("--by", help="Who.  [default: this user]")
def acknowledge(**options: Any) -> None:
    """Say that an alarm is dealt with: its scores are watched anew from here."""
    from legato.cli.evaluation import score_actions  # noqa: PLC0415 - keeps `--help` fast

    score_actions.acknowledge(**options)
