"""The line to a provider: one request, one answer, no second try."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import TypeVar

import msgspec

from legato.core.errors import (
    BadProviderResponse,
    ProviderRefusesCredentials,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)
from legato.core.wire import WireRequest
from legato.providers.base import Provider, authorizer_of
from legato.providers.transport import (
    BadResponse,
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    Response,
    ResponseTooLarge,
    Transport,
    TransportError,
)

ANSWER_BYTES_MAX = 4 * 1024 * 1024
_OK = 200
_TIMED_OUT = (ConnectTimeout, FirstByteTimeout, IdleTimeout)
_MALFORMED = (BadResponse, ResponseTooLarge)
T = TypeVar("T")


class Received(msgspec.Struct, frozen=True):
    """An answer's body in the pieces it came in, and how long all of it took."""

    pieces: list[bytes]
    duration_us: int

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


class Line:
    """Sends what an adapter has written as the gateway does: authorized just before.

    Each call has a connection of its own: a kept one that the server is about to close would
    fail a call that nobody tries again.
    `calls` counts what was sent; `refused` is set once the provider has refused the key.
    """

    def __init__(
        self, provider: Provider, connect: Callable[[], Transport], timeout_s: float
    ) -> None:
        self.provider = provider
        self.calls = 0
        self.refused = False
        self._connect = connect
        self._authorize = authorizer_of(provider)
        self._timeout_s = timeout_s

    async def send(self, request: WireRequest) -> Received:
        """Return a good answer.

        Raises:
            UpstreamError: what the adapter makes of another one, or of none.
        """
        try:
            return await self._in_time(self._send(request))
        except ProviderRefusesCredentials:
            self.refused = True
            raise

    async def _send(self, request: WireRequest) -> Received:
        if self._authorize is not None:
            request = await self._authorize(request)
        self.calls += 1
        began_ns = perf_counter_ns()
        transport = self._connect()
        try:
            response = await transport.send(request.path, request.headers, request.body)
            try:
                pieces = await self._read(response)
            finally:
                response.close()
        finally:
            await transport.close()
        return Received(pieces, (perf_counter_ns() - began_ns) // 1_000)

    async def _read(self, response: Response) -> list[bytes]:
        if response.status != _OK:
            body = await response.read(ANSWER_BYTES_MAX)
            raise self.provider.failure(response.status, response.headers, body)
        return await _pieces(response)

    async def _in_time(self, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except TimeoutError:
            raise ProviderTimeout(f"no complete answer within {self._timeout_s:g} s") from None
        except TransportError as error:
            raise _upstream_error(error) from error


async def _pieces(response: Response) -> list[bytes]:
    names = {name for name, _ in response.headers}
    if b"content-encoding" in names:  # only a whole body is decoded
        return [await response.read(ANSWER_BYTES_MAX)]
    pieces: list[bytes] = []
    left = ANSWER_BYTES_MAX
    while (piece := await response.read_chunk()) is not None:
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise BadProviderResponse(f"the answer is over {ANSWER_BYTES_MAX} bytes")
    return pieces


def _upstream_error(error: TransportError) -> UpstreamError:
    kind: type[UpstreamError] = ProviderUnavailable
    if isinstance(error, _TIMED_OUT):
        kind = ProviderTimeout
    elif isinstance(error, _MALFORMED):
        kind = BadProviderResponse
    return kind(str(error))
