"""The second transport, over aiohttp: for servers that llhttp alone trips over.

Costs about twice the CPU of `http1` (docs/adr/0005), so simplicity comes before speed here.
"""

import asyncio
import io
import socket
import ssl
from collections.abc import Awaitable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from legato.core.egress import PERMISSIVE, Egress
from legato.providers.transport.base import (
    BadResponse,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    Limits,
    PoolExhausted,
    ResponseTooLarge,
    Take,
    Timeouts,
    TransportClosed,
    TransportError,
    cancelled_in_line,
    cancelled_unsent,
)
from legato.providers.transport.decoding import content_coding, decode_body
from legato.providers.transport.endpoint import Endpoint, check_headers, check_path, client_tls
from legato.providers.transport.proxy import Proxy
from legato.providers.transport.resolving import check_host, permitted

_PIECEWISE_FROM_BYTES = 512 * 1024
_Value = TypeVar("_Value")


class AiohttpResponse:
    """Implements `base.Response`."""

    def __init__(self, response: aiohttp.ClientResponse, idle_s: float) -> None:
        """Wrap an answer whose head is complete."""
        self._response = response
        self._idle_s = idle_s
        self._stream_allowed = False
        self._ended = False
        self.status = response.status
        self.headers = [(name.lower(), value) for name, value in response.raw_headers]

    async def read(self, body_bytes_max: int) -> bytes:
        """Implement `base.Response.read`."""
        coding = self._coding()
        body = bytearray()
        while piece := await self._next():
            body += piece
            if len(body) > body_bytes_max:
                self.close()
                raise ResponseTooLarge(f"response body over {body_bytes_max} bytes")
        return bytes(body) if coding is None else decode_body(coding, bytes(body), body_bytes_max)

    async def read_chunk(self) -> bytes | None:
        """Implement `base.Response.read_chunk`."""
        if not self._stream_allowed:
            if self._coding() is not None:
                self.close()
                raise BadResponse("the answer is a compressed stream, which was not asked for")
            self._stream_allowed = True
        return await self._next() or None

    async def pump(self, take: Take) -> bool:
        """Implement `base.Response.pump`."""
        while (chunk := await self.read_chunk()) is not None:
            if not take(chunk):
                return False
        return True

    def close(self) -> None:
        """Implement `base.Response.close`."""
        self._ended = True
        self._response.close()

    async def _next(self) -> bytes:
        if self._ended:
            return b""
        content = self._response.content
        piece = b""
        # readany() may answer b"" before the end, when a chunk carried no data yet.
        while not piece and not content.at_eof():
            piece = await self._guard(content.readany())
        if not piece:
            self._ended = True
            self._response.release()
        return piece

    async def _guard(self, reading: Awaitable[_Value]) -> _Value:
        try:
            async with asyncio.timeout(self._idle_s):
                return await reading
        except TimeoutError as error:
            self.close()
            raise IdleTimeout(f"no data for {self._idle_s} s in mid-answer") from error
        except (aiohttp.ClientError, OSError) as error:
            self.close()
            raise _failed_body(error) from error
        except BaseException:
            self.close()
            raise

    def _coding(self) -> bytes | None:
        try:
            return content_coding(self.headers)
        except TransportError:
            self.close()
            raise


