"""A forward proxy after RFC 9110 (CONNECT, 9.3.6; proxy authentication, 11.7) and RFC 9112
(absolute form, 3.2.2): tunnels, passes requests in absolute form on, refuses all else."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

_REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n"


class ForwardProxy:
    """Listens on a free port of 127.0.0.1; `seen` has the request lines, `tunnels` their count.

    Every name leads to 127.0.0.1, so that a client that resolves names itself gets nowhere.
    """

    def __init__(self, user: str = "", password: str = "") -> None:
        self._wanted = b64encode(f"{user}:{password}".encode()) if user else b""
        self._tasks: set[asyncio.Task[None]] = set()
        self.seen: list[bytes] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *fields = head[:-4].split(b"\r\n")
            self.seen.append(line)
            named = {n.lower(): v.strip() for n, _, v in (f.partition(b":") for f in fields)}
            if self._wanted and named.get(b"proxy-authorization") != b"Basic " + self._wanted:
                writer.write(_REFUSED + b"content-length: 0\r\n\r\n")
                await writer.drain()
                return
            method, target, _ = line.split(b" ")
            if method == b"CONNECT":
                await self._tunnel(target, (reader, writer))
                return
            body = await reader.readexactly(int(named.get(b"content-length", b"0")))
            await self._forward(head, body, writer)

    async def _tunnel(
        self, target: bytes, client: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    ) -> None:
        port = int(target.rpartition(b":")[2])
        reader, writer = client
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
        try:
            await asyncio.gather(_pump(reader, behind_writer), _pump(behind_reader, writer))
        finally:
            behind_writer.close()

    async def _forward(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        """Pass a request on in origin form, without what is for the proxy alone."""
        line, _, rest = head.partition(b"\r\n")
        method, target, version = line.split(b" ")
        parts = urlsplit(target.decode())
        assert parts.scheme == "http", target
        kept = [
            field
            for field in rest[:-4].split(b"\r\n")
            if not field.lower().startswith((b"proxy-", b"connection:"))
        ]
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", parts.port or 80)
        lines = [b" ".join((method, parts.path.encode(), version)), *kept, b"connection: close"]
        behind_writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        answer = await behind_reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        writer.write(answer + await behind_reader.readexactly(length))
        await writer.drain()
        behind_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
        writer.close()
