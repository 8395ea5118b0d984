"""What listens for events at a broker: one thread each, one trigger each, one message at a time.

A listener hands over a message and acknowledges it only once that returns: then the run is there,
or the message is buried. Where handing over fails it raises, the connection is given up, and what
wasn't acknowledged comes again. That makes at-least-once of every broker here that can do so.
"""

from collections.abc import Callable, Mapping
from threading import Event as Flag
from typing import Final, Protocol

import msgspec

from legato.core.errors import LegatoError

POLL_S: Final = 0.5
"""How long a listener waits for a message before it looks whether it is to stop."""
CONNECT_S: Final = 10.0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a broker. `id` is the broker's own; "" where it has none."""

    headers: Mapping[str, str]
    body: bytes
    id: str
    repeated: bool | None = None
    """Whether the broker says that it sent this one before, where it uses ids again; else None."""


class ListenerFailed(LegatoError):
    """The broker is away, or hasn't what is asked of it. Names no address and no secret."""

    code = "listener_failed"
    retryable = True


Hear = Callable[[Message], None]
"""Takes a message. Raises StorageUnavailable or RateLimited where it must come again."""


class Listener(Protocol):
    """A kind of broker."""

    def listen(self, hear: Hear, ready: Callable[[], None], stop: Flag) -> None:
        """Hand over messages until told to stop; `ready` is called once it is connected.

        Raises:
            ListenerFailed: the broker is away; whoever runs it tries again.
        """
        ...


def text_of(value: object) -> str:
    """Return a header's value as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
