"""Who is told: the channels of every route that fits."""

from collections.abc import Sequence
from typing import Final

from legato.core.config_notifications import NotificationRoute
from legato.core.notification import KINDS, RANK, Notification

_BELOW: Final = ".*"
_UNROUTED: Final = frozenset({"test", "digest.weekly", "report.made"})
"""These say themselves where they go."""


def channels_for(
    routes: Sequence[NotificationRoute], notification: Notification
) -> tuple[str, ...]:
    """Return the channels it goes by, each once, in the order of the routes."""
    found = list(notification.channels)
    if notification.kind not in _UNROUTED:
        for route in routes:
            if fits(route, notification):
                found += route.channels
    return tuple(dict.fromkeys(found))


def fits(route: NotificationRoute, notification: Notification) -> bool:
    """Whether all that a route says holds."""
    place = (notification.org, notification.team, notification.feature)
    wanted = (route.org, route.team, route.feature)
    return (
        RANK[notification.severity] >= RANK[route.severity]
        and (not route.events or any(names(event, notification.kind) for event in route.events))
        and all(one is None or one == is_ for one, is_ in zip(wanted, place, strict=True))
    )


def names(event: str, kind: str) -> bool:
    """Whether `event` of a route names a kind."""
    if event.endswith(_BELOW):
        return kind.startswith(event[:-1])
    return event == kind


def known(event: str) -> bool:
    """Whether `event` of a route names any kind there is."""
    return any(names(event, kind) for kind in KINDS)
