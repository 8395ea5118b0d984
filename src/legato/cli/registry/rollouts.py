"""`legato rollouts`: versions that are tried against another, step by step."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import json_option
from legato.cli.registry_options import author_options, registry_options

_ID = click.argument("rollout_id", metavar="ID")


@click.group()
def rollouts() -> None:
    """Let a growing share of callers have a new version, and take it back where it does harm.

    A user named by the caller keeps their arm; one that isn't named may change it from call to
    call. While a rollout is under way on a label, nothing else moves it.
    """


@rollouts.command()
@registry_options
@author_options
@json_option
@click.argument("candidates", metavar="KIND:NAME@VERSION...", nargs=-1, required=True)
@click.option("--label", default="production", show_default=True, help="What it is to replace.")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="A YAML file with steps and gates.",
)
def start(**options: Any) -> None:
    """Begin a rollout at its plan's first step: of one version, or of several as an experiment.

    Where moves of the label need approval, it waits for `legato registry approve`.
    """
    from legato.cli.registry import rollout_actions  # noqa: PLC0415 - keeps `--help` fast

    rollout_actions.start(**options)


@rollouts.command("list")
@registry_options
@json_option
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_rollouts(**options: Any) -> None:
    """List rollouts, newest first."""
    from legato.cli.registry import rollout_actions  # noqa: PLC0415 - keeps `--help` fast

    rollout_actions.list_rollouts(**options)


@rollouts.command()
@registry_options
@json_option
@_ID
def show(**options: Any) -> None:
    """Print a rollout: where it is, why, and everything that was done."""
    from legato.cli.registry import rollout_actions  # noqa: PLC0415 - keeps `--help` fast

    rollout_actions.show(**options)


@rollouts.command()
@registry_options
@author_options
@_ID
def pause(**options: Any) -> None:
    """Keep the share as it is. Proven harm takes it back all the same."""
    from legato.cli.registry import rollout_actions  # noqa: PLC0415 - keeps `--help` fast

    rollout_actions.steer("pause", **options)


@rollouts.command()
@registry_options
@author_options
@_ID
def resume(**options: Any) -> None:
    """Go on; the step lasts its time anew."""
    from legato.cli.registry import rollout_actions  # noqa: PLC0415 - keeps `--help` fast

    rollout_actions.steer("resume", **options)


@rollouts.command()
@registry_options
@author_options
@_ID
@click.option("--arm", default="", help="Which of several candidates, such as v3.")
def promote(**options: Any) -> None:
    """Point the label to the candidate now: the proposed one, where there are several."""
    from legato.cli.registry import rollout_actions  # noqa: PLC0415 - keeps `--help` fast

    rollout_actions.steer("promote", **options)


@rollouts.command()
@registry_options
@author_options
@_ID
def abort(**options: Any) -> None:
    """End it; everybody gets the champion again."""
    from legato.cli.registry import rollout_actions  # noqa: PLC0415 - keeps `--help` fast

    rollout_actions.steer("abort", **options)
