"""`legato demo`: watch real prompts go through the gateway, and what they cost."""

import sys
from pathlib import Path

import click

DEFAULT_PORT = 8790


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-data"),
    show_default=True,
    help="The demo's own data directory.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="A free one is taken when another program has it.",
)
@click.option("--exit", "ends", is_flag=True, help="End after the table instead of serving on.")
def demo(data: Path, port: int, *, ends: bool) -> None:
    """Start everything on this machine and send real prompts through it.

    A real local model answers; whatever is simulated says so. With a provider's key in the
    environment, a person at a terminal is asked whether to use it. Exits with 1 when a call
    failed or a figure does not add up.
    """
    from legato.cli.demo.run import run  # noqa: PLC0415 - keeps `--help` fast

    sys.exit(run(data, port, ends=ends))
