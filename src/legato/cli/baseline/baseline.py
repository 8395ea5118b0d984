"""`legato baseline`: what AI costs before, or beside, this gateway."""

from pathlib import Path
from typing import Any

import click

from legato.cli.baseline.report import report
from legato.cli.options import instance_options, json_option
from legato.cli.spans import span

_IMPORT = click.argument("wanted", metavar="ID")
_ORG = click.option("--org", default="default", show_default=True, help="Whose usage it is.")


@click.group()
def baseline() -> None:
    """Import others' usage reports and logs, and say what the world before costs."""


@baseline.command("import")
@instance_options
@json_option
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@_ORG
@click.option("--source", default="auto", show_default=True, help="Which export it is.")
@click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML that says which column of a table is what.",
)
@click.option("--encoding", default="auto", show_default=True, help="As utf-8, utf-16, cp1252.")
@click.option(
    "--overlap",
    type=click.Choice(["refuse", "skip", "add"]),
    default="refuse",
    show_default=True,
    help="What becomes of days that another import has.",
)
@click.option(
    "--bad-lines",
    type=click.IntRange(min=0),
    default=10_000,
    show_default=True,
    help="More lines that can't be read end it.",
)
@click.option(
    "--repeat-within",
    type=span,
    default="24h",
    show_default=True,
    help="A question asked again within this time was paid for again.",
)
@click.option("--near/--no-near", default=True, help="Look for nearly identical questions, too.")
@click.option("--dry-run", is_flag=True, help="Read and measure, and keep nothing.")
def import_files(
    config_file: Path | None, data: Path, files: tuple[Path, ...], *, as_json: bool, **terms: Any
) -> None:
    """Take in exports of vendors and logs of gateways: sums by day, never content.

    The same content again changes nothing. `legato baseline sources` lists what is known.
    """
    from legato.cli.baseline import import_actions  # noqa: PLC0415 - keeps `--help` fast

    import_actions.import_files((data, config_file), files, terms, as_json=as_json)


@baseline.command()
@json_option
def sources(*, as_json: bool) -> None:
    """List the exports that can be read, and what each was checked against."""
    from legato.cli.baseline import import_actions  # noqa: PLC0415

    import_actions.sources(as_json=as_json)


@baseline.command("list")
@instance_options
@json_option
@click.option("--org", default=None, help="Of one organisation alone.")
def list_imports(config_file: Path | None, data: Path, *, as_json: bool, org: str | None) -> None:
    """List what was imported."""
    from legato.cli.baseline import import_actions  # noqa: PLC0415

    import_actions.list_imports((data, config_file), org, as_json=as_json)


@baseline.command()
@instance_options
@json_option
@_IMPORT
def show(config_file: Path | None, data: Path, wanted: str, *, as_json: bool) -> None:
    """Show one import: its sums by model, what repeats, which lines could not be read."""
    from legato.cli.baseline import import_actions  # noqa: PLC0415

    import_actions.show((data, config_file), wanted, as_json=as_json)


@baseline.command()
@instance_options
@_IMPORT
def forget(config_file: Path | None, data: Path, wanted: str) -> None:
    """Delete an import with all its sums."""
    from legato.cli.baseline import import_actions  # noqa: PLC0415

    import_actions.forget((data, config_file), wanted)


baseline.add_command(report)
