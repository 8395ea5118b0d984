"""`legato datasets`: cases that versions and models are judged by."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import json_option
from legato.cli.registry_options import author_options, registry_options

_VERSION = click.argument("version", metavar="NAME[@VERSION]")


@click.group()
def datasets() -> None:
    """Keep data sets: versions like those of prompts, their cases sealed.

    A case is a line of JSON, or a row of a CSV file, with an `input`; and, where they are known,
    `expected`, `context`, `tags`, `weight`, `split` and `id`.
    """


@datasets.command("import")
@registry_options
@author_options
@json_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    help="What the file is.  [default: by its name]",
)
@click.option(
    "--split",
    "shares",
    multiple=True,
    metavar="NAME=SHARE",
    help="Put a share of the cases that name no split into one, by the hash of their content.",
)
@click.option("--label", default="production", show_default=True, help="What points to it then.")
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
def import_(**options: Any) -> None:
    """Keep the cases of a file as a version; what stands in it twice is kept once."""
    from legato.cli import dataset_actions  # noqa: PLC0415 - keeps `--help` fast

    dataset_actions.import_cases(**options)


@datasets.command("list")
@registry_options
@json_option
def list_datasets(**options: Any) -> None:
    """List data sets with their labels."""
    from legato.cli import dataset_actions  # noqa: PLC0415 - keeps `--help` fast

    dataset_actions.list_datasets(**options)


@datasets.command()
@registry_options
@json_option
@_VERSION
def show(**options: Any) -> None:
    """Print how many cases a version has, and in which splits."""
    from legato.cli import dataset_actions  # noqa: PLC0415 - keeps `--help` fast

    dataset_actions.show(**options)


@datasets.command()
@registry_options
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="A new file.",
)
@_VERSION
def export(**options: Any) -> None:
    """Write a version's cases as lines of JSON that `import` takes."""
    from legato.cli import dataset_actions  # noqa: PLC0415 - keeps `--help` fast

    dataset_actions.export(**options)
