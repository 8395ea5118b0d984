"""`legato eval`: suites run over versions and models, and the gate that rests on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.options import data_option, json_option

Command = TypeVar("Command", bound=Callable[..., Any])
_ID = click.argument("evaluation_id", metavar="ID")


def _server_options(command: Command) -> Command:
    """Add which server, and for which key."""
    for option in (
        click.option("--url", help="Where.  [default: the server that runs in the data directory]"),
        click.option(
            "--key",
            required=True,
            envvar="LEGATO_KEY",
            help="For whom it acts: its limits and budget hold.  [env: LEGATO_KEY]",
        ),
    ):
        command = option(command)
    return data_option(command)


def _gate_options(command: Command) -> Command:
    """Add what is asked of the grid."""
    for option in (
        click.option(
            "--junit",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write what came of each demand to a file that build servers read.",
        ),
        click.option(
            "--undecided",
            type=click.Choice(["fail", "pass"]),
            default="fail",
            show_default=True,
            help="What becomes of a demand that too few cases leave open.",
        ),
        click.option(
            "--regress-max",
            type=click.FloatRange(0, 1),
            help="How far a mean score may lie below its baseline's.  [default: the suite's]",
        ),
        click.option(
            "--fail-under",
            multiple=True,
            metavar="[SCORER=]BOUND",
            help="The least mean score, 0 to 1.  [default: the suite's]",
        ),
    ):
        command = option(command)
    return command


@click.group()
def evaluations() -> None:
    """Judge versions and models by the cases of a data set.

    A suite is a YAML file, or NAME[@VERSION] of one in the registry. Runs survive a crash.
    """


@evaluations.command()
@_server_options
@_gate_options
@json_option
@click.option("--against", metavar="LABEL", default="", help="Compare each prompt with a label's.")
@click.option("--name", default="", help="What to call the run.")
@click.option("--environment", default="", help="Whose labels.  [default: the server's]")
@click.option("--cost-max", metavar="USD", help="End before it costs more.")
@click.option("--detach", is_flag=True, help="Start it and don't wait.")
@click.argument("suite")
def run(**options: Any) -> None:
    """Run a suite, print its grid, judge it.

    Ends with 0 where every demand is met, 1 where one isn't, 2 where that can't be told: the run
    failed, was cancelled or reached its cost cap.
    """
    from legato.cli import evaluation_actions  # noqa: PLC0415 - keeps `--help` fast

    evaluation_actions.run(**options)


@evaluations.command("list")
@_server_options
@json_option
@click.option("-n", "--count", type=click.IntRange(1, 500), default=20, show_default=True)
def list_evaluations(**options: Any) -> None:
    """List evaluations, newest first."""
    from legato.cli import evaluation_views  # noqa: PLC0415 - keeps `--help` fast

    evaluation_views.list_evaluations(**options)


@evaluations.command()
@_server_options
@json_option
@click.option("--answers", is_flag=True, help="Every answer with its scores, a line of JSON each.")
@click.option("--amiss", is_flag=True, help="Only answers that failed or couldn't be judged.")
@_ID
def show(**options: Any) -> None:
    """Print an evaluation and its grid."""
    from legato.cli import evaluation_views  # noqa: PLC0415 - keeps `--help` fast

    evaluation_views.show(**options)


@evaluations.command()
@_server_options
@json_option
@click.argument("baseline", type=click.IntRange(0))
@_ID
def compare(**options: Any) -> None:
    """Compare every subject of an evaluation with the one of a number, counted from 0."""
    from legato.cli import evaluation_views  # noqa: PLC0415 - keeps `--help` fast

    evaluation_views.compare(**options)


@evaluations.command()
@_server_options
@_ID
def cancel(**options: Any) -> None:
    """Begin no further answer. What is recorded stays."""
    from legato.cli import evaluation_actions  # noqa: PLC0415 - keeps `--help` fast

    evaluation_actions.cancel(**options)


@evaluations.command()
@_server_options
@_gate_options
@json_option
@click.option("--cost-max", metavar="USD", help="Of all rounds together, instead of the old one.")
@click.option("--detach", is_flag=True, help="Don't wait for it.")
@_ID
def resume(**options: Any) -> None:
    """Go on with one that was cut: nobody is asked anew. Ends as `run` does."""
    from legato.cli import evaluation_actions  # noqa: PLC0415 - keeps `--help` fast

    evaluation_actions.resume(**options)
