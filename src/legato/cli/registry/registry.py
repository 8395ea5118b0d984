"""`legato registry`: versions of prompts, labels, approvals; and the commands beside it."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import json_option
from legato.cli.registry_options import author_options, registry_options

_NAME = click.argument("name", metavar="KIND:NAME")
_VERSION = click.argument("version", metavar="KIND:NAME@VERSION")
_DIRECTORY = click.option(
    "-f",
    "--file",
    "directory",
    type=click.Path(path_type=Path),
    required=True,
    help="The directory of YAML files.",
)


@click.group()
def registry() -> None:
    """Look at versions and labels, and move labels on purpose.

    A version is named KIND:NAME@VERSION, where VERSION is a label, a number or the first digits of
    a digest: prompt:greeting@production, prompt:greeting@3. A running server follows in two
    seconds.
    """


@registry.command("list")
@registry_options
@json_option
def list_objects(**options: Any) -> None:
    """List objects with their labels."""
    from legato.cli.registry import registry_views  # noqa: PLC0415 - keeps `--help` fast

    registry_views.list_objects(**options)


@registry.command()
@registry_options
@json_option
@_VERSION
def show(**options: Any) -> None:
    """Print a version: who made it, when, why, and what it says."""
    from legato.cli.registry import registry_views  # noqa: PLC0415 - keeps `--help` fast

    registry_views.show(**options)


@registry.command()
@registry_options
@json_option
@_NAME
def log(**options: Any) -> None:
    """Print an object's versions and every move of its labels."""
    from legato.cli.registry import registry_views  # noqa: PLC0415 - keeps `--help` fast

    registry_views.log(**options)


@registry.command()
@registry_options
@click.argument("before", metavar="KIND:NAME@VERSION")
@click.argument("after", metavar="VERSION")
def compare(**options: Any) -> None:
    """Print what changed from one version to another."""
    from legato.cli.registry import registry_views  # noqa: PLC0415 - keeps `--help` fast

    registry_views.compare(**options)


@registry.command()
@registry_options
@json_option
@click.option(
    "--key", required=True, envvar="LEGATO_KEY", help="Whose call it is.  [env: LEGATO_KEY]"
)
@click.option("--url", help="Where.  [default: the server that runs in the data directory]")
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the results to a file that build servers read.",
)
@_VERSION
def test(**options: Any) -> None:
    """Run a prompt's tests: call it, and judge the answers. Ends with 1 where one fails."""
    from legato.cli.registry import prompt_tests  # noqa: PLC0415 - keeps `--help` fast

    prompt_tests.run(**options)


@registry.command()
@registry_options
@author_options
@json_option
@click.argument("file", type=click.Path(path_type=Path))
def save(**options: Any) -> None:
    """Keep the document in a YAML file as a version, and point its labels to it."""
    from legato.cli.registry import registry_actions  # noqa: PLC0415 - keeps `--help` fast

    registry_actions.save(**options)


@registry.command()
@registry_options
@author_options
@json_option
@click.option("--remove", is_flag=True, help="Take the label away.")
@_VERSION
@click.argument("label")
def label(**options: Any) -> None:
    """Point a label to a version."""
    from legato.cli.registry import registry_actions  # noqa: PLC0415 - keeps `--help` fast

    registry_actions.label(**options)


@registry.command()
@registry_options
@json_option
@click.option("--pending", is_flag=True, help="Only those that wait for approval.")
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=20, show_default=True)
def moves(**options: Any) -> None:
    """List moves of labels, newest first."""
    from legato.cli.registry import registry_views  # noqa: PLC0415 - keeps `--help` fast

    registry_views.moves(**options)


@registry.command()
@registry_options
@author_options
@click.argument("move_id", metavar="ID")
def approve(**options: Any) -> None:
    """Approve a move, or the start of a rollout, that somebody else asked for."""
    from legato.cli.registry import registry_actions  # noqa: PLC0415 - keeps `--help` fast

    registry_actions.decide(approved=True, **options)


@registry.command()
@registry_options
@author_options
@click.argument("move_id", metavar="ID")
def reject(**options: Any) -> None:
    """Reject a move, or the start of a rollout, that waits."""
    from legato.cli.registry import registry_actions  # noqa: PLC0415 - keeps `--help` fast

    registry_actions.decide(approved=False, **options)


@registry.command()
@registry_options
@author_options
@click.argument("wanted", metavar="[database|directory]", required=False)
def truth(**options: Any) -> None:
    """Show, or say, whether an environment is kept in the database or in a directory."""
    from legato.cli.registry import registry_actions  # noqa: PLC0415 - keeps `--help` fast

    registry_actions.truth(**options)


@click.command()
@registry_options
@author_options
@_DIRECTORY
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--prune", is_flag=True, help="Take labels away of kinds, too, that no file is of.")
def apply(**options: Any) -> None:
    """Make an environment what a directory says: all of it, or nothing.

    The directory is the truth then: labels that no file has are taken away, of kinds that no file
    is of only with --prune. An environment that
    nothing was ever changed in is handed to the directory; another one isn't, unless
    `legato registry truth directory` says so.
    """
    from legato.cli.registry import registry_actions  # noqa: PLC0415 - keeps `--help` fast

    registry_actions.apply(**options)


@click.command()
@registry_options
@_DIRECTORY
@click.option("--exit-code", is_flag=True, help="End with status 1 where anything differs.")
def diff(**options: Any) -> None:
    """Show what `apply` would change."""
    from legato.cli.registry import registry_actions  # noqa: PLC0415 - keeps `--help` fast

    registry_actions.diff(**options)


@click.command()
@registry_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A new directory."
)
def export(**options: Any) -> None:
    """Write an environment as a directory that `apply` takes."""
    from legato.cli.registry import registry_actions  # noqa: PLC0415 - keeps `--help` fast

    registry_actions.export(**options)


@click.command()
@registry_options
@author_options
@click.argument("version", metavar="KIND:NAME[@LABEL]")
def rollback(**options: Any) -> None:
    """Point a label to what it pointed to before its last move."""
    from legato.cli.registry import registry_actions  # noqa: PLC0415 - keeps `--help` fast

    registry_actions.roll_back(**options)


@click.command("where-used")
@registry_options
@json_option
@_NAME
def where_used(**options: Any) -> None:
    """List the versions that name something, as route:chat, and those that name these.

    So deployment:fast is followed to its routes, and from these to the prompts.
    """
    from legato.cli.registry import registry_views  # noqa: PLC0415 - keeps `--help` fast

    registry_views.where_used(**options)
