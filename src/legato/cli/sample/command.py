"""`legato sample`: an invented company to look at, apart from all that is real."""

from pathlib import Path

import click

from legato.cli.options import instance_options, json_option


@click.group()
def sample() -> None:
    """Bring in an invented company to look at in the console, and take it away.

    It lies in a database of its own within the data directory: no figure, budget or report of
    yours ever meets it.
    """


@sample.command()
@instance_options
@json_option
def add(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Make sample data: two months of invented requests. Takes seconds."""
    from legato.cli.sample import actions  # noqa: PLC0415 - keeps `--help` fast

    actions.add(data, config_file, as_json=as_json)


@sample.command()
@instance_options
@json_option
def remove(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Delete all sample data."""
    from legato.cli.sample import actions  # noqa: PLC0415 - as above

    actions.remove(data, config_file, as_json=as_json)


@sample.command()
@instance_options
@json_option
def show(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Say whether there is sample data, and since when."""
    from legato.cli.sample import actions  # noqa: PLC0415 - as above

    actions.show(data, config_file, as_json=as_json)
