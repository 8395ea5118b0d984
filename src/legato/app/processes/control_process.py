"""The process of the control API: asleep until somebody asks, then an ASGI application.

It is forked with the others and holds nothing of its own until the first connection: what it
imports then (30 MiB, half a second) no gateway worker carries, and no start waits for it.
"""

import asyncio
import contextlib
import select
import signal
import socket
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from legato.app.config.data_dir import DataDir
from legato.app.context import ControlContext
from legato.app.secret_following import follow_stored_secrets
from legato.core.errors import LegatoError
from legato.core.tasks import spawn

_BACKLOG = 128
_DRAIN_S = 5.0
_PATH_BYTES_MAX = 100
"""A Unix socket's address holds 108 bytes on Linux, 104 elsewhere."""


def open_control_socket(data: DataDir) -> tuple[socket.socket, Path]:
    """Return a listening socket only this user can reach, and where it is."""
    path = data.run.absolute() / "control.sock"
    if len(str(path).encode()) > _PATH_BYTES_MAX:
        path = Path(tempfile.mkdtemp(prefix="legato-")) / "control.sock"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener, path


def remove_control_socket(data: DataDir, path: Path) -> None:
    """Remove what `open_control_socket` made."""
    path.unlink(missing_ok=True)
    if path.parent != data.run.absolute():
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def run(context: ControlContext) -> None:
    """Wait for the first connection, then serve until a stop signal."""
    select.select([context.listener], [], [])
    asyncio.run(_serve(context))


async def _serve(context: ControlContext) -> None:
    from legato.api.control.lanes import BoundedThreads  # noqa: PLC0415 - see above
    from legato.app.processes.control_listener import build_control  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    threads = ThreadPoolExecutor(2, thread_name_prefix="control")
    loop.set_default_executor(BoundedThreads())

    async def in_thread(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    control = build_control(context, in_thread)
    follow_stored_secrets(context.loaded, lambda path: path[:1] in {("providers",), ("accounts",)})
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    tasks: set[asyncio.Task[Any]] = set()
    spawn(control.keyring.follow(), owner=tasks, name="keys")
    spawn(control.refusals.run(), owner=tasks, name="refusals")
    with contextlib.suppress(LegatoError):  # the database is away: callers are told, one by one
        await in_thread(control.keyring.load)
    server = await loop.create_unix_server(control.listener, sock=context.listener)
    await stop.wait()
    server.close()
    await control.listener.drain(_DRAIN_S)
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await control.refusals.write()
    threads.shutdown(wait=False, cancel_futures=True)
