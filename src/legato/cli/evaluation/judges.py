"""`legato judges`: judges tried, and measured against people's labels."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import json_option
from legato.cli.registry_options import registry_options

_VERSION = click.argument("version", metavar="NAME@VERSION")


def _calling(command: Any) -> Any:
    """Add with which key and where the judge's model is called."""
    for option in (
        click.option(
            "--key", envvar="LEGATO_KEY", required=True, help="A key that may call its model."
        ),
        click.option("--url", help="The gateway's address.  [default: of what runs here]"),
    ):
        command = option(command)
    return command


@click.group()
def judges() -> None:
    """Try judges of the registry, and measure how far they agree with people."""


@judges.command("try")
@registry_options
@_calling
@_VERSION
@click.option("--answer", required=True, help="What is judged.")
@click.option("--input", "asked", default="", help="What it is an answer to.")
@click.option("--context", default="", help="What it may rest on.")
@click.option("--reference", default="", help="An answer known to be right.")
@click.option("--other", default="", help="What a pairwise judge compares it with.")
def try_judge(**options: Any) -> None:
    """Let a judge judge one answer; print its verdict and what it cost as JSON."""
    from legato.cli.evaluation import judge_actions  # noqa: PLC0415 - keeps `--help` fast

    judge_actions.try_judge(**options)


@judges.command()
@registry_options
@_calling
@json_option
@_VERSION
@click.option(
    "--pairs",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    required=True,
    help="JSON lines with `input`, `answer` and `other`.",
)
def compare(**options: Any) -> None:
    """Let a pairwise judge compare answers: how often they win, and what their place did."""
    from legato.cli.evaluation import judge_actions  # noqa: PLC0415 - keeps `--help` fast

    judge_actions.compare(**options)


@judges.command()
@registry_options
@_calling
@json_option
@_VERSION
@click.option("--author", help="Who; kept with the record.  [default: this user]")
def calibrate(**options: Any) -> None:
    """Let a judge judge what people labelled in its queue; keep and print how far they agree."""
    from legato.cli.evaluation import judge_actions  # noqa: PLC0415 - keeps `--help` fast

    judge_actions.calibrate(**options)


@judges.command()
@registry_options
@json_option
@_VERSION
def show(**options: Any) -> None:
    """Print how far a version of a judge agreed with people, when it was last measured."""
    from legato.cli.evaluation import judge_actions  # noqa: PLC0415 - keeps `--help` fast

    judge_actions.show(**options)
