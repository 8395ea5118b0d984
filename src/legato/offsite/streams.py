"""Destinations that are only sent to: syslog (RFC 5424) and a webhook.

They tell nothing of what they have: our database remembers it. What failed half-way is sent again,
so a receiver may get an event twice; each names its index.
"""

import base64
import hmac
import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

import msgspec

from legato.audit.event import event_of
from legato.audit.tiles import TILE_WIDTH, Tile, bundled
from legato.offsite.connections import TIMEOUT_S, HttpClient, Rules, addresses, connect
from legato.offsite.destination import Copied, CopyFailed, Source, require_grown

_NOTICE: Final = 5
_WARNING: Final = 4
_NAME: Final = "legato"
_BOM: Final = b"\xef\xbb\xbf"
_PORTS: Final = {"udp": 514, "tcp": 601, "tls": 6514}


def new_events(source: Source, old: int, size: int) -> Iterator[list[bytes]]:
    """Yield the events from `old` up to `size`, some at a time."""
    for place in range(old // TILE_WIDTH, -(-size // TILE_WIDTH)):
        first = place * TILE_WIDTH
        leaves = bundled(source.events(Tile(0, place, min(TILE_WIDTH, size - first))))
        yield leaves[max(old - first, 0) :]


class Syslog:
    """A `Destination`: each event is a message, and the checkpoint one more."""

    def __init__(self, address: str, facility: int, rules: Rules) -> None:
        parts = urlsplit(address)
        self._way, self._host = parts.scheme, parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._facility = facility
        self._rules = rules

    def copy(self, source: Source, before: Copied, size: int) -> None:
        """Send what is new."""
        require_grown(source, before)
        if size == before.size:
            return
        sender = self._open()
        try:
            for leaves in new_events(source, before.size, size):
                for leaf in leaves:
                    self._send(sender, self._message(leaf))
            note = msgspec.json.encode({"checkpoint": source.checkpoint(size), "size": size})
            self._send(sender, self._line(_NOTICE, "audit.checkpoint", "-", note))
        except OSError as error:
            raise CopyFailed(f"{self._host} takes no messages: {error.strerror}") from None
        finally:
            sender.close()

    def _open(self) -> socket.socket:
        if self._way != "udp":
            return connect(self._host, self._port, self._rules, tls=self._way == "tls")
        address = addresses(self._host, self._port, self._rules, stream=False)[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sender = socket.socket(family, socket.SOCK_DGRAM)
        sender.settimeout(TIMEOUT_S)
        sender.connect((address, self._port))
        return sender

    def _message(self, leaf: bytes) -> bytes:
        event = event_of(leaf)
        severity = _WARNING if event.outcome == "refused" else _NOTICE
        at = datetime.fromtimestamp(event.at_ns // 1_000_000_000, UTC)
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{event.at_ns // 1000 % 1_000_000:06d}Z"
        return self._line(severity, event.action[:32], stamp, leaf)

    def _line(self, severity: int, kind: str, stamp: str, message: bytes) -> bytes:
        """Write a message: RFC 5424, section 6."""
        priority = self._facility * 8 + severity
        host = socket.gethostname() or "-"
        head = f"<{priority}>1 {stamp} {host} {_NAME} {os.getpid()} {kind} - "
        return head.encode("ascii", "replace") + _BOM + message

    def _send(self, sender: socket.socket, message: bytes) -> None:
        if self._way == "udp":
            sender.send(message)
        else:  # counted octets: RFC 6587, section 3.4.1, and RFC 5425
            sender.sendall(b"%d " % len(message) + message)


class Delivery(msgspec.Struct, frozen=True):
    """The body of a POST: some events, and behind the last of them the checkpoint."""

    log: str
    first: int
    events: list[str]
    size: int
    checkpoint: str | None


class Webhook:
    """A `Destination`: POSTs signed as https://www.standardwebhooks.com has them."""

    def __init__(
        self, url: str, secret: Callable[[], str], rules: Rules, now_ns: Callable[[], int]
    ) -> None:
        parts = urlsplit(url)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._client = HttpClient(url, rules)
        self._secret = secret
        self._now_ns = now_ns

    def copy(self, source: Source, before: Copied, size: int) -> None:
        """Send what is new."""
        require_grown(source, before)
        at = before.size
        if at == size:
            return
        for leaves in new_events(source, before.size, size):
            end = at + len(leaves)
            note = source.checkpoint(size) if end == size else None
            events = [leaf.decode() for leaf in leaves]
            self._post(Delivery(source.key.name, at, events, end, note))
            at = end

    def _post(self, delivery: Delivery) -> None:
        body = msgspec.json.encode(delivery)
        message = f"{delivery.log}/{delivery.first}-{delivery.size}"
        stamp = str(self._now_ns() // 1_000_000_000)
        signed = f"{message}.{stamp}.".encode() + body
        mac = hmac.new(self._secret().encode(), signed, sha256).digest()
        headers = {
            "content-type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
        }
        answer = self._client.ask("POST", self._target, headers, body)
        if answer.status // 100 != 2:  # noqa: PLR2004 - any success
            raise CopyFailed(f"the webhook answered {answer.status}")
