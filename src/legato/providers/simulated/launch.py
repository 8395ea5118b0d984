"""How whoever wants a simulated server as a child process starts it."""

import os
import sys
from pathlib import Path

import msgspec

from legato.providers.simulated.settings import SimulatedSettings

SERVER_MODULE = "legato.providers.simulated.server"


def launch_command(
    settings: SimulatedSettings | Path, port_file: Path, book: Path | None, *, port: int = 0
) -> list[str]:
    """The command line of a server that ends with this process.

    `port_file` holds `{"port": …}` once it listens. Settings given as an object travel on the
    command line; they hold no secrets.
    """
    if isinstance(settings, Path):
        given = ["--settings", str(settings)]
    else:
        given = ["--settings-json", msgspec.json.encode(settings).decode()]
    kept = [] if book is None else ["--book", str(book)]
    where = ["--port", str(port), "--port-file", str(port_file)]
    parent = ["--parent-pid", str(os.getpid())]
    return [sys.executable, "-m", SERVER_MODULE, *where, *kept, *given, *parent]
