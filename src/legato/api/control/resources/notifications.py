"""Notifications: what people were told, by which channels, and how each delivery stands."""

from typing import Annotated, Any

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment, optional_moment
from legato.api.control.masking import MASKED
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.core.config_budgets import EVERY_ORG
from legato.core.notification import SEALED_KINDS, State
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.storage.notifications.outbox import Kept

Kind = Annotated[str, Parameter(max_length=64, description="Of this kind, as budget.blocked.")]
Stands = Annotated[
    State | None, Parameter(required=False, description="With a delivery that stands so.")
]


class Delivery(Shown, frozen=True, kw_only=True):
    """How it stands by one channel: waiting, sent or dead."""

    channel: str
    state: str
    attempts: int
    next_at: str | None
    sent_at: str | None
    told: str


class Notification(Shown, frozen=True, kw_only=True):
    """One thing that was told. Amounts in `facts` are nano-USD."""

    id: str
    kind: str
    severity: str
    at: str
    org: str
    team: str
    feature: str
    title: str
    text: str
    facts: dict[str, Any]
    deliveries: list[Delivery]


class NotificationPage(Shown, frozen=True, kw_only=True):
    """A page of notifications."""

    data: list[Notification]
    next_cursor: str | None


class ChannelList(Shown, frozen=True, kw_only=True):
    """The channels of the configuration."""

    data: list[str]


class Trial(Form, frozen=True, kw_only=True):
    """Which channel is tried."""

    channel: Annotated[str, Meta(min_length=1, max_length=128)]


class Again(Form, frozen=True, kw_only=True):
    """By which channel it is sent again, all that failed where none is named."""

    channel: Annotated[str, Meta(max_length=128)] = ""


@read("/notifications", Permission.NOTIFICATION_READ, tags=["notifications"])
def list_notifications(
    services: Given[Services],
    caller: Given[Caller],
    *,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
    kind: Kind = "",
    delivery: Stands = None,
) -> NotificationPage:
    """List notifications within reach, newest first."""
    outbox = services.notifications.outbox(caller.reach)
    state = "" if delivery is None else delivery.value
    rows, following = paged(
        services.cursors,
        f"notifications {kind} {state}",
        (cursor, limit),
        lambda count, before: outbox.page(count, before or "", kind=kind, state=state),
        name=lambda kept: kept.notification.id,
    )
    return NotificationPage(data=[_shown(one, caller) for one in rows], next_cursor=following)


@read("/notifications/{notification_id:str}", Permission.NOTIFICATION_READ, tags=["notifications"])
def get_notification(
    services: Given[Services], caller: Given[Caller], notification_id: Id
) -> Notification:
    """Show a notification."""
    outbox = services.notifications.outbox(caller.reach)
    return _shown(outbox.get(known_id(notification_id)), caller)


@make(
    "/notifications/{notification_id:str}/retry",
    Permission.NOTIFICATION_UPDATE,
    tags=["notifications"],
    status_code=200,
)
def retry_notification(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    notification_id: Id,
    data: JSONBody[Again],
) -> Response[Notification]:
    """Have it sent again by the channels that failed."""

    def work() -> Made:
        outbox = services.notifications.outbox(caller.reach)
        kept = outbox.retry(known_id(notification_id), data.channel, services.now_ns())
        return Made(_shown(kept, caller), status=200)

    return once(data, work)


@read("/notification-channels", Permission.NOTIFICATION_TEST, tags=["notifications"])
def list_channels(services: Given[Services], caller: Given[Caller]) -> ChannelList:
    """List the channels of the configuration by their names."""
    del caller
    return ChannelList(data=list(services.notifications.channels))


@make("/notification-tests", Permission.NOTIFICATION_TEST, tags=["notifications"])
def test_channel(
    services: Given[Services], caller: Given[Caller], once: Given[Once], data: JSONBody[Trial]
) -> Response[Notification]:
    """Have a test sent by a channel."""

    def work() -> Made:
        said = services.notifications.test(data.channel)
        kept = services.notifications.outbox(caller.reach).get(said.id)
        return Made(_shown(kept, caller), {"location": f"/api/v1/notifications/{said.id}"})

    return once(data, work)


HANDLERS = (
    list_notifications,
    get_notification,
    retry_notification,
    list_channels,
    test_channel,
)


def _shown(kept: Kept, caller: Caller) -> Notification:
    said = kept.notification
    seen = said.kind not in SEALED_KINDS or caller.sees_content(Tenant(said.org))
    return Notification(
        id=said.id,
        kind=said.kind,
        severity=said.severity.value,
        at=moment(said.at_ns),
        org=said.org or EVERY_ORG,
        team=said.team,
        feature=said.feature,
        title=said.title if seen else MASKED,
        text=said.text if seen else MASKED,
        facts=dict(said.facts),
        deliveries=[
            Delivery(
                channel=one.channel,
                state=one.state.value,
                attempts=one.attempts,
                next_at=moment(one.next_ns) if one.state is State.WAITING else None,
                sent_at=optional_moment(one.sent_at_ns),
                told=one.told,
            )
            for one in kept.deliveries
        ],
    )
