"""Configuration of triggers: where workflows may listen, and what signs their webhooks."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import Name, SecretRef

BrokerKind = Literal["rabbitmq", "nats", "redis", "mqtt", "kafka"]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Connection(_Strict, frozen=True):
    """A broker that triggers may listen at."""

    name: Name
    kind: BrokerKind
    url: SecretRef
    """A secret, since it carries a password: amqp://, nats://, redis://, mqtt://, or HOST:PORT,...
    of Kafka, kafkas://HOST:PORT,... over TLS."""
    orgs: list[str] | None = None
    """Whose workflows may listen there; None: everybody's."""


class WebhookSecret(_Strict, frozen=True):
    """What the sender of webhooks signs with."""

    name: Name
    secrets: Annotated[list[SecretRef], Meta(min_length=1, max_length=10)]
    """Any of them may fit, so that one can be changed without a gap."""
    orgs: list[str] | None = None
    """Whose workflows may be begun by it; None: everybody's."""


class Triggers(_Strict, frozen=True):
    """What triggers of workflows name: they hold no addresses and no secrets themselves."""

    connections: list[Connection] = []
    webhook_secrets: list[WebhookSecret] = []
