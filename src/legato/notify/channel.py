"""What a channel is, and what it is given."""

from typing import Protocol

from legato.core.notification import Notification


class SendFailed(Exception):
    """A channel couldn't take a notification; it is tried again unless that is `hopeless`.

    Its text names no secret.
    """

    def __init__(self, told: str, *, hopeless: bool = False) -> None:
        super().__init__(told)
        self.hopeless = hopeless


class Channel(Protocol):
    """A way to people; blocking."""

    def send(self, notification: Notification) -> None:
        """Send one. Raises SendFailed."""
        ...
