"""Keep-alive connections to one endpoint, the most recently used first."""

import asyncio
import ssl
from collections import deque

from legato.core.egress import Egress
from legato.providers.transport.base import (
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    Limits,
    PoolExhausted,
    Timeouts,
    TransportClosed,
    cancelled_in_line,
)
from legato.providers.transport.endpoint import Endpoint
from legato.providers.transport.http1_connection import Http1Connection
from legato.providers.transport.proxy import Proxy
from legato.providers.transport.resolving import permitted

_CLOSED = "the transport was closed"


class Http1Pool:
    """Opens up to `connections_max` connections; past that, callers wait in line.

    Last in, first out: under light load the same few connections stay warm and the others age out.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        tls: ssl.SSLContext | None,
        limits: Limits,
        *,
        egress: Egress,
        proxy: Proxy | None = None,
    ) -> None:
        """Start without connections; `tls` is `None` for plain http."""
        self._egress = egress
        self._endpoint = endpoint
        self._tls = tls
        self._limits = limits
        self._proxy = proxy
        self._idle: list[Http1Connection] = []
        self._open: set[Http1Connection] = set()
        self._connecting = 0
        # A waiter is woken with a connection, or with None: then a slot is free to connect in.
        self._waiters: deque[asyncio.Future[Http1Connection | None]] = deque()
        self._closed = False

    def take_idle(self) -> Http1Connection | None:
        """Return a connection ready for use, without waiting, or `None`."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable():
                return connection
            connection.discard()
        return None

    async def acquire(self, timeouts: Timeouts) -> Http1Connection:
        """Return a connection, opening one or waiting for one.

        Raises `ConnectFailed`, `ConnectTimeout`, `PoolExhausted`, `TransportClosed`.
        """
        while not self._closed:
            connection = self.take_idle()
            if connection is not None:
                return connection
            if len(self._open) + self._connecting < self._limits.connections_max:
                self._connecting += 1
                return await self._connect(timeouts)
            connection = await self._wait_in_line(timeouts)
            if connection is None:
                return await self._connect(timeouts)
            if connection.is_usable():
                return connection
            connection.discard()  # died on its way to us
        raise TransportClosed(_CLOSED)

    def release(self, connection: Http1Connection) -> None:
        """Implement `ConnectionOwner.release`."""
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
        elif self._closed or len(self._idle) >= self._limits.idle_connections_max:
            connection.discard()
        else:
            self._idle.append(connection)

    def forget(self, connection: Http1Connection) -> None:
        """Implement `ConnectionOwner.forget`."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._offer_slot()

    async def close(self) -> None:
        """Close all connections and send everybody in line away."""
        self._closed = True
        while (waiter := self._next_waiter()) is not None:
            waiter.set_exception(TransportClosed(_CLOSED))
        for connection in list(self._open):
            connection.abandon(
                ConnectionLost(_CLOSED, response_started=connection.answered, reused=False)
            )
        await asyncio.sleep(0)  # the sockets are closed in the loop's next round

    async def _connect(self, timeouts: Timeouts) -> Http1Connection:
        """Open a connection in a slot that `_connecting` already counts."""
        try:
            connection = await self._open_connection(timeouts)
        except BaseException:
            self._connecting -= 1
            self._offer_slot()
            raise
        self._connecting -= 1
        self._open.add(connection)
        if self._closed or not connection.is_usable():
            connection.discard()
            if self._closed:
                raise TransportClosed(_CLOSED)
            raise ConnectFailed(f"{self._server()} closed the connection at once")
        return connection

    async def _open_connection(self, timeouts: Timeouts) -> Http1Connection:
        try:
            async with asyncio.timeout(timeouts.connect_s):
                if self._proxy is None:
                    return await self._first_answering(timeouts)
                return await self._through(self._proxy, timeouts)
        except TimeoutError as error:
            limit_s = timeouts.connect_s
            raise ConnectTimeout(f"no connection to {self._server()} in {limit_s} s") from error
        except OSError as error:  # TLS errors are OSErrors, too
            reason = error.strerror or type(error).__name__
            raise ConnectFailed(f"cannot connect to {self._server()}: {reason}") from error

    async def _first_answering(self, timeouts: Timeouts) -> Http1Connection:
        """Connect to the first address that answers, of those the host's name stands for now."""
        loop = asyncio.get_running_loop()
        endpoint = self._endpoint
        failed: OSError | None = None
        for address in await permitted(endpoint, self._egress):
            try:
                _, connection = await loop.create_connection(
                    lambda: Http1Connection(self, loop, timeouts, self._limits),
                    address,
                    endpoint.port,
                    ssl=self._tls,
                    server_hostname=endpoint.host if self._tls is not None else None,
                )
            except OSError as error:
                failed = error
            else:
                return connection
        raise failed or OSError("its name stands for no address")

    async def _through(self, proxy: Proxy, timeouts: Timeouts) -> Http1Connection:
        """Connect by way of a proxy: it resolves the host by itself, and is the operator's choice.

        An https server is reached through a tunnel, a plain one by what each request names.
        """
        loop = asyncio.get_running_loop()

        def made() -> Http1Connection:
            return Http1Connection(self, loop, timeouts, self._limits)

        if self._tls is None:
            _, connection = await loop.create_connection(made, proxy.host, proxy.port)
        else:
            link = await proxy.tunnel(self._endpoint)
            _, connection = await loop.create_connection(
                made, sock=link, ssl=self._tls, server_hostname=self._endpoint.host
            )
        return connection

    async def _wait_in_line(self, timeouts: Timeouts) -> Http1Connection | None:
        """Wait for a connection, or for `None`: a slot, counted in `_connecting`, to connect in."""
        if len(self._waiters) >= self._limits.waiting_max:
            raise PoolExhausted(f"{self._limits.waiting_max} calls wait for {self._server()}")
        waiter: asyncio.Future[Http1Connection | None] = asyncio.Future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeouts.connect_s):
                connection = await waiter
        except BaseException as error:
            self._leave_line(waiter)
            if isinstance(error, TimeoutError):
                raise PoolExhausted(f"every connection to {self._server()} is busy") from error
            if isinstance(error, asyncio.CancelledError):
                raise cancelled_in_line() from error
            raise
        return connection

    def _leave_line(self, waiter: asyncio.Future[Http1Connection | None]) -> None:
        """Pass on what a waiter was given in the same moment it gave up."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        if not waiter.done() or waiter.cancelled() or waiter.exception() is not None:
            return
        connection = waiter.result()
        if connection is not None:
            self.release(connection)
        else:
            self._connecting -= 1
            self._offer_slot()

    def _next_waiter(self) -> asyncio.Future[Http1Connection | None] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _offer_slot(self) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            self._connecting += 1
            waiter.set_result(None)

    def _server(self) -> str:
        server = self._endpoint.authority.decode()
        return server if self._proxy is None else f"{server} through {self._proxy.authority}"
