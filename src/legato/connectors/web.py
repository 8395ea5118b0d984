"""HTTP for tools: each address judged by the rules on egress, no redirect followed, all bounded."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

import msgspec

from legato.connectors.tool import failed
from legato.core.egress import Egress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

_CHUNK: Final = 65_536
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_TOLD_MAX: Final = 300


class Fetched(NamedTuple):
    """An answer: its status, headers in lower case, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body's JSON; text where it isn't JSON; None where there is nothing."""
        if not self.body:
            return None
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return self.body.decode("utf-8", "replace")


class Limits(NamedTuple):
    """Of one exchange."""

    timeout_s: float
    bytes_max: int


class Web:
    """Asks hosts that the rules allow, over connections that are kept for each event loop."""

    def __init__(self, egress: Egress, ca_file: str | None = None) -> None:
        self._egress = egress
        self._ca_file = ca_file
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession]
        self._sessions = WeakKeyDictionary()

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        limits: Limits,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Fetched:
        """Make one exchange. Raises ToolFailed: refused, away, too late or too large."""
        async with self.opened(
            method, url, timeout_s=limits.timeout_s, headers=headers, body=body
        ) as response:
            read = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK):
                read += chunk
                if len(read) > limits.bytes_max:
                    raise failed(f"the answer is larger than {limits.bytes_max} bytes")
            found = {name.lower(): value for name, value in response.headers.items()}
            return Fetched(response.status, found, bytes(read))

    @asynccontextmanager
    async def opened(
        self,
        method: str,
        url: str,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> "AsyncIterator[aiohttp.ClientResponse]":
        """Open an exchange whose answer is read as it comes. Raises ToolFailed, as `fetch`."""
        from aiohttp import ClientError, ClientTimeout  # noqa: PLC0415 - 0.1 s for those who call

        host = urlsplit(url).hostname or ""
        if told := self._egress.refusal_of_host(host):
            raise failed(f"it may not be called: {told}")
        try:
            async with self._session().request(
                method,
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=ClientTimeout(total=timeout_s),
            ) as response:
                yield response
        except TimeoutError:
            raise failed(f"{host} didn't answer within {timeout_s:g} s", passing=True) from None
        except _Refused as error:
            raise failed(f"it may not be called: {error}") from None
        except ClientError as error:
            cause = error.__cause__ or error
            if isinstance(cause, _Refused):
                raise failed(f"it may not be called: {cause}") from None
            raise failed(f"{host} can't be reached: {type(error).__name__}", passing=True) from None

    async def close(self) -> None:
        """Close the connections of this event loop."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    def _session(self) -> "aiohttp.ClientSession":
        from aiohttp import ClientSession, DummyCookieJar, TCPConnector  # noqa: PLC0415 - as above

        loop = asyncio.get_running_loop()
        found = self._sessions.get(loop)
        if found is None or found.closed:
            connector = TCPConnector(
                resolver=_resolver(self._egress), use_dns_cache=False, ssl=self._tls()
            )
            found = ClientSession(connector=connector, cookie_jar=DummyCookieJar(), trust_env=False)
            self._sessions[loop] = found
        return found

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca_file)


def checked(fetched: Fetched) -> Fetched:
    """Return an answer of 2xx. Raises ToolFailed with what another one says."""
    if fetched.status // 100 == 2:  # noqa: PLR2004 - any success
        return fetched
    if fetched.status // 100 == 3:  # noqa: PLR2004 - any redirect
        raise failed(f"it answered {fetched.status}: redirects aren't followed; give its address")
    said = fetched.body.decode("utf-8", "replace")[:_TOLD_MAX]
    raise failed(f"it answered {fetched.status}: {said}", passing=fetched.status in _LATER)


def in_path(value: Any) -> str:
    """Return an argument as one segment of a path: nothing in it leads elsewhere.

    Raises:
        ValueError: it is empty, or a step up or aside.
    """
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if text in {"", ".", ".."}:
        msg = f"{text!r} is no part of a path"
        raise ValueError(msg)
    return quote(text, safe="")


class _Refused(OSError):
    pass


def _resolver(egress: Egress) -> Any:
    from aiohttp.abc import AbstractResolver, ResolveResult  # noqa: PLC0415 - as above

    class Resolver(AbstractResolver):
        """Judges what a name stands for, each time it is connected to."""

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
            addresses = [str(one[4][0]) for one in found]
            for address in addresses:
                if told := egress.refusal(host, address):
                    raise _Refused(told)
            return [
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=port,
                    family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
                for address in dict.fromkeys(addresses)
            ]

        async def close(self) -> None:
            pass

    return Resolver()


Headers = Callable[[], Mapping[str, str]]
"""Returns what is sent with each call, secrets with it."""
