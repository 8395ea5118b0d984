"""`legato proposals`: what a vendor's change would do to recorded traffic."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option
from legato.cli.registry_options import author_options

Command = TypeVar("Command", bound=Callable[..., Any])
_ID = click.argument("proposal_id", metavar="ID")


def _options(command: Command) -> Command:
    org = click.option("--org", default="default", show_default=True, help="On whose traffic.")
    return instance_options(json_option(org(command)))


@click.group()
def proposals() -> None:
    """See what a vendor's change would do to recorded traffic, and accept or reject it."""


@proposals.command()
@_options
@author_options
@click.option(
    "--facts",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A YAML file of what vendors announced.",
)
@click.option("--since", default="7d", show_default=True, help="On the traffic since then.")
def scan(**options: Any) -> None:
    """Propose what announced changes, and other prices than were in force, would change.

    The price book is the installed package's: update it, scan, and start again where you agree.
    """
    from legato.cli.registry import proposal_actions  # noqa: PLC0415 - keeps `--help` fast

    proposal_actions.scan(**options)


@proposals.command("list")
@_options
@click.option(
    "--state", type=click.Choice(["open", "accepting", "accepted", "reverting", "rejected"])
)
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_proposals(**options: Any) -> None:
    """List proposals, newest first."""
    from legato.cli.registry import proposal_actions  # noqa: PLC0415

    proposal_actions.list_proposals(**options)


@proposals.command()
@_options
@_ID
def show(**options: Any) -> None:
    """Print a proposal: the fact, what it would change, the figures, what was done."""
    from legato.cli.registry import proposal_actions  # noqa: PLC0415

    proposal_actions.show(**options)


@proposals.command()
@_options
@author_options
@_ID
def accept(**options: Any) -> None:
    """Carry it out: in the registry, or print what to change in the configuration."""
    from legato.cli.registry import proposal_actions  # noqa: PLC0415

    proposal_actions.accept(**options)


@proposals.command()
@_options
@author_options
@_ID
def revert(**options: Any) -> None:
    """Take an accepted one back."""
    from legato.cli.registry import proposal_actions  # noqa: PLC0415

    proposal_actions.revert(**options)


@proposals.command()
@_options
@author_options
@_ID
def reject(**options: Any) -> None:
    """Decide against it; needs a --reason, which is kept."""
    from legato.cli.registry import proposal_actions  # noqa: PLC0415

    proposal_actions.reject(**options)
