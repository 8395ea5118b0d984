"""What each kind of trigger of a workflow asks for, under `settings`.

Addresses and secrets stand in the operator's configuration (`triggers.connections`,
`triggers.webhook_secrets`) and are named here: who writes a workflow reads none of them, and sends
nothing to addresses of their own choice.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest
from legato.flow.definition import Trigger
from legato.flow.schedule import read_schedule

Style = Literal["standard_webhooks", "github", "stripe", "slack"]
Name = Annotated[str, Meta(min_length=1, max_length=256)]
_BODY_BYTES_MAX: Final = 1024 * 1024


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all kinds have."""

    key: Name
    """The name of the key that its runs act for: whose budgets, limits and rights hold."""


class WebhookSettings(Settings, frozen=True, kw_only=True):
    """POSTs with a signature."""

    style: Style
    secret: Name
    """One of `triggers.webhook_secrets`."""
    type: Annotated[str, Meta(max_length=200)] = ""
    """Of the events it becomes; none: what the delivery says, else `webhook`."""
    body_bytes_max: Annotated[int, Meta(ge=1, le=_BODY_BYTES_MAX)] = 256 * 1024


class ScheduleSettings(Settings, frozen=True, kw_only=True):
    """Times."""

    cron: Annotated[str, Meta(max_length=200)]
    time_zone: Annotated[str, Meta(max_length=64)] = "UTC"
    overlap: Literal["skip", "queue", "cancel_running", "allow"] = "skip"
    """When a run of it is still under way: leave the time out, wait for its end, end it, or not."""
    catch_up: Literal["none", "last", "all"] = "last"
    """Which times that passed while nothing ran are made up for."""
    catch_up_max: Annotated[int, Meta(ge=1, le=10_000)] = 100


class BrokerSettings(Settings, frozen=True, kw_only=True):
    """What all brokers have."""

    connection: Name
    """One of `triggers.connections`."""


class RabbitMQSettings(BrokerSettings, frozen=True, kw_only=True):
    """A queue, which must be there."""

    queue: Name
    prefetch: Annotated[int, Meta(ge=1, le=1_000)] = 20


class NatsSettings(BrokerSettings, frozen=True, kw_only=True):
    """A durable consumer of a JetStream stream, which must be there."""

    stream: Name
    subject: Annotated[str, Meta(max_length=256)] = ">"
    durable: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class RedisSettings(BrokerSettings, frozen=True, kw_only=True):
    """A stream and a consumer group, made where they aren't there."""

    stream: Name
    group: Name = "legato"


class MqttSettings(BrokerSettings, frozen=True, kw_only=True):
    """A topic, with wildcards, by a session that lasts."""

    topic: Name
    version: Literal["5", "3.1.1"] = "5"
    qos: Literal[0, 1, 2] = 1


class KafkaSettings(BrokerSettings, frozen=True, kw_only=True):
    """A topic, by a consumer group."""

    topic: Name
    group: Name = "legato"


class EventSettings(Settings, frozen=True, kw_only=True):
    """Events sent to `POST /v1/events`."""

    type: Annotated[str, Meta(min_length=1, max_length=200)]
    """A `*` at the end means all that begin so."""

    def fits(self, event_type: str) -> bool:
        """Whether an event of this type is meant."""
        if self.type.endswith("*"):
            return event_type.startswith(self.type[:-1])
        return event_type == self.type


KINDS: Final[Mapping[str, type[Settings]]] = {
    "webhook": WebhookSettings,
    "schedule": ScheduleSettings,
    "rabbitmq": RabbitMQSettings,
    "nats": NatsSettings,
    "redis": RedisSettings,
    "mqtt": MqttSettings,
    "kafka": KafkaSettings,
    "event": EventSettings,
}
BROKERS: Final = frozenset({"rabbitmq", "nats", "redis", "mqtt", "kafka"})


def settings_of(trigger: Trigger) -> Any:
    """Return what a trigger's settings say, checked. Raises InvalidRequest naming the field."""
    place = f"triggers[{trigger.name}].settings"
    try:
        found = msgspec.convert(trigger.settings, KINDS[trigger.kind])
    except msgspec.ValidationError as problem:
        raise InvalidRequest(f"{place}: {problem}", param=place) from None
    if isinstance(found, ScheduleSettings):
        try:
            read_schedule(found.cron, found.time_zone)
        except InvalidRequest as problem:
            raise InvalidRequest(f"{place}.{problem.message}", param=place) from None
    return found
