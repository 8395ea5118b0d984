"""What decisions were made by, each once by its digest: configurations and routes."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, select

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.config import Config
from legato.core.decisions import RouteFacts, decode_route
from legato.core.records import RouteKnown
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.decided import config_version, route_facts

_MASKED: Final = "***"


class DecidedBy:
    """The instance's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def record_config(self, content_hash: str, config: Config) -> None:
        """Keep a configuration that is in force, without what may be a secret in it."""
        row = {
            "content_hash": content_hash,
            "at_ns": self._clock.now_ns(),
            "config": msgspec.json.encode(_without_secrets(config)).decode(),
        }
        with writing(self._engine) as connection:
            kept = upsert(connection, config_version).values(row)
            connection.execute(kept.on_conflict_do_nothing())
            subject = Subject("configuration", "", content_hash)
            recorded(connection, Act("", "configuration.load", subject))

    def config(self, content_hash: str) -> Config | None:
        """Return a configuration as it was, None where it is not known."""
        wanted = select(config_version.c.config).where(
            config_version.c.content_hash == content_hash
        )
        with reading(self._engine) as connection:
            text = connection.execute(wanted).scalar()
        return None if text is None else msgspec.json.decode(text, type=Config)

    def route(self, digest: str) -> RouteFacts | None:
        """Return a route as a worker had it, None where it is not known."""
        wanted = select(route_facts.c.facts).where(route_facts.c.digest == digest)
        with reading(self._engine) as connection:
            text = connection.execute(wanted).scalar()
        return None if text is None else decode_route(text)


def add_routes(connection: Connection, routes: Sequence[RouteKnown]) -> None:
    """Keep routes; what is known stays as it is."""
    rows = [{"digest": r.digest, "at_ns": r.at_ns, "facts": r.facts.decode()} for r in routes]
    connection.execute(upsert(connection, route_facts).on_conflict_do_nothing(), rows)


def _without_secrets(config: Config) -> Config:
    """Secrets are references; but a header or a proxy's address may hold one in the file."""
    providers = [
        msgspec.structs.replace(
            one,
            headers=dict.fromkeys(one.headers, _MASKED),
            proxy=None if one.proxy is None else _MASKED,
            settings=dict.fromkeys(one.settings, _MASKED),
        )
        for one in config.providers
    ]
    vault = config.vault
    if vault.key_service is not None:
        service = msgspec.structs.replace(
            vault.key_service, settings=dict.fromkeys(vault.key_service.settings, _MASKED)
        )
        vault = msgspec.structs.replace(vault, key_service=service)
    return msgspec.structs.replace(config, providers=providers, vault=vault)
