"""What must hold of `triggers`, and of triggers that name what stands there."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Final

from legato.app.config.problems import Path, suggestion
from legato.core.config import Config
from legato.core.config_triggers import Connection, WebhookSecret
from legato.flow.definition import Definition
from legato.flow.trigger_settings import BROKERS, settings_of

PACKAGES: Final = {
    "rabbitmq": "pika",
    "nats": "nats",
    "redis": "redis",
    "mqtt": "paho",
    "kafka": "confluent_kafka",
}
"""What a kind of connection imports; the extra is called as the kind."""
Found = tuple[Path, str, str]
"""Where, what, and the remedy."""


def problems_of_triggers(config: Config) -> Iterator[Found]:
    """Yield what is wrong with `triggers`."""
    said = config.triggers
    named = {
        "connections": [one.name for one in said.connections],
        "webhook_secrets": [one.name for one in said.webhook_secrets],
    }
    for what, names in named.items():
        for index, name in enumerate(names):
            if name in names[:index]:
                yield (what, index, "name"), f"`{name}` is taken", "Give each its own name."
    for index, connection in enumerate(said.connections):
        if find_spec(PACKAGES[connection.kind]) is None:
            told = f"what listens at {connection.kind} isn't installed"
            remedy = f"Run: pip install 'legato[{connection.kind}]'"
            yield ("connections", index, "kind"), told, remedy


def problems_of_named(
    definition: Definition, config: Config, org: str
) -> Iterator[tuple[str, str]]:
    """Yield what the triggers of a definition name that isn't there: place and words."""
    for index, trigger in enumerate(definition.triggers):
        settings, place = settings_of(trigger), f"triggers[{index}].settings"
        if trigger.kind in BROKERS:
            open_to = [one for one in config.triggers.connections if one.kind == trigger.kind]
            if _unknown(settings.connection, open_to, org):
                where = f"`triggers.connections` of {trigger.kind}"
                yield f"{place}.connection", _told(settings.connection, open_to, org, where)
        if trigger.kind == "webhook":
            there = config.triggers.webhook_secrets
            if _unknown(settings.secret, there, org):
                told = _told(settings.secret, there, org, "`triggers.webhook_secrets`")
                yield f"{place}.secret", told


_There = Sequence[Connection] | Sequence[WebhookSecret]


def _unknown(name: str, there: _There, org: str) -> bool:
    return name not in _known(there, org)


def _told(name: str, there: _There, org: str, where: str) -> str:
    close = suggestion(name, _known(there, org))
    return f"nothing is called {name!r} under {where}" + (f". {close}" if close else "")


def _known(there: _There, org: str) -> list[str]:
    return [one.name for one in there if one.orgs is None or org in one.orgs]
