"""`legato simulate`: the simulated provider alone, for trying clients and gateways."""

import sys
from pathlib import Path

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Default: a free one.")
@click.option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="How it behaves: a .yaml or .json file.",
)
@click.option("--seed", type=int, help="Instead of the settings' own.")
@click.option(
    "--book",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep a book of every call in this file.",
)
def simulate(
    host: str, port: int, *, settings: Path | None, seed: int | None, book: Path | None
) -> None:
    """Run the simulated provider until Ctrl-C. Its answers are made up.

    Prints one line of JSON with its port.
    """
    from legato.providers.simulated.server import main  # noqa: PLC0415 - pay for it when used

    given = {"--settings": settings, "--seed": seed, "--book": book}
    more = [text for name, value in given.items() if value is not None for text in (name, value)]
    sys.exit(main(["--host", host, "--port", str(port), *map(str, more)]))
