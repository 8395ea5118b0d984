"""Opens the look-ups of an instance: those of packages, and those behind HTTP."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec

from legato.app.checks.egress import address_problem, egress_of
from legato.core.config import Config
from legato.core.config_lookups import Lookup
from legato.core.errors import ConfigInvalid, LookupFailed
from legato.gateway.lookups import Asking, KeptLookup, Lookups
from legato.providers.transport import Transport, open_transport
from legato.providers.transport.base import TransportError
from legato.telemetry.metrics import Meters

ENTRY_POINT_GROUP: Final = "legato.lookups"
_THREADS: Final = 4
"""Of one worker and look-up of a package."""
_ANSWER_BYTES_MAX: Final = 65_536
_HEADERS: Final = b"content-type: application/json\r\n"
_OK, _UNKNOWN = 200, 404
Problem = tuple[str, str, str]
"""Field, message and remedy."""


class LookupKind(Protocol):
    """What an entry point of `legato.lookups` gives."""

    def __call__(self, settings: Mapping[str, Any]) -> Callable[[str, str], Any]:
        """Make a look-up, which takes a key and an organisation, in a thread.

        It returns a text, an int or a bool, or None for an unknown key, and raises what it likes.
        Raises ConfigInvalid, with the setting and the remedy.
        """
        ...


class _Told(msgspec.Struct):
    value: str | int | bool | None


_decode = msgspec.json.Decoder(_Told).decode


@cache
def installed_lookups() -> MappingProxyType[str, EntryPoint]:
    """Return the kinds that packages register, by name; nothing is imported."""
    return MappingProxyType({one.name: one for one in entry_points(group=ENTRY_POINT_GROUP)})


class LookupOpening:
    """The look-ups of one worker, and what they run on."""

    def __init__(self, config: Config, meters: Meters) -> None:
        """Call it with the loop running that will use them. Raises ConfigInvalid."""
        self._config = config
        self._transports: list[Transport] = []
        self._threads: list[ThreadPoolExecutor] = []
        kept = {one.name: KeptLookup(one, self._asking(one), meters) for one in config.lookups}
        self.lookups = Lookups(kept) if kept else None
        """None where nothing can be looked up."""

    async def close(self) -> None:
        """End what runs for them."""
        if self.lookups is not None:
            await self.lookups.end()
        for transport in self._transports:
            await transport.close()
        for threads in self._threads:
            threads.shutdown(wait=False, cancel_futures=True)

    def _asking(self, one: Lookup) -> Asking:
        if one.url is not None:
            parts = urlsplit(one.url)
            transport = open_transport(
                "http1", f"{parts.scheme}://{parts.netloc}", egress=egress_of(self._config)
            )
            self._transports.append(transport)
            return _over_http(transport, one.url)
        made = made_by(one)
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"lookup-{one.name}")
        self._threads.append(threads)

        async def ask(key: str, org: str) -> Any:
            return await asyncio.get_running_loop().run_in_executor(threads, made, key, org)

        return ask


def made_by(one: Lookup) -> Callable[[str, str], Any]:
    """Make a look-up of a package. Raises ConfigInvalid."""
    point = installed_lookups().get(one.kind or "")
    if point is None:
        listed = ", ".join(sorted(installed_lookups())) or "none"
        raise ConfigInvalid(f"no kind of look-up `{one.kind}`; installed: {listed}")
    try:
        kind: LookupKind = point.load()
    except ImportError as error:
        raise ConfigInvalid(f"the look-up `{one.kind}` needs {error.name}") from None
    return kind(one.settings)


def problems_of_lookups(config: Config) -> Iterator[tuple[int, Problem]]:
    """Yield what is wrong with `lookups`, each by its index."""
    names: set[str] = set()
    for index, one in enumerate(config.lookups):
        if one.name in names:
            yield index, ("name", f"`{one.name}` is taken", "Give each its own name.")
        names.add(one.name)
        if (one.url is None) == (one.kind is None):
            yield index, ("url", "exactly one of `url` and `kind` is needed", "Name one.")
        elif one.url is not None:
            if problem := address_problem(one.url, config):
                yield index, ("url", problem, "Write where it is called: https://host/path.")
            if one.settings:
                yield index, ("settings", "are for a `kind`", "Leave them out.")
        else:
            try:
                made_by(one)
            except ConfigInvalid as error:
                yield index, ("kind", error.message, "Install the package, or mend its settings.")


def _over_http(transport: Transport, url: str) -> Asking:
    parts = urlsplit(url)
    path = ((parts.path or "/") + (f"?{parts.query}" if parts.query else "")).encode()

    async def ask(key: str, org: str) -> Any:
        body = msgspec.json.encode({"key": key, "org": org})
        try:
            response = await transport.send(path, _HEADERS, body)
            if response.status != _OK:
                response.close()
                if response.status == _UNKNOWN:
                    return None
                raise LookupFailed(f"status {response.status}")
            return _decode(await response.read(_ANSWER_BYTES_MAX)).value
        except TransportError as error:
            raise LookupFailed(type(error).__name__) from None

    return ask
