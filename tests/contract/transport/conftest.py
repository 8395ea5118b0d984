"""One suite for every transport, on both event loops, against servers scripted byte by byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from legato.providers.transport import Limits, Timeouts, Transport, open_transport

TRANSPORTS = ("http1", "aiohttp")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> tuple[bytes, bytes]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return head, await self.reader.readexactly(length)

    async def send(self, data: bytes) -> None:
        if self.writer.is_closing():  # uvloop's own word for it is a RuntimeError
            raise ConnectionResetError
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> bool:
        try:
            return await self.reader.read() == b""
        except OSError:
            return True


Script = Callable[[Peer], Awaitable[Any]]


class Server:
    """Runs a script per connection; the script's end closes the connection."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._tasks: set[asyncio.Task[Any]] = set()
        self.connections = 0
        self.results: asyncio.Queue[Any] = asyncio.Queue()
        self.base_url = ""

    async def start(self, host: str, tls: ssl.SSLContext | None) -> None:
        self._server = await asyncio.start_server(self._accept, host, 0, ssl=tls)
        port = self._server.sockets[0].getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        self.base_url = f"{'https' if tls else 'http'}://{name}:{port}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            self.results.put_nowait(await self._script(Peer(reader, writer)))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.results.put_nowait(error)
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def result(self) -> Any:
        async with asyncio.timeout(30):
            return await self.results.get()

    async def stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)


Serve = Callable[..., Awaitable[Server]]
Connect = Callable[..., Transport]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers = []

    async def start(
        script: Script, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> Server:
        server = Server(script)
        await server.start(host, tls)
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture(params=TRANSPORTS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def connect(kind: str) -> AsyncIterator[Connect]:
    transports = []

    def open_one(
        base_url: str,
        *,
        limits: Limits | None = None,
        ca_file: Path | None = None,
        **timeouts: float,
    ) -> Transport:
        # A test that is about a limit names it; no other may meet one, however busy the machine.
        bounds = {"connect_s": 30.0, "first_byte_s": 30.0, "idle_s": 30.0} | timeouts
        transport = open_transport(
            kind,  # type: ignore[arg-type]
            base_url,
            timeouts=Timeouts(**bounds),
            limits=limits,
            ca_file=ca_file,
        )
        transports.append(transport)
        return transport

    yield open_one
    for transport in transports:
        await transport.close()
    await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def tls_for(authority: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    def build(name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return context

    return build