class _JudgedResolver(AbstractResolver):
    """Resolves by the system, after the rules for what may be called."""

    def __init__(self, endpoint: Endpoint, egress: Egress) -> None:
        self._endpoint = endpoint
        self._egress = egress

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of the endpoint's host; there is no other."""
        del family
        found = await permitted(self._endpoint, self._egress)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Hold nothing."""


class AiohttpTransport:
    """Implements `base.Transport`. Build one per base URL inside the loop that will use it."""

    def __init__(
        self,
        base_url: str,
        *,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        ca_file: Path | None = None,
        proxy_url: str | None = None,
        egress: Egress = PERMISSIVE,
    ) -> None:
        """Open nothing yet; raises `ValueError` for a base URL that cannot be used."""
        self._endpoint = Endpoint.parse(base_url)
        check_host(self._endpoint, egress)
        self._base_url = base_url.rstrip("/")
        self._timeouts = timeouts or Timeouts()
        self._limits = limits or Limits()
        self._proxy = Proxy.parse(proxy_url) if proxy_url is not None else None
        self._way, self._known = self._way_out()
        self._session = self._open_session(ca_file, egress)

    async def send(
        self,
        path: bytes,
        headers: bytes,
        body: bytes,
        *,
        method: bytes = b"POST",
        timeouts: Timeouts | None = None,
    ) -> AiohttpResponse:
        """Implement `base.Transport.send`."""
        check_path(path)
        check_headers(headers)
        if self._session.closed:
            raise TransportClosed("the transport was closed")
        waits = timeouts or self._timeouts
        progress = SimpleNamespace(
            connected=False, in_line=False, reused=False, timeout=None, waits=waits
        )
        try:
            # Bounds the wait for a connection, then, once there is one, for the response head.
            async with asyncio.timeout(waits.connect_s) as timeout:
                progress.timeout = timeout
                response = await self._session.request(
                    method.decode(),
                    URL(self._base_url + path.decode(), encoded=True),
                    data=_payload(body),
                    headers=_parse_headers(headers + self._known),
                    allow_redirects=False,
                    **self._way,
                    trace_request_ctx=progress,
                )
        except asyncio.CancelledError as error:
            if progress.connected:
                raise
            raise (cancelled_in_line() if progress.in_line else cancelled_unsent()) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._failed_send(error, progress) from error
        return AiohttpResponse(response, waits.idle_s)

    async def close(self) -> None:
        """Implement `base.Transport.close`."""
        await self._session.close()

    def _way_out(self) -> tuple[dict[str, Any], bytes]:
        """Return how requests reach the proxy, and the header each carries for it.

        An http request is the proxy's to read, and aiohttp names us to it only on a connection's
        first one.
        """
        proxy = self._proxy
        if proxy is None:
            return {}, b""
        if not self._endpoint.secure:
            return {"proxy": proxy.url}, proxy.header_line
        if proxy.credentials is None:
            return {"proxy": proxy.url}, b""
        known = proxy.header_line.partition(b":")[2].strip().decode()
        return {"proxy": proxy.url, "proxy_headers": {"Proxy-Authorization": known}}, b""

    def _open_session(self, ca_file: Path | None, egress: Egress) -> aiohttp.ClientSession:
        limits = self._limits
        # a proxy resolves the host by itself, and is itself the operator's choice
        resolver = None if self._proxy is not None else _JudgedResolver(self._endpoint, egress)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=client_tls(ca_file) if self._endpoint.secure else True,
                limit=limits.connections_max,
                resolver=resolver,
                use_dns_cache=False,
                keepalive_timeout=limits.idle_age_s,
                enable_cleanup_closed=False,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=limits.stream_buffer_bytes // 2,  # reading pauses at twice this
            max_line_size=limits.head_bytes_max,
            max_field_size=limits.head_bytes_max,
            trace_configs=[_trace()],
        )

    def _failed_send(self, error: Exception, progress: SimpleNamespace) -> Exception:
        server = self._endpoint.authority.decode()
        if not progress.connected:
            if isinstance(error, TimeoutError):
                if progress.in_line:
                    return PoolExhausted(f"every connection to {server} is busy")
                limit_s = progress.waits.connect_s
                return ConnectTimeout(f"no connection to {server} in {limit_s} s")
            if isinstance(error, ValueError) and not isinstance(error, ssl.SSLError):
                return error
            return ConnectFailed(f"cannot connect to {server}: {type(error).__name__}")
        if isinstance(error, TimeoutError):
            return FirstByteTimeout(f"no answer within {progress.waits.first_byte_s} s")
        if _is_too_long(error):
            return ResponseTooLarge(f"response head over {self._limits.head_bytes_max} bytes")
        if isinstance(error, aiohttp.ClientConnectionError | OSError):
            return ConnectionLost(
                "the connection broke before any answer",
                response_started=False,
                reused=progress.reused,
            )
        return BadResponse("the answer is not valid HTTP/1.1")


def _trace() -> aiohttp.TraceConfig:
    """Watch for the moment from which the request may reach the peer."""

    async def connected(_: aiohttp.ClientSession, context: Any, __: object) -> None:
        progress = context.trace_request_ctx
        progress.connected = True
        now_s = asyncio.get_running_loop().time()
        progress.timeout.reschedule(now_s + progress.waits.first_byte_s)

    async def queued(_: aiohttp.ClientSession, context: Any, __: object) -> None:
        context.trace_request_ctx.in_line = True

    async def let_in(_: aiohttp.ClientSession, context: Any, __: object) -> None:
        context.trace_request_ctx.in_line = False

    async def reused(session: aiohttp.ClientSession, context: Any, parameters: object) -> None:
        context.trace_request_ctx.reused = True
        await connected(session, context, parameters)

    trace = aiohttp.TraceConfig()
    trace.on_connection_queued_start.append(queued)
    trace.on_connection_queued_end.append(let_in)
    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(reused)
    return trace


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    # aiohttp writes a file in pieces; bytes it would copy in one go, and warns about that.
    return io.BytesIO(body) if len(body) > _PIECEWISE_FROM_BYTES else body or None


def _parse_headers(headers: bytes) -> list[tuple[str, str]]:
    fields = [("accept-encoding", "identity")]
    for line in headers.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        fields.append((name.decode(), value.strip().decode("utf-8", "surrogateescape")))
    return fields


def _is_too_long(error: Exception) -> bool:
    text = f"{error} {error.__cause__}"
    return "more than" in text and "bytes" in text


def _failed_body(error: Exception) -> TransportError:
    if isinstance(error, aiohttp.ClientPayloadError) and "TransferEncodingError" in str(
        error.__cause__
    ):
        return BadResponse("the answer's chunks are malformed")
    return ConnectionLost("the connection broke in mid-answer", response_started=True, reused=False)
