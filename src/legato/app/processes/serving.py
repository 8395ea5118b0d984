"""What a worker serves on which listener, and the certificates it shows there."""

import asyncio
import logging
import os
import socket
from typing import Final

import msgspec

from legato.api.http1.assurances import assurances
from legato.api.http1.connection import Listener
from legato.api.http1.limits import ConnectionLimits
from legato.api.parts import Serve, calls_only, control_only, metrics_only
from legato.app.certificates import Certificates
from legato.app.listeners import Handed, Part
from legato.core.errors import OperatorError
from legato.core.tasks import InThread

log = logging.getLogger(__name__)

_BACKLOG: Final = 4096
_LOOK_S: Final = 2.0
_HANDSHAKE_S: Final = 10.0
_GOODBYE_S: Final = 5.0


class _Open(msgspec.Struct):
    handed: Handed
    listener: Listener
    certificates: Certificates | None
    server: asyncio.AbstractServer | None = None


class Serving:
    """A worker's listeners."""

    def __init__(self, handed: tuple[Handed, ...], serve: Serve, limits: ConnectionLimits) -> None:
        self._all = [
            _Open(
                one,
                Listener(_part(one, serve), _assuring(limits, by_tls=one.tls is not None)),
                None if one.tls is None else Certificates(one.tls),
            )
            for one in handed
        ]

    async def begin(self, in_thread: InThread) -> None:
        """Accept connections. Raises OperatorError where a certificate can't be used."""
        for one in self._all:
            await self._accept(one, in_thread)

    async def follow_certificates(self, in_thread: InThread) -> None:
        """Show new certificates to who comes after they were stored; look for ever."""
        while any(one.certificates is not None for one in self._all):
            await asyncio.sleep(_LOOK_S)
            for one in self._all:
                if one.certificates is None or not await in_thread(one.certificates.changed):
                    continue
                try:
                    await self._accept(one, in_thread)
                except OperatorError as error:  # half written, or wrong: the last ones stay
                    log.warning("certificates can't be used", extra={"reason": error.message})
                else:
                    log.info("new certificates are used", extra={"part": one.handed.part.value})

    def close(self) -> None:
        """Accept no more connections."""
        for one in self._all:
            if one.server is not None:
                one.server.close()

    async def drain(self, within_s: float) -> None:
        """Let open requests end within a time, then end the rest."""
        await asyncio.gather(*(one.listener.drain(within_s) for one in self._all))

    async def _accept(self, one: _Open, in_thread: InThread) -> None:
        """Accept by the certificates as they are; connections that are open go on as they began."""
        tls = None if one.certificates is None else await in_thread(one.certificates.context)
        accepting = socket.socket(fileno=os.dup(one.handed.fd))
        loop, last = asyncio.get_running_loop(), one.server
        one.server = await loop.create_server(
            one.listener,
            sock=accepting,
            backlog=_BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=_HANDSHAKE_S if tls else None,
            ssl_shutdown_timeout=_GOODBYE_S if tls else None,
        )
        if last is not None:
            last.close()


def _assuring(limits: ConnectionLimits, *, by_tls: bool) -> ConnectionLimits:
    return msgspec.structs.replace(limits, assured=assurances(by_tls=by_tls))


def _part(handed: Handed, serve: Serve) -> Serve:
    if handed.part is Part.ADMIN:
        return control_only(serve)
    if handed.part is Part.METRICS:
        return metrics_only(serve)
    if handed.part is Part.CALLS:
        return calls_only(
            serve,
            control=Part.ADMIN not in handed.apart,
            metrics=Part.METRICS not in handed.apart,
        )
    return serve
