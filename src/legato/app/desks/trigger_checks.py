"""What `legato doctor` says of the brokers that triggers listen at."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from legato.app.checks.configuration import load
from legato.app.checks.instance import Instance
from legato.app.config.environment import environment
from legato.app.config.problems import ConfigProblems
from legato.app.desks.check import Check, State

_PORTS = {"rabbitmq": 5672, "nats": 4222, "redis": 6379, "mqtt": 1883, "kafka": 9092}
_TLS_PORTS = {"amqps": 5671, "mqtts": 8883}
_WAIT_S = 3.0


def trigger_checks(instance: Instance) -> Iterator[Check]:
    """Yield whether something listens where each connection says; nothing is sent there."""
    if not instance.loaded.config.triggers.connections:
        return
    try:
        loaded = load(
            instance.config_file,
            environment(),
            secrets=lambda path: path[:2] == ("triggers", "connections"),
        )
    except ConfigProblems as error:
        found = f"not all addresses can be read here: {error.problems[0].message}"
        yield Check("brokers", State.WARNING, found, "Run this where the server runs.")
        return
    for one in loaded.config.triggers.connections:
        name, url = f"broker {one.name}", loaded.secret(one.url) or ""
        host, port = _address(one.kind, url)
        if not host:
            remedy = "Write the address as docs/how-to/triggers.md has it."
            yield Check(name, State.FAILED, f"{one.kind}: the address has no host", remedy)
            continue
        try:
            with socket.create_connection((host, port), _WAIT_S):
                yield Check(name, State.GOOD, f"{one.kind}: something answers")
        except OSError as error:
            found = f"{one.kind}: {error.strerror or type(error).__name__}"
            remedy = "Start it, or correct the address: its triggers hear nothing meanwhile."
            yield Check(name, State.WARNING, found, remedy)


def _address(kind: str, url: str) -> tuple[str, int]:
    # a password may hold a comma
    first = url.rpartition("@")[2].partition(",")[0]
    if "://" in url and "://" not in first:
        first = f"{url.partition('://')[0]}://{first}"
    try:
        parts = urlsplit(first if "://" in first else f"//{first}")
        return parts.hostname or "", parts.port or _TLS_PORTS.get(parts.scheme, _PORTS[kind])
    except ValueError:
        return "", 0
