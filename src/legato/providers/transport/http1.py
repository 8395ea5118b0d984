"""The default transport: HTTP/1.1 on the event loop, no thread, no task per call."""

import asyncio
from functools import lru_cache
from pathlib import Path

from legato.core.egress import PERMISSIVE, Egress
from legato.providers.transport.base import Limits, Timeouts, cancelled_unsent, in_line
from legato.providers.transport.endpoint import Endpoint, check_headers, check_path, client_tls
from legato.providers.transport.http1_pool import Http1Pool
from legato.providers.transport.http1_response import Http1Response
from legato.providers.transport.proxy import Proxy
from legato.providers.transport.resolving import check_host

_RENDERED_PATHS_MAX = 256
_METHODS = frozenset((b"POST", b"GET", b"HEAD", b"DELETE", b"PUT", b"PATCH"))
_BODYLESS_METHODS = frozenset((b"GET", b"HEAD", b"DELETE"))


class Http1Transport:
    """Implements `base.Transport`. Build one per base URL inside the loop that will use it."""

    def __init__(
        self,
        base_url: str,
        *,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        ca_file: Path | None = None,
        egress: Egress = PERMISSIVE,
        proxy_url: str | None = None,
    ) -> None:
        """Open nothing yet; raises `ValueError` for a base URL that cannot be used.

        `ca_file` is a PEM bundle that replaces the system's certificate authorities.
        """
        self._endpoint = Endpoint.parse(base_url)
        check_host(self._endpoint, egress)
        tls = client_tls(ca_file) if self._endpoint.secure else None
        self._proxy = Proxy.parse(proxy_url) if proxy_url is not None else None
        self._timeouts = timeouts or Timeouts()
        self._pool = Http1Pool(
            self._endpoint, tls, limits or Limits(), egress=egress, proxy=self._proxy
        )
        # The start of a request is the same for each call to one path: check and join it once.
        self._opening = lru_cache(maxsize=_RENDERED_PATHS_MAX)(self._render_opening)

    async def send(
        self,
        path: bytes,
        headers: bytes,
        body: bytes,
        *,
        method: bytes = b"POST",
        timeouts: Timeouts | None = None,
    ) -> Http1Response:
        """Implement `base.Transport.send`."""
        check_headers(headers)
        if body or method not in _BODYLESS_METHODS:
            length = b"content-length: %d\r\n\r\n" % len(body)
        else:
            length = b"\r\n"
        head = self._opening(method, path) + headers + length
        timeouts = timeouts or self._timeouts
        connection = self._pool.take_idle()
        if connection is None:
            try:
                connection = await self._pool.acquire(timeouts)
            except asyncio.CancelledError as error:
                raise error if in_line(error) else cancelled_unsent() from error
        return await connection.exchange(head, body, timeouts, bodyless=method == b"HEAD")

    async def close(self) -> None:
        """Implement `base.Transport.close`."""
        await self._pool.close()

    def _render_opening(self, method: bytes, path: bytes) -> bytes:
        if method not in _METHODS:
            raise ValueError("unknown request method")
        check_path(path)
        endpoint, proxy = self._endpoint, self._proxy
        target, known = endpoint.base_path + path, b""
        if proxy is not None and not endpoint.secure:  # the proxy reads each request
            target, known = b"http://" + endpoint.authority + target, proxy.header_line
        return b"%b %b HTTP/1.1\r\nhost: %b\r\n%baccept-encoding: identity\r\n" % (
            method,
            target,
            endpoint.authority,
            known,
        )
