"""`legato assumptions`: the figures that plans rest on, with tag, source and version."""

from pathlib import Path

import click

from legato.cli.finance.options import org_option
from legato.cli.options import instance_options, json_option

_NAME = click.argument("name")


@click.group()
def assumptions() -> None:
    """List and set the figures that plans rest on; every result names those it used."""


@assumptions.command("list")
@instance_options
@json_option
@org_option
@click.option("--on", default="", metavar="DATE", help="What holds then.  [default: today]")
@click.option("--all", "everything", is_flag=True, help="Also names that have no value yet.")
def list_assumptions(
    config_file: Path | None, data: Path, *, as_json: bool, org: str, on: str, everything: bool
) -> None:
    """List what holds, with what ships where nobody said better."""
    from legato.cli.finance import assumption_actions  # noqa: PLC0415 - keeps `--help` fast

    assumption_actions.list_assumptions(
        (data, config_file), (org, on), everything=everything, as_json=as_json
    )


@assumptions.command("set")
@instance_options
@json_option
@org_option
@_NAME
@click.argument("value")
@click.option(
    "--tag",
    type=click.Choice(["measured", "assumed", "benchmark"]),
    default="assumed",
    show_default=True,
    help="What the figure rests on.",
)
@click.option("--low", default="", help="The lower end, for low / base / high.")
@click.option("--high", default="", help="The upper end.")
@click.option("--unit", default="", help="Of a name of your own (custom.*).")
@click.option("--source", default="", help="Where it is from; needed.")
@click.option("--valid-from", default="", metavar="DATE", help="[default: today]")
def set_assumption(
    config_file: Path | None, data: Path, name: str, value: str, *, as_json: bool, **said: str
) -> None:
    """Set NAME to VALUE: its next version. Older ones stay to be read."""
    from legato.cli.finance import assumption_actions  # noqa: PLC0415

    org = said.pop("org")
    assumption_actions.say(
        (data, config_file), org, {"name": name, "value": value, **said}, as_json=as_json
    )


@assumptions.command()
@instance_options
@json_option
@org_option
@_NAME
@click.option("--source", default="", help="Why.")
def withdraw(
    config_file: Path | None, data: Path, name: str, *, as_json: bool, org: str, source: str
) -> None:
    """Take NAME back: what ships, or what the books say, holds again."""
    from legato.cli.finance import assumption_actions  # noqa: PLC0415

    assumption_actions.withdraw((data, config_file), org, (name, source), as_json=as_json)


@assumptions.command()
@instance_options
@json_option
@org_option
@_NAME
def history(config_file: Path | None, data: Path, name: str, *, as_json: bool, org: str) -> None:
    """List all versions of NAME."""
    from legato.cli.finance import assumption_actions  # noqa: PLC0415

    assumption_actions.history((data, config_file), org, name, as_json=as_json)


@assumptions.command("import")
@instance_options
@json_option
@org_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_file(
    config_file: Path | None, data: Path, file: Path, *, as_json: bool, org: str
) -> None:
    """Set all of a CSV or JSON file, all or none; what is so already stays as it is."""
    from legato.cli.finance import assumption_actions  # noqa: PLC0415

    assumption_actions.import_file((data, config_file), org, file, as_json=as_json)


@assumptions.command()
@instance_options
@org_option
@click.option("--on", default="", metavar="DATE", help="What holds then.  [default: today]")
def export(config_file: Path | None, data: Path, *, org: str, on: str) -> None:
    """Write what was set as CSV, as `import` reads it."""
    from legato.cli.finance import assumption_actions  # noqa: PLC0415

    assumption_actions.export((data, config_file), org, on)
