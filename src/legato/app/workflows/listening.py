"""Opens what listens at brokers: each kind is an extra, imported where a trigger asks for it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from legato.app.config.loaded import LoadedConfig
from legato.core.errors import InvalidRequest
from legato.workflows.triggers.intake import Active
from legato.workflows.triggers.listener import Listener


def listener_for(
    loaded: LoadedConfig, pseudonym: Callable[[str, str], str], active: Active
) -> Listener:
    """Return what listens for a trigger; `pseudonym` names sessions, as this instance alone does.

    Raises:
        InvalidRequest: there is no such connection, or what it needs isn't installed.
    """
    kind, name = active.trigger.kind, active.settings.connection
    for one in loaded.config.triggers.connections:
        open_to = one.orgs is None or active.org in one.orgs
        if (one.name, one.kind) == (name, kind) and open_to:
            break
    else:
        told = f"connection: no connection of {kind} is called {name!r} under triggers.connections"
        raise InvalidRequest(told, param="connection")
    try:
        url = loaded.secret(one.url) or ""
        if kind == "mqtt":
            named = f"mqtt {active.workflow}/{active.trigger.name}"
            return _mqtt(url, active, pseudonym(active.org, named))
        return _KINDS[kind](url, active)
    except ImportError:
        told = f"what listens at {kind} isn't installed: pip install 'legato[{kind}]'"
        raise InvalidRequest(told, param="kind") from None
    except ValueError:  # says what the address is, which is a secret
        told = f"connection: the address of {name!r} can't be read"
        raise InvalidRequest(told, param="connection") from None


def _rabbitmq(url: str, active: Active) -> Listener:
    from legato.workflows.triggers.rabbitmq import RabbitMQListener  # noqa: PLC0415 - an extra

    return RabbitMQListener(url, active.settings)


def _nats(url: str, active: Active) -> Listener:
    from legato.workflows.triggers.nats_stream import NatsListener  # noqa: PLC0415 - an extra

    return NatsListener(url, active.settings)


def _redis(url: str, active: Active) -> Listener:
    from legato.workflows.triggers.redis_stream import RedisListener  # noqa: PLC0415 - an extra

    return RedisListener(url, active.settings)


def _mqtt(url: str, active: Active, session: str) -> Listener:
    from legato.workflows.triggers.mqtt import MqttListener  # noqa: PLC0415 - an extra

    return MqttListener(url, active.settings, session)


def _kafka(url: str, active: Active) -> Listener:
    from legato.workflows.triggers.kafka import KafkaListener  # noqa: PLC0415 - an extra

    return KafkaListener(url, active.settings)


_KINDS: Final[Mapping[str, Callable[[str, Any], Listener]]] = {
    "rabbitmq": _rabbitmq,
    "nats": _nats,
    "redis": _redis,
    "kafka": _kafka,
}
