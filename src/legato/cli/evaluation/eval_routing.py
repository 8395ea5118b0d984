"""`legato eval routing`: how well the learned router chooses, on answers whose quality is known."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import data_option, json_option

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("routing")
@data_option
@json_option
@click.option("--train", "train_file", type=_FILE, required=True, help="What it learns from.")
@click.option("--strong", metavar="MODEL", help="The better model of a pair.")
@click.option("--weak", metavar="MODEL", help="The cheaper model of a pair.")
@click.option("--models", metavar="A,B,...", help="Choose among these instead.")
@click.option("--domain", default="", help="Only this task class, and those below it.")
@click.option(
    "--keep",
    type=click.FloatRange(0, 1),
    help="Share of the best model's accuracy to keep.  [default: 0.95; with --models 1]",
)
@click.option(
    "--embedder",
    type=click.Choice(["wordllama", "minilm"]),
    default="wordllama",
    show_default=True,
    help="What makes vectors of the texts.",
)
@click.argument("file", type=_FILE)
def routing(**options: Any) -> None:
    """Train a router on one file, try it on FILE, by the code that the gateway decides with.

    Both are Parquet, CSV or JSON lines with the columns `prompt`, `domain` or `task`, and for each
    model `MODEL|correct` (or `MODEL`) and, if known, `MODEL|cost` in USD. The operating point is
    fixed on the training file.
    """
    from legato.cli.evaluation import eval_routing_actions  # noqa: PLC0415 - keeps `--help` fast

    eval_routing_actions.routing(**options)
