"""`legato eval`: suites run over versions and models, and the gate that rests on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.evaluation.eval_injection import injection
from legato.cli.evaluation.eval_pii import pii
from legato.cli.evaluation.eval_routing import routing
from legato.cli.options import data_option, json_option
from legato.embedding.base import EmbedderUnavailable

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
@click.option(
    "--against", metavar="LABEL", default="", help="Compare each prompt or workflow with a label's."
)
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
    from legato.cli.evaluation import evaluation_actions  # noqa: PLC0415 - keeps `--help` fast

    evaluation_actions.run(**options)


@evaluations.command("list")
@_server_options
@json_option
@click.option("-n", "--count", type=click.IntRange(1, 500), default=20, show_default=True)
def list_evaluations(**options: Any) -> None:
    """List evaluations, newest first."""
    from legato.cli.evaluation import evaluation_views  # noqa: PLC0415 - keeps `--help` fast

    evaluation_views.list_evaluations(**options)


@evaluations.command()
@_server_options
@json_option
@click.option("--answers", is_flag=True, help="Every answer with its scores, a line of JSON each.")
@click.option("--amiss", is_flag=True, help="Only answers that failed or couldn't be judged.")
@_ID
def show(**options: Any) -> None:
    """Print an evaluation and its grid."""
    from legato.cli.evaluation import evaluation_views  # noqa: PLC0415 - keeps `--help` fast

    evaluation_views.show(**options)


@evaluations.command()
@_server_options
@json_option
@click.argument("baseline", type=click.IntRange(0))
@_ID
def compare(**options: Any) -> None:
    """Compare every subject of an evaluation with the one of a number, counted from 0."""
    from legato.cli.evaluation import evaluation_views  # noqa: PLC0415 - keeps `--help` fast

    evaluation_views.compare(**options)


@evaluations.command()
@_server_options
@_ID
def cancel(**options: Any) -> None:
    """Begin no further answer. What is recorded stays."""
    from legato.cli.evaluation import evaluation_actions  # noqa: PLC0415 - keeps `--help` fast

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
    from legato.cli.evaluation import evaluation_actions  # noqa: PLC0415 - keeps `--help` fast

    evaluation_actions.resume(**options)


evaluations.add_command(injection)
evaluations.add_command(pii)
evaluations.add_command(routing)


@evaluations.command()
@data_option
@json_option
@click.option(
    "--bound",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="The greatest share of wrong hits of all requests.",
)
@click.option(
    "--per-hit",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="The greatest share of wrong hits of hits.  [default: none]",
)
@click.option(
    "--check-rate",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="The greatest share of hits whose rightness is revealed.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=0.95,
    show_default=True,
    help="That of the bound.",
)
@click.option(
    "--evidence",
    type=click.Choice(["scores", "checks"]),
    default="scores",
    show_default=True,
    help="What a hit is served on: calibrated scores, or only what checks have proven.",
)
@click.option(
    "--embedder",
    help="wordllama or minilm.  [default: the best that is there]",
)
@click.option(
    "--shuffles",
    type=click.IntRange(2, 1000),
    help="Replay as many other orders, too, and print the spread.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of checks and orders.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def cache(**options: Any) -> None:
    """Replay questions of known meaning against the semantic cache.

    FILE is Parquet, CSV or lines of JSON, with the columns `text`, `cluster` (those of one cluster
    have one answer) and, if it isn't sorted, `pos`. Nothing of the clusters is known to the cache
    but for the hits it checks.
    """
    try:
        from legato.cli.evaluation import evaluation_cache  # noqa: PLC0415 - keeps `--help` fast
    except ImportError as error:
        raise EmbedderUnavailable(
            f"the replay needs {error.name}: pip install 'legato[semantic]'"
        ) from error
    evaluation_cache.cache(**options)
