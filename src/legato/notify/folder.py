"""Folders and object stores as channels: each notification a file, with what goes with it."""

import re
from typing import Final, Protocol

import msgspec

from legato.core.notification import Notification
from legato.notify.webhook import payload_of

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Objects(Protocol):
    """Where files are kept. Raises SendFailed."""

    def write(self, name: str, data: bytes) -> None:
        """Write one, whole or not at all; the same again changes nothing."""
        ...


class Folder:
    """A `Channel`: names are of the notification's id, so that what is sent again is the same."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def send(self, notification: Notification) -> None:
        """Write what goes with it first: who finds the notification finds that, too."""
        place = f"{plain(notification.org) or 'instance'}/{notification.id}"
        if notification.attachment is not None:
            name = plain(notification.attachment.name)
            self._objects.write(f"{place}-{name}", notification.attachment.content)
        said = msgspec.json.format(msgspec.json.encode(payload_of(notification)), indent=2)
        self._objects.write(f"{place}.json", said + b"\n")


def plain(name: str) -> str:
    """Return a name that is one file's, wherever it is written."""
    return _UNSAFE.sub("_", name).strip(".")
