"""The simulated server as a program and as an object.

    python -m legato.providers.simulated.server --port 0 --port-file F --book F --settings S.yaml

prints `{"port": …}` on one line once it listens. It ends on SIGTERM and SIGINT, and with its parent
if `--parent-pid` is given.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec
import uvloop

from legato.providers.simulated.book import Book
from legato.providers.simulated.protocol import SimulatedProtocol
from legato.providers.simulated.service import Service
from legato.providers.simulated.settings import SimulatedSettings

BACKLOG = 4_096
PARENT_POLL_S = 0.5
LOOPBACK = "127.0.0.1"


class SimulatedServer:
    """A server in this process, on the running loop. Also an asynchronous context manager."""

    def __init__(
        self,
        settings: SimulatedSettings | None = None,
        *,
        book: Path | None = None,
        host: str = LOOPBACK,
        port: int = 0,
    ) -> None:
        """Raises OSError if the book can't be opened."""
        settings = settings or SimulatedSettings()
        self.book = Book(book, settings.book_memory_max)
        self._service = Service(settings, self.book)
        self._host = host
        self._asked_port = port
        self._connections: set[SimulatedProtocol] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError if it can't."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SimulatedProtocol(self._service, self.book, self._connections, loop),
            self._host,
            self._asked_port,
            backlog=BACKLOG,
        )
        return self.port

    @property
    def port(self) -> int:
        """The port listened on."""
        if self._server is None:
            raise RuntimeError("the simulated server is not started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The address without a path: OpenAI's clients want `/v1` behind it, Anthropic's don't."""
        return f"http://{self._host}:{self.port}"

    async def stop(self) -> None:
        """Stop listening, cut what runs, close the book."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._connections):
                connection.shut()
            await self._server.wait_closed()
            self._server = None
        self.book.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()


async def serve(server: SimulatedServer, port_file: Path | None, parent_pid: int | None) -> None:
    """Run until SIGTERM, SIGINT or the parent's end; says the port on standard output.

    Raises:
        OSError: the port or the port file is not to be had.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    with contextlib.ExitStack() as cleanup:
        if parent_pid is not None:
            cleanup.callback(_watch(parent_pid, ended, loop))
        port = await server.start()
        announcement = msgspec.json.encode({"port": port}).decode()
        if port_file is not None:
            unfinished = port_file.with_name(port_file.name + ".new")
            unfinished.write_text(announcement + "\n")
            unfinished.replace(port_file)  # whoever sees the file reads all of it
        sys.stdout.write(announcement + "\n")
        sys.stdout.flush()
        await ended.wait()
        await server.stop()


def _watch(
    parent_pid: int, ended: asyncio.Event, loop: asyncio.AbstractEventLoop
) -> Callable[[], None]:
    """Set `ended` when that process ends; returns what stops watching."""
    if not hasattr(os, "pidfd_open"):
        return _poll(parent_pid, ended, loop)
    try:
        descriptor = os.pidfd_open(parent_pid)
    except ProcessLookupError:
        ended.set()
        return lambda: None
    except OSError:  # a kernel or a sandbox without it
        return _poll(parent_pid, ended, loop)

    def unwatch() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)

    loop.add_reader(descriptor, ended.set)
    return unwatch


def _poll(
    parent_pid: int, ended: asyncio.Event, loop: asyncio.AbstractEventLoop
) -> Callable[[], None]:
    timer: asyncio.Handle | None = None

    def look() -> None:
        nonlocal timer
        if os.getppid() == parent_pid:
            timer = loop.call_later(PARENT_POLL_S, look)
        else:
            ended.set()

    def unwatch() -> None:
        if timer is not None:
            timer.cancel()

    look()
    return unwatch


def _raise_open_files_limit() -> None:
    """As many connections as the system allows us without asking."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="A simulated model server. Its answers are made up."
    )
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="where to write the port")
    parser.add_argument("--book", type=Path, help="where to keep the book of calls")
    parser.add_argument("--settings", type=Path, help="a .json or .yaml file")
    parser.add_argument("--settings-json", help="the settings themselves")
    parser.add_argument("--seed", type=int, help="instead of the settings' own")
    parser.add_argument("--parent-pid", type=int, help="end when this process does")
    return parser.parse_args(arguments)


def _settings(arguments: argparse.Namespace) -> SimulatedSettings:
    settings = SimulatedSettings()
    if arguments.settings is not None:
        settings = SimulatedSettings.load(arguments.settings)
    if arguments.settings_json is not None:
        settings = msgspec.json.decode(arguments.settings_json, type=SimulatedSettings)
    return settings if arguments.seed is None else settings.merged({"seed": arguments.seed})


def main(arguments: list[str]) -> int:
    """Run the program; returns its exit status."""
    parsed = _arguments(arguments)
    try:
        settings = _settings(parsed)
        server = SimulatedServer(settings, book=parsed.book, host=parsed.host, port=parsed.port)
    except (OSError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"simulated server: {error}\n")
        return 2
    _raise_open_files_limit()
    uvloop.run(serve(server, parsed.port_file, parsed.parent_pid))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
