"""Choice of transport by the word in the configuration."""

from pathlib import Path
from typing import Literal

from legato.core.egress import PERMISSIVE, Egress
from legato.providers.transport.base import Limits, Timeouts, Transport
from legato.providers.transport.http1 import Http1Transport

TransportKind = Literal["http1", "aiohttp"]


def open_transport(
    kind: TransportKind,
    base_url: str,
    *,
    timeouts: Timeouts | None = None,
    limits: Limits | None = None,
    ca_file: Path | None = None,
    proxy_url: str | None = None,
    egress: Egress = PERMISSIVE,
) -> Transport:
    """Return a transport for one base URL; call it inside the loop that will use it.

    `proxy_url` (`http://[user:password@]host:port`) is never taken from the environment. Raises
    `ValueError` for an address or a proxy that can't be used.
    """
    if kind == "http1":
        return Http1Transport(
            base_url,
            timeouts=timeouts,
            limits=limits,
            ca_file=ca_file,
            egress=egress,
            proxy_url=proxy_url,
        )
    if kind == "aiohttp":
        # aiohttp takes 0.1 s to import: only those who choose it pay.
        from legato.providers.transport.aiohttp_client import AiohttpTransport  # noqa: PLC0415

        return AiohttpTransport(
            base_url,
            timeouts=timeouts,
            limits=limits,
            ca_file=ca_file,
            proxy_url=proxy_url,
            egress=egress,
        )
    raise ValueError(f"unknown transport {kind!r}: choose http1 or aiohttp")
