"""Channels as the configuration has them."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from legato.app.checks.egress import egress_of
from legato.app.config.loaded import LoadedConfig
from legato.app.desks.audit_destinations import bucket_of
from legato.core.clock import SystemClock
from legato.core.config_notifications import Channel as SaidChannel
from legato.core.config_notifications import EmailChannel, WebhookChannel
from legato.core.errors import OperatorError
from legato.core.ids import IdSource
from legato.core.principal import Window
from legato.notify.apprise_channel import AppriseChannel
from legato.notify.channel import Channel, SendFailed
from legato.notify.email import Account, Email
from legato.notify.folder import Folder
from legato.notify.telling import Words
from legato.notify.webhook import Post, Webhook
from legato.offsite.connections import HttpClient, Rules, connect
from legato.offsite.destination import CopyFailed
from legato.offsite.files import FileObjects
from legato.offsite.object_store import BucketObjects
from legato.storage.database.windows import FOREVER_NS, span_around

Found = TypeVar("Found", socket.socket, ssl.SSLContext)
_CALENDAR = frozenset(Window)


def channels_of(loaded: LoadedConfig) -> dict[str, Channel]:
    """Return every channel by its name; nothing is connected to yet. Raises OperatorError."""
    return {one.name: channel_of(one, loaded) for one in loaded.config.notifications.channels}


def channel_of(said: SaidChannel, loaded: LoadedConfig) -> Channel:
    """Return what a setting means. Raises OperatorError."""
    egress = egress_of(loaded.config)
    if said.webhook is not None:
        secret = loaded.secret(said.webhook.secret) or ""
        post = _post(said.webhook, Rules(egress, said.webhook.ca_file))
        try:
            return Webhook(post, secret, SystemClock.now_ns)
        except ValueError as error:
            raise OperatorError(f"notifications.channels `{said.name}`: {error}") from None
    if said.email is not None:
        return _email(said.email, loaded, Rules(egress, said.email.ca_file))
    if said.folder is not None:
        return Folder(_Kept(FileObjects(Path(said.folder.path))))
    if said.s3 is not None:
        return Folder(_Kept(bucket_of(said.s3, loaded)))
    assert said.apprise is not None  # noqa: S101 - the configuration was checked
    return AppriseChannel(loaded.secret(said.apprise.url) or "", egress, said.apprise.ca_file)


class _Kept:
    """Files of notifications, in a folder or a bucket."""

    def __init__(self, objects: FileObjects | BucketObjects) -> None:
        self._objects = objects

    def write(self, name: str, data: bytes) -> None:
        """Write one. Raises SendFailed."""
        try:
            self._objects.write(name, data)
        except CopyFailed as failure:
            raise SendFailed(str(failure)) from None


def words() -> Words:
    """Return what puts findings into words."""
    return Words(IdSource(SystemClock()).new, window_end)


def window_end(span: str, at_ns: int) -> int | None:
    """Return when a window of a span around a time ends, None where it never does."""
    if span not in _CALENDAR and not span.isdigit():
        return None
    end_ns = span_around(span, at_ns).end_ns
    return None if end_ns == FOREVER_NS else end_ns


def _post(said: WebhookChannel, rules: Rules) -> Post:
    parts = urlsplit(said.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    client = HttpClient(said.url, rules)

    def post(headers: dict[str, str], body: bytes) -> int:
        try:
            return client.ask("POST", target, headers, body).status
        except CopyFailed as failure:
            raise SendFailed(str(failure)) from None

    return post


def _email(said: EmailChannel, loaded: LoadedConfig, rules: Rules) -> Email:
    account = Account(
        said.host,
        said.sender,
        said.to,
        starttls=said.tls == "starttls",
        user=said.user or "",
        password=loaded.secret(said.password) or "",
    )

    def opened() -> socket.socket:
        return connect(said.host, said.port, rules, tls=said.tls == "implicit")

    return Email(account, _failing(opened), _failing(rules.tls))


def _failing(work: Callable[[], Found]) -> Callable[[], Found]:
    def done() -> Found:
        try:
            return work()
        except CopyFailed as failure:
            raise SendFailed(str(failure)) from None

    return done
