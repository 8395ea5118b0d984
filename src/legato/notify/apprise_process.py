"""A process that sends one notification: `python -m legato.notify.apprise_process`.

apprise's plug-ins are other people's code, and many: so they run apart, where every connection
that Python opens is judged by the rules on egress (an audit hook, PEP 578, sees the address itself,
whatever name or redirect led there), redirects aren't followed, and no program is started. What
can't be held: a native library that opens connections by itself. The URL comes by standard input,
so it is in no list of processes, and what apprise says of a failure is cleared of it.
"""

import contextlib
import logging
import os
import re
import signal
import socket
import sys
from typing import Any, Final, NoReturn
from urllib.parse import unquote

import msgspec

from legato.core.egress import Egress

MISSING: Final = "apprise isn't installed: pip install 'legato[notify]'"
_TOLD_CHARACTERS: Final = 300
_PIECE_CHARACTERS: Final = 4
_FORBIDDEN: Final = frozenset(
    {
        "ctypes.dlopen",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
        "syslog.openlog",
        "syslog.syslog",
    }
)
_CONNECTS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent, where, and which addresses may be called."""

    url: str
    title: str
    text: str
    html: str
    severity: str
    private: bool
    hosts: list[str]
    networks: list[str]
    ca_file: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What came of it; `told` says why it failed. `hopeless`: it will never be otherwise."""

    sent: bool
    told: str = ""
    hopeless: bool = False


class EgressRefused(OSError):
    """An address may not be called."""


class Hook:
    """Judges what plug-ins are about to do."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._resolving = False
        self.refused = ""

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise where it may not be done."""
        if event in _FORBIDDEN:
            self._refuse(f"it wants to do {event}, which no channel may")
        if event in _CONNECTS and not self._resolving:
            self._judge(arguments[0], arguments[-1])

    def _judge(self, opened: socket.socket, address: Any) -> None:
        if opened.family == socket.AF_UNIX:
            self._refuse("it wants to talk to a program of this machine, which no channel may")
        if not isinstance(address, tuple) or not address:
            return  # sent over what was connected, and judged, before
        host = str(address[0])
        named = self._named_as(host)
        if told := self._egress.refusal(named, host):
            self._refuse(told)

    def _named_as(self, address: str) -> str:
        """Return the excepted host that has this address, else the address."""
        self._resolving = True
        try:
            for host in self._egress.hosts:
                with contextlib.suppress(OSError):
                    found = socket.getaddrinfo(host, None)
                    if any(one[4][0] == address for one in found):
                        return host
        finally:
            self._resolving = False
        return address

    def _refuse(self, told: str) -> NoReturn:
        self.refused = self.refused or told
        raise EgressRefused(told)


def main() -> None:
    """Send what standard input says, and tell on standard output what came of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: its parent ends it
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # whatever a plug-in prints may hold its secret
        os.dup2(nowhere, stream)
    answers.write(msgspec.json.encode(send(order)))


def send(order: Order) -> Outcome:
    """Send one. From then on the process is held to its egress."""
    try:
        import apprise  # noqa: PLC0415 - an extra, loaded in this process alone
        import requests  # noqa: PLC0415
    except ImportError:
        return Outcome(False, MISSING, hopeless=True)
    heard: list[str] = []
    logger = logging.getLogger("apprise")
    logger.addHandler(_Keeping(heard))
    logger.propagate = False
    asset = apprise.AppriseAsset(
        app_id="Legato",
        app_desc="Legato",
        app_url="",
        async_mode=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    service = apprise.Apprise.instantiate(order.url, asset=asset, suppress_exceptions=True)
    if service is None:
        return Outcome(False, "its URL is none that apprise knows", hopeless=True)
    _stay(requests)
    hook = Hook(Egress.of([*order.hosts, *order.networks], private=order.private))
    sys.addaudithook(hook)
    if order.ca_file:
        os.environ["REQUESTS_CA_BUNDLE"] = order.ca_file  # noqa: TID251 - of this process alone
    return _told(service, order, hook, heard)


def _told(service: Any, order: Order, hook: Hook, heard: list[str]) -> Outcome:
    html = bool(order.html) and service.resolve_format("html").value == "html"
    try:
        sent = service.notify(
            body=order.html if html else order.text,
            title=order.title,
            body_format="html" if html else "text",
            notify_type={"info": "info", "warning": "warning"}.get(order.severity, "failure"),
        )
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
        return Outcome(False, hook.refused or f"the service failed: {type(error).__name__}")
    if sent:
        return Outcome(True)
    told = heard[-1] if heard else "the service didn't take it"
    return Outcome(False, (hook.refused or cleared(told, order.url))[:_TOLD_CHARACTERS])


def cleared(told: str, url: str) -> str:
    """Return a text without anything that stands in a URL."""
    pieces = re.split(r"[/:@?&=#,]+", url) + re.split(r"[/:@?&=#,]+", unquote(url))
    for piece in sorted(set(pieces), key=len, reverse=True):
        if len(piece) >= _PIECE_CHARACTERS:
            told = told.replace(piece, "***")
    return told


def _stay(requests: Any) -> None:
    """Follow no redirect: it would carry what is sent to where nobody said; and use no proxy."""
    requests.sessions.Session.get_redirect_target = lambda _self, _response: None
    requests.sessions.Session.trust_env = False


class _Keeping(logging.Handler):
    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._into = into

    def emit(self, record: logging.LogRecord) -> None:
        self._into.append(record.getMessage())


if __name__ == "__main__":
    main()
