"""Notifications as the control API works with them."""

from datetime import date

from legato.api.control.notification_services import NotificationServices
from legato.app.config.loaded import LoadedConfig
from legato.app.desks.digests import digest_for, digests_of, week_of
from legato.app.desks.notifying import words
from legato.core.clock import Clock
from legato.core.errors import NotFound
from legato.core.notification import Notification
from legato.core.tenant import EVERY_TENANT
from legato.notify.digest import Report
from legato.storage.database.engine import open_engine
from legato.storage.notifications.outbox import Addressed, Outbox, Sealing


def notification_services(
    database_url: str, loaded: LoadedConfig, clock: Clock, sealing: Sealing
) -> NotificationServices:
    """Open the outbox of one database; nothing is connected to yet."""
    engine = open_engine(database_url)
    names = tuple(one.name for one in loaded.config.notifications.channels)

    def test(channel: str) -> Notification:
        if channel not in names:
            raise NotFound(f"there is no channel {channel!r}", param="channel")
        said = words().of_test(channel, clock.now_ns())
        Outbox(engine, EVERY_TENANT).add([Addressed(said, said.channels)])
        return said

    def digest(org: str, team: str, day: date | None) -> tuple[Report, Notification]:
        said = digest_for(loaded.config.notifications, org, team)
        return week_of(digests_of(engine, clock), said, (org, team), day)

    return NotificationServices(lambda reach: Outbox(engine, reach, sealing), names, test, digest)
