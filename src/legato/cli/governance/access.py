"""`legato access`: which keys may use which models, deployments, terms and tools."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option


@click.group()
def access() -> None:
    """Add, list, explain and remove rules of access. A running server follows in 2 s.

    Rules of the configuration are listed, too; they are changed there.
    """


@access.command("list")
@instance_options
@json_option
def list_rules(**options: Any) -> None:
    """List all rules in force."""
    from legato.cli.governance import access_actions  # noqa: PLC0415 - keeps `--help` fast

    access_actions.list_rules(**options)


@access.command()
@instance_options
@json_option
@click.option("--org", default="default", show_default=True, help="Whose keys; * for those of all.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def add(**options: Any) -> None:
    """Put the rule of a YAML file in force, written as in the configuration."""
    from legato.cli.governance import access_actions  # noqa: PLC0415

    access_actions.add(**options)


@access.command()
@instance_options
@click.argument("rule", metavar="ID|NAME")
def remove(**options: Any) -> None:
    """Put a rule out of force."""
    from legato.cli.governance import access_actions  # noqa: PLC0415

    access_actions.remove(**options)


@access.command()
@instance_options
@json_option
@click.argument("key", metavar="KEY")
@click.option("--model", default="", help="A model that it names.")
@click.option("--tool", default="", help="A tool that it declares, or that an answer calls.")
def explain(**options: Any) -> None:
    """Say which rules mean a key, and whether they let it use something; ends with 1 if not."""
    from legato.cli.governance import access_actions  # noqa: PLC0415

    access_actions.explain(**options)
