"""Connections to destinations, each address judged by the rules on egress when it is opened."""

import contextlib
import http.client
import socket
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from legato.core.egress import Egress
from legato.offsite.destination import CopyFailed

TIMEOUT_S: Final = 15.0
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024


class Rules(msgspec.Struct, frozen=True):
    """Which addresses may be called, and whose certificates are believed."""

    egress: Egress
    ca_file: str | None = None

    def tls(self) -> ssl.SSLContext:
        """Return what TLS is opened with. Raises CopyFailed."""
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            file = Path(self.ca_file or "").name
            raise CopyFailed(f"the CA file {file} can't be read: {error.strerror}") from None


def addresses(host: str, port: int, rules: Rules, *, stream: bool = True) -> list[str]:
    """Return what a host may be called at. Raises CopyFailed."""
    if told := rules.egress.refusal_of_host(host):
        raise CopyFailed(told)
    kind = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
    try:
        found = socket.getaddrinfo(host, port, type=kind)
    except OSError as error:
        raise CopyFailed(f"{host} isn't known: {error.strerror}") from None
    listed = list(dict.fromkeys(str(one[4][0]) for one in found))
    for one in listed:
        if told := rules.egress.refusal(host, one):
            raise CopyFailed(told)
    return listed


def connect(host: str, port: int, rules: Rules, *, tls: bool) -> socket.socket:
    """Open a stream to the first address that answers. Raises CopyFailed."""
    last = "it has no address"
    for address in addresses(host, port, rules):
        try:
            opened = socket.create_connection((address, port), TIMEOUT_S)
        except OSError as error:
            last = error.strerror or type(error).__name__
            continue
        if not tls:
            return opened
        try:
            return rules.tls().wrap_socket(opened, server_hostname=host)
        except (OSError, ValueError) as error:
            opened.close()
            raise CopyFailed(f"no TLS with {host}: {_reason(error)}") from None
    raise CopyFailed(f"{host}:{port} can't be reached: {last}")


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer; its body is cut at a limit."""

    status: int
    body: bytes


class HttpClient:
    """Asks one host, a connection for each request; follows no redirect."""

    def __init__(self, url: str, rules: Rules) -> None:
        """`url` as far as scheme, host and port go."""
        parts = urlsplit(url)
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._rules = rules
        self.host = parts.netloc.rpartition("@")[2]
        """As the header `host` has it."""

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """Send one request. Raises CopyFailed."""
        with contextlib.closing(_Connection(self._host, self._port, timeout=TIMEOUT_S)) as line:
            line.sock = connect(self._host, self._port, self._rules, tls=self._tls)
            try:
                line.request(method, target, body, {"host": self.host, **headers})
                answer = line.getresponse()
                return Answer(answer.status, answer.read(ANSWER_BYTES_MAX))
            except (OSError, http.client.HTTPException) as error:
                raise CopyFailed(f"{self._host} doesn't answer: {_reason(error)}") from None


class _Connection(http.client.HTTPConnection):
    """Over a socket that is open already."""

    def connect(self) -> None:
        """Do nothing: a second connection would go to an address that nobody judged."""
        if self.sock is None:
            msg = "the connection is closed"
            raise OSError(msg)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or getattr(error, "reason", "") or type(error).__name__
