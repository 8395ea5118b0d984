"""An HTTP proxy on the way out: tunnels to https servers, absolute targets for http ones."""

import asyncio
import errno
import re
import socket
from base64 import b64encode
from typing import Self
from urllib.parse import unquote, urlsplit

from legato.providers.transport.endpoint import Endpoint

_DEFAULT_PORT = 80
_HEAD_BYTES_MAX = 64 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_SUCCESS = b"2"


class Proxy:
    """Where it is and how we are known to it. No way of printing it shows the password."""

    __slots__ = ("authority", "credentials", "host", "port")

    def __init__(self, host: str, port: int, credentials: tuple[str, str] | None) -> None:
        self.host = host
        self.port = port
        self.credentials = credentials
        self.authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def __repr__(self) -> str:
        return f"Proxy({self.authority})"

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `http://[user:password@]host[:port]`; raises `ValueError`, never with the URL."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or _DEFAULT_PORT
        except ValueError:
            raise ValueError("proxy is not an address") from None
        if parts.scheme != "http":
            raise ValueError("proxy must start with http://")
        if not host or not host.isascii():
            raise ValueError("proxy names no host")
        if parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError("proxy must end after its port")
        if parts.username is None:
            return cls(host, port, None)
        return cls(host, port, (unquote(parts.username), unquote(parts.password or "")))

    @property
    def url(self) -> str:
        """Its address without credentials."""
        return f"http://{self.authority}"

    @property
    def header_line(self) -> bytes:
        """The header that makes us known to it, CRLF included; empty without credentials."""
        if self.credentials is None:
            return b""
        named = b64encode(":".join(self.credentials).encode())
        return b"proxy-authorization: Basic %b\r\n" % named

    async def tunnel(self, endpoint: Endpoint) -> socket.socket:
        """Return a socket that reaches the server through us alone, for TLS to begin on it.

        Raises:
            OSError: no way to the proxy, or it refuses; `strerror` says which.
        """
        loop = asyncio.get_running_loop()
        link = await self._connected(loop)
        try:
            await loop.sock_sendall(link, self._connect_request(endpoint))
            head = b""
            piece = b"."
            # nothing follows a good answer before we speak: a TLS server waits for its client
            while piece and b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES_MAX:
                piece = await loop.sock_recv(link, _HEAD_BYTES_MAX)
                head += piece
            self._check(head)
        except BaseException:
            link.close()
            raise
        return link

    def _check(self, head: bytes) -> None:
        status = _STATUS.match(head)
        if status is None or b"\r\n\r\n" not in head:
            raise OSError(errno.EPROTO, f"the proxy {self.authority} does not answer HTTP")
        if not status[1].startswith(_SUCCESS):
            said = status[1].decode()
            raise OSError(errno.ECONNREFUSED, f"the proxy {self.authority} answered {said}")

    def _connect_request(self, endpoint: Endpoint) -> bytes:
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        target = f"{host}:{endpoint.port}".encode()
        return b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (target, target, self.header_line)

    async def _connected(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        last: OSError | None = None
        for family, kind, protocol, _, address in found:
            link = socket.socket(family, kind, protocol)
            try:
                link.setblocking(False)
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await loop.sock_connect(link, address)
            except OSError as error:
                link.close()
                last = error
            except BaseException:
                link.close()
                raise
            else:
                return link
        reason = last.strerror if last is not None else None
        raise OSError(
            errno.EHOSTUNREACH, f"no way to the proxy {self.authority}: {reason or 'no address'}"
        )
