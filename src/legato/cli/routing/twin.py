"""`legato twin`: recorded traffic in another world."""

from pathlib import Path

import click

from legato.cli.options import instance_options, json_option


@click.group()
def twin() -> None:
    """Try a change on recorded traffic before it is real: prices, models, outages, load."""


@twin.command()
@click.argument("scenario", type=click.Path(dir_okay=False, path_type=Path))
@instance_options
@json_option
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Also write the JSON here."
)
def run(
    scenario: Path, config_file: Path | None, data: Path, *, as_json: bool, out: Path | None
) -> None:
    """Simulate the candidates of SCENARIO, a YAML file, beside the world as it is.

    Nothing is called and nothing is changed; it runs in this process.
    """
    from legato.cli.routing import twin_view  # noqa: PLC0415 - keeps `--help` fast

    twin_view.run(scenario, data, config_file, as_json=as_json, out=out)
