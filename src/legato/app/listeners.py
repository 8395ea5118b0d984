"""The sockets that workers serve on: opened once by the supervisor, who reads nothing of them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import msgspec

from legato.app.certificates import Certificates
from legato.core.config_server import ListenerApart, Server, Tls
from legato.core.errors import OperatorError

_BACKLOG = 4096
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


class Part(StrEnum):
    """What a listener serves."""

    ALL = "all"
    CALLS = "calls"  # what applications ask for, and what isn't served elsewhere
    ADMIN = "admin"
    METRICS = "metrics"
    INSIDE = "inside"  # all, for this machine's own processes and commands


class Handed(msgspec.Struct, frozen=True):
    """A listening socket as a worker inherits it."""

    part: Part
    fd: int
    tls: Tls | None
    apart: frozenset[Part] = frozenset()
    """What has a listener of its own, and isn't served here."""


class _Opened(msgspec.Struct, frozen=True):
    part: Part
    listener: socket.socket
    tls: Tls | None

    def url(self, *, reached: bool = False) -> str:
        """Return where it listens; with `reached`, as this machine gets there."""
        host, port = self.listener.getsockname()[:2]
        host = _ANY.get(host, host) if reached else host
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{shown}:{port}"


class Listeners:
    """All of an instance's."""

    def __init__(self, opened: list[_Opened]) -> None:
        self._opened = {one.part: one for one in opened}
        self._first = opened[0]

    @property
    def url(self) -> str:
        """Where applications call."""
        return self._first.url()

    @property
    def urls(self) -> dict[str, str]:
        """Where each listens, by its part."""
        return {part.value: one.url() for part, one in self._opened.items()}

    @property
    def inside_url(self) -> str:
        """Where this machine's own processes and commands call: everything, without TLS."""
        return self._opened.get(Part.INSIDE, self._first).url(reached=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that applications call."""
        host, port = self._first.listener.getsockname()[:2]
        return host, port

    @property
    def handed(self) -> tuple[Handed, ...]:
        """What each worker serves on."""
        apart = frozenset(self._opened) & {Part.ADMIN, Part.METRICS}
        return tuple(
            Handed(one.part, one.listener.fileno(), one.tls, apart) for one in self._opened.values()
        )

    def close(self) -> None:
        """Keep none of them open in this process: who serves on them closes them by itself."""
        for one in self._opened.values():
            one.listener.close()


def shows_metrics_to_all(server: Server) -> bool:
    """Whether the metrics need no key: where only this machine gets at them."""
    return (server.metrics or server).host in _LOOPBACK


@contextmanager
def open_listeners(server: Server) -> Iterator[Listeners]:
    """Listen within the block.

    Where callers need TLS, or the control API is elsewhere, one more listens on loopback: for
    batches and commands, which have no certificate.

    Raises:
        OperatorError: an address can't be had, or a certificate can't be used.
    """
    opened: list[_Opened] = []
    asked_for = {Part.ADMIN: server.admin, Part.METRICS: server.metrics}
    apart = {part: asked for part, asked in asked_for.items() if asked is not None}
    try:
        part = Part.CALLS if apart else Part.ALL
        for tls in filter(None, (server.tls, *(one.tls for one in apart.values()))):
            Certificates(tls).context()  # before anything is started
        opened.append(
            _open(part, ListenerApart(host=server.host, port=server.port, tls=server.tls))
        )
        opened += [_open(name, asked) for name, asked in apart.items()]
        if server.tls is not None or server.admin is not None:
            opened.append(_open(Part.INSIDE, ListenerApart(port=0)))
        yield Listeners(opened)
    finally:
        for one in opened:
            one.listener.close()


def _open(part: Part, asked: ListenerApart) -> _Opened:
    family = socket.AF_INET6 if ":" in asked.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((asked.host, asked.port))
    except OSError as error:
        listener.close()
        instead = "Choose another with --port, or 0 for any free one."
        if part in {Part.ADMIN, Part.METRICS}:
            instead = f"Choose another as server.{part.value}.port."
        msg = f"Can't listen on {asked.host}:{asked.port}: {error.strerror}. {instead}"
        raise OperatorError(msg) from None
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return _Opened(part, listener, asked.tls)
