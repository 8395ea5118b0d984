"""Sends what is due: one process for each database, at least once, again with a growing wait."""

import logging
import random
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import msgspec

from legato.core.clock import Clock
from legato.core.errors import NotFound, StorageUnavailable
from legato.core.notification import Notification
from legato.notify.channel import Channel, SendFailed
from legato.storage.notifications.outbox import Due

log = logging.getLogger(__name__)

CLAIM_NS: Final = 45_000_000_000
"""Longer than any one sending takes: it is prolonged before each."""
_RETRY_MAX_S: Final = 3_600.0
_DUE_MAX: Final = 50
_NS_PER_S: Final = 1_000_000_000
_TOKEN: Final = re.compile(r"lgl-[A-Za-z0-9_-]+")
"""Of links to tasks."""


Attached = Callable[[Notification, str], Notification]


class Box(Protocol):
    """The outbox; may raise StorageUnavailable."""

    def due(self, now_ns: int, count: int, without: "frozenset[str]") -> list[Due]:
        """Return deliveries whose time has come."""
        ...

    def sent(self, notification_id: str, channel: str, now_ns: int) -> None:
        """Record that one was sent."""
        ...

    def failed(self, notification_id: str, channel: str, told: str, next_ns: int | None) -> None:
        """Record that one wasn't; None: it is given up."""
        ...


class Claim(Protocol):
    """The right to send; may raise StorageUnavailable."""

    def take(self, lasts_ns: int) -> bool:
        """Take or prolong it."""
        ...


class Patience(msgspec.Struct, frozen=True):
    """How often and how long it is tried."""

    attempts_max: int
    retry_s: float

    def wait_s(self, attempts: int) -> float:
        """Return the wait after so many failures, with up to a fifth more by chance."""
        wait = min(self.retry_s * 2.0 ** min(attempts - 1, 30), _RETRY_MAX_S)
        return wait * (1 + random.random() / 5)  # noqa: S311 - no secret


class Sender:
    """Run by one thread. `count` is told channel and result: sent, failed or dead."""

    def __init__(
        self,
        box: Box,
        claim: Claim,
        channels: Mapping[str, Channel],
        *,
        patience: Patience,
        count: Callable[[str, str], None],
        clock: Clock,
        attached: Attached = lambda said, _channel: said,
    ) -> None:
        """`attached` adds what goes with a notification by a channel and isn't kept with it."""
        self._box = box
        self._claim = claim
        self._channels = channels
        self._patience = patience
        self._count = count
        self._clock = clock
        self._attached = attached
        self._closed_ns: dict[str, int] = {}

    def send_due(self, stopped: Callable[[], bool]) -> int:
        """Send what is due; return how many were tried. Raises StorageUnavailable."""
        now_ns = self._clock.now_ns()
        closed = frozenset(name for name, until in self._closed_ns.items() if until > now_ns)
        tried = 0
        for due in self._box.due(now_ns, _DUE_MAX, closed):
            if stopped() or not self._claim.take(CLAIM_NS):
                break
            if self._closed_ns.get(due.channel, 0) <= self._clock.now_ns():
                self._try(due)
                tried += 1
        return tried

    def _try(self, due: Due) -> None:
        said = due.notification
        try:
            self._channel(due.channel).send(self._attached(said, due.channel))
        except SendFailed as failure:
            told = _TOKEN.sub("lgl-…", str(failure))  # a server may say again what it was sent
            self._failed(due, told, hopeless=failure.hopeless)
        except StorageUnavailable:  # of what is attached: nothing was sent, and all of it waits
            raise
        except NotFound as error:
            self._failed(due, error.message, hopeless=True)
        except Exception as error:  # a channel may be anybody's code
            log.exception("a channel failed", extra={"channel": due.channel})
            self._failed(due, f"the channel failed: {type(error).__name__}", hopeless=False)
        else:
            self._box.sent(said.id, due.channel, self._clock.now_ns())
            self._count(due.channel, "sent")
            self._closed_ns.pop(due.channel, None)

    def _channel(self, name: str) -> Channel:
        channel = self._channels.get(name)
        if channel is None:
            raise SendFailed(f"the configuration has no channel {name}", hopeless=True)
        return channel

    def _failed(self, due: Due, told: str, *, hopeless: bool) -> None:
        now_ns, attempts = self._clock.now_ns(), due.attempts + 1
        wait_ns = int(self._patience.wait_s(attempts) * _NS_PER_S)
        dead = hopeless or attempts >= self._patience.attempts_max
        next_ns = None if dead else now_ns + wait_ns
        self._box.failed(due.notification.id, due.channel, told, next_ns)
        self._count(due.channel, "dead" if dead else "failed")
        if not hopeless:  # the others of this channel wait a little, too: they would fail as well
            self._closed_ns[due.channel] = now_ns + int(self._patience.retry_s * _NS_PER_S)
        extra = {"channel": due.channel, "notification": due.notification.id, "reason": told}
        if dead:
            log.error("ALARM: a notification couldn't be sent", extra=extra)
        else:
            log.warning("a notification couldn't be sent, it is tried again", extra=extra)


def try_channel(channel: Channel, notification: Notification) -> str:
    """Send one now, whoever else sends; return why it failed, "" where it didn't."""
    try:
        channel.send(notification)
    except SendFailed as failure:
        return str(failure)
    return ""
