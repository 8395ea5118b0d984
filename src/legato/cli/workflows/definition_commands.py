"""Those of `legato workflow` about definitions: check, export, import, and what a run will cost."""

from pathlib import Path
from typing import Any, Final

import click

from legato.cli.options import json_option
from legato.cli.registry_options import author_options, registry_options

_FORMATS: Final = ("yaml", "json", "python", "mermaid", "serverless-workflow")
_OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to write.  [default: stdout]",
)
_FILE = click.argument("file", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True))


@click.command()
@registry_options
@json_option
@click.option("--here", is_flag=True, help="Also against this instance's models and registry.")
@_FILE
def validate(**options: Any) -> None:
    """Check a definition: a YAML or JSON file, or - for stdin. Ends with 1 where it can't run.

    The file holds a definition, a document of the registry, or one of the CNCF Serverless Workflow
    DSL 1.0. Every problem is told with its node and field; hints keep nothing from running.
    """
    from legato.cli.workflows import definition_actions  # noqa: PLC0415 - keeps `--help` fast

    definition_actions.validate(**options)


@click.command()
@registry_options
@_OUTPUT
@click.option("--format", "form", type=click.Choice(_FORMATS), default="yaml", show_default=True)
@click.argument("name", metavar="NAME[@VERSION]")
def export(**options: Any) -> None:
    """Write a workflow of the registry in another form.

    YAML, JSON and Python hold all of it; JSON has a place on the canvas for each node. What the
    Serverless Workflow DSL has no counterpart for is refused, naming node and field.
    """
    from legato.cli.workflows import definition_actions  # noqa: PLC0415 - keeps `--help` fast

    definition_actions.export(**options)


@click.command("import")
@registry_options
@author_options
@_OUTPUT
@click.option("--save", "name", metavar="NAME", help="Keep it as a version under this name.")
@click.option("--label", "labels", multiple=True, help="With --save: a label to point to it.")
@_FILE
def import_(**options: Any) -> None:
    """Read a definition or a document of the Serverless Workflow DSL 1.0; print or keep it."""
    from legato.cli.workflows import definition_actions  # noqa: PLC0415 - keeps `--help` fast

    definition_actions.take_over(**options)


@click.command()
@registry_options
@json_option
@click.option(
    "--believe",
    "beliefs",
    metavar="NAME=LOW,LIKELY,HIGH",
    multiple=True,
    help="Another belief, such as items=10,50,500.",
)
@click.argument("what", metavar="NAME[@VERSION]|FILE")
def cost(**options: Any) -> None:
    """Say what a run will cost before it runs: low, likely and high, and by which beliefs."""
    from legato.cli.workflows import definition_actions  # noqa: PLC0415 - keeps `--help` fast

    definition_actions.cost(**options)


COMMANDS: Final = (validate, export, import_, cost)
