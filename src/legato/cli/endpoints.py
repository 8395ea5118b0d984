"""`legato endpoints`: what is served, and the stages each request passes."""

from pathlib import Path

import click

from legato.cli.options import data_option, json_option, print_json


@click.command()
@data_option
@json_option
def endpoints(data: Path, *, as_json: bool) -> None:
    """List each method and path with the stages a request to it runs through, in order.

    It is what the workers assembled when they last started. The control API below /api/ is not
    among them: its document is at /api/openapi.json.
    """
    from legato.app.config.data_dir import DataDir  # noqa: PLC0415 - keeps `--help` fast
    from legato.app.processes.endpoints import read_endpoints  # noqa: PLC0415
    from legato.cli.tables import print_table  # noqa: PLC0415

    found = read_endpoints(DataDir(data))
    if as_json:
        print_json(found)
        return
    rows = [(one.method, one.path, one.surface, " → ".join(one.stages)) for one in found]
    print_table(("method", "path", "surface", "stages"), rows)
