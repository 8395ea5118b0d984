"""`legato holdout`: measure what a route saves, by a share of callers that has its baseline."""

from typing import Any

import click

from legato.cli.options import instance_options, json_option
from legato.cli.registry_options import author_options

_ORG = click.option("--org", default="default", show_default=True, help="Whose route.")
_SHARE = click.option(
    "--share-bp",
    type=click.IntRange(1, 5_000),
    required=True,
    help="Which share of callers has the baseline: 100 is 1 %.",
)
_ID = click.argument("holdout_id", metavar="ID")


@click.group()
def holdout() -> None:
    """Let a share of a route's callers have its baseline, and measure what the others save.

    A user named by the caller keeps their arm. Those held out have neither cache nor choice of
    deployment; everybody else is treated as before.
    """


@holdout.command()
@instance_options
@json_option
@_ORG
@_SHARE
@click.argument("route")
def estimate(**options: Any) -> None:
    """Say what a holdout would cost in a month, by the ledger."""
    from legato.cli.registry import holdout_actions  # noqa: PLC0415 - keeps `--help` fast

    holdout_actions.estimate(**options)


@holdout.command()
@instance_options
@author_options
@json_option
@_ORG
@_SHARE
@click.option("--yes", is_flag=True, help="Begin without asking, whatever it costs.")
@click.argument("route")
def start(**options: Any) -> None:
    """Show what a holdout costs in a month, ask, and begin it."""
    from legato.cli.registry import holdout_actions  # noqa: PLC0415 - keeps `--help` fast

    holdout_actions.start(**options)


@holdout.command("list")
@instance_options
@json_option
@_ORG
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_holdouts(**options: Any) -> None:
    """List holdouts, newest first."""
    from legato.cli.registry import holdout_actions  # noqa: PLC0415 - keeps `--help` fast

    holdout_actions.list_holdouts(**options)


@holdout.command()
@instance_options
@json_option
@_ORG
@_ID
def show(**options: Any) -> None:
    """Print what a holdout proves: both arms, their differences, with 95 % intervals."""
    from legato.cli.registry import holdout_actions  # noqa: PLC0415 - keeps `--help` fast

    holdout_actions.show(**options)


@holdout.command()
@instance_options
@author_options
@_ORG
@_ID
def end(**options: Any) -> None:
    """End it: everybody is treated again. What was measured stays."""
    from legato.cli.registry import holdout_actions  # noqa: PLC0415 - keeps `--help` fast

    holdout_actions.end(**options)
