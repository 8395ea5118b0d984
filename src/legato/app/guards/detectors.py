"""Opens the detectors of an instance: ours, those of packages, and those behind HTTP."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from legato.app.checks.egress import egress_of
from legato.core.config import Config
from legato.core.config_guardrails import OwnDetector
from legato.core.errors import ConfigInvalid, DetectorFailed
from legato.core.guarding import SlowDetector
from legato.detectors.directory import HTTP, is_ours, kind_of, unnamed
from legato.detectors.http import HttpDetector, Post
from legato.detectors.pool import PooledDetector, ProcessPool
from legato.detectors.running import Opened
from legato.providers.transport import Transport, open_transport
from legato.providers.transport.base import TransportError

_ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
_HEADERS: Final = b"content-type: application/json\r\n"
_OK: Final = 200


class DetectorOpening:
    """Opens them when they are first asked for, and ends what runs for them."""

    def __init__(self, config: Config) -> None:
        """Call it with the loop running that will use them."""
        self._said = config.guardrails
        self._pool = ProcessPool(config.guardrails.processes)
        egress = egress_of(config)
        self._transports: dict[str, Transport] = {
            one.name: open_transport("http1", _base(one.url), egress=egress)
            for one in config.guardrails.detectors
            if one.kind == HTTP and one.url
        }

    def open(self) -> Opened:
        """Open them all; may take a second. Raises ConfigInvalid, naming the detector."""
        quick, slow = {}, dict[str, SlowDetector]()
        for name in unnamed():
            kind = kind_of(name)
            if kind.quick and is_ours(name):
                quick[name] = kind({})
            else:
                slow[name] = self._pooled(name, name, {})
        for one in self._said.detectors:
            slow[one.name] = self._own(one)

        async def warm(names: frozenset[str]) -> None:
            pooled = [one for name, one in slow.items() if name in names]
            kinds = [(one.kind, one.settings) for one in pooled if isinstance(one, PooledDetector)]
            if kinds:
                await self._pool.warm(kinds)

        return Opened(quick, slow, warm)

    async def close(self) -> None:
        """End what runs for them."""
        await self._pool.close()
        for transport in self._transports.values():
            await transport.close()

    def _own(self, one: OwnDetector) -> SlowDetector:
        if one.kind != HTTP:
            return self._pooled(one.name, one.kind, one.settings)
        if one.url is None:
            raise ConfigInvalid(f"guardrails.detectors: {one.name} has no url")
        return HttpDetector(
            one.name, frozenset(one.labels), _posting(self._transports[one.name], one.url)
        )

    def _pooled(self, name: str, kind: str, settings: Mapping[str, Any]) -> PooledDetector:
        return PooledDetector(name, kind_of(kind).labels, self._pool, kind=kind, settings=settings)


def _base(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _posting(transport: Transport, url: str) -> Post:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    async def post(body: bytes) -> bytes:
        try:
            response = await transport.send(path.encode(), _HEADERS, body)
            if response.status != _OK:
                response.close()
                raise DetectorFailed(f"It answered {response.status}.")
            return await response.read(_ANSWER_BYTES_MAX)
        except TransportError as error:
            raise DetectorFailed(f"It can't be reached ({type(error).__name__}).") from None

    return post
