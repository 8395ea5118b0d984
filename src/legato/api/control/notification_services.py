"""What the control API works with for notifications."""

from collections.abc import Callable
from datetime import date

import msgspec

from legato.core.notification import Notification
from legato.core.tenant import Reach
from legato.notify.digest import Report
from legato.storage.notifications.outbox import Outbox


class NotificationServices(msgspec.Struct, frozen=True):
    """The outbox by whose rows it meets; the channels there are, and how one is tried."""

    outbox: Callable[[Reach], Outbox]
    channels: tuple[str, ...]
    test: Callable[[str], Notification]
    """Has a test sent by a channel. Raises NotFound."""
    digest: Callable[[str, str, date | None], tuple[Report, Notification]]
    """A team's week, the last or the one of a day, and what is sent of it. Raises NotFound."""
