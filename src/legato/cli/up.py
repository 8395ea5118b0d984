"""`legato up`: start the control plane and stay until it is told to stop."""

import gc
import sys
from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options

WORKERS_MAX = 256


@click.command()
@instance_options
@click.option(
    "--workers",
    type=click.IntRange(1, WORKERS_MAX),
    default=1,
    show_default=True,
    help="Processes that serve; one uses one core.",
)
@click.option("--host", help="Address to listen on, instead of server.host.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Instead of server.port; 0 takes a free one."
)
@click.option(
    "--without-tombstones",
    is_flag=True,
    help="Start though no copy of tombstones.copies can be read.",
)
def up(
    config_file: Path | None,
    data: Path,
    workers: int,
    *,
    host: str | None,
    port: int | None,
    without_tombstones: bool,
) -> None:
    """Start the control plane; SIGTERM or Ctrl-C lets open calls finish, a second one does not."""
    flags: dict[str, tuple[Any, str]] = {}
    if host is not None:
        flags["server.host"] = (host, "flag --host")
    if port is not None:
        flags["server.port"] = (port, "flag --port")
    gc.disable()  # what is loaded here stays: looking through it meanwhile is a fifth of loading
    from legato.app.processes.start import start  # noqa: PLC0415 - keeps `--help` fast

    gc.enable()

    status = start(
        data,
        config_file,
        flags,
        workers=workers,
        on_ready=_announce,
        without_tombstones=without_tombstones,
    )
    sys.exit(status)


def _announce(url: str, admin_secret: str | None, workers: int) -> None:
    """Say on stderr that calls can come: stdout stays free for what a script pipes."""
    count = "1 worker" if workers == 1 else f"{workers} workers"
    click.echo(f"legato: ready at {url} ({count})", err=True)
    if admin_secret is not None:
        click.echo(f"legato: first admin key, shown only now: {admin_secret}", err=True)
