"""Deployments and routes of the registry that callers are to reach, and what they charge."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, Engine, select

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.price import Price
from legato.core.registry import DEFAULT_LABEL, INSTANCE_KINDS, INSTANCE_ORG, Kind
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.versions import bump, version
from legato.storage.registry.changes import REGISTRY_VERSION
from legato.storage.registry.reader import version_record
from legato.storage.registry.records import RunningRollout, VersionRecord
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.storage.tables.registry import registry_label, registry_price, registry_version
from legato.storage.tables.schema import price_version

_KEY = ("org", "name", "digest")


class ModelPrice(msgspec.Struct, frozen=True):
    """What a version of a deployment charges; a price of None is unpriced, never zero."""

    name: str
    digest: str
    price: Price | None = None
    batch: Price | None = None
    """Of batches that the provider runs."""
    reason: str = ""
    """Why it is unpriced."""


class RegistryModels:
    """What is live in one environment. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, environment: str) -> None:
        self._engine = engine
        self._environment = environment

    def version(self) -> int:
        """Return a number that rises with every change: one row, cheap to poll."""
        with reading(self._engine) as connection:
            return version(connection, REGISTRY_VERSION)

    def read(self) -> tuple[int, list[VersionRecord], list[ModelPrice]]:
        """Return what is live, its prices, and the number they are at least as new as."""
        label, kept = registry_label.c, registry_version.c
        wanted = (
            select(registry_version)
            .join(
                registry_label,
                (label.org == kept.org)
                & (label.kind == kept.kind)
                & (label.name == kept.name)
                & (label.digest == kept.digest),
            )
            .where(
                label.org == INSTANCE_ORG,
                label.environment == self._environment,
                label.label == DEFAULT_LABEL,
                label.kind.in_(sorted(INSTANCE_KINDS)),
            )
            .order_by(kept.kind, kept.name)
        )
        with reading(self._engine) as connection:
            # Read first: a change in between makes the rows newer than they claim, never older.
            number = version(connection, REGISTRY_VERSION)
            records = [version_record(row) for row in connection.execute(wanted)]
            digests = [one.digest for one in records]
            return number, records, _prices(connection, digests)

    def rollouts(self) -> list[RunningRollout]:
        """Return the rollouts under way on what is live of routes."""
        return [
            one
            for one in RegistrySnapshots(self._engine, self._environment).rollouts()
            if (one.org, one.name.kind, one.label) == (INSTANCE_ORG, Kind.ROUTE, DEFAULT_LABEL)
        ]


class ModelPrices:
    """Keeps what versions of deployments charge. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def record(self, prices: Iterable[ModelPrice]) -> None:
        """Keep prices, and each version of one for the ledger's sake; workers hear of it."""
        prices, now_ns = list(prices), self._clock.now_ns()
        if not prices:
            return
        with writing(self._engine) as connection:
            new = [one for one in prices if _record(connection, one, now_ns)]
            bump(connection, REGISTRY_VERSION)
            for one in new:
                subject = Subject("deployment", one.name, one.digest)
                told = {"version": None if one.price is None else one.price.version}
                act = Act(
                    INSTANCE_ORG, "price.change", subject, reason=one.reason, details={**told}
                )
                recorded(connection, act)


def _record(connection: Connection, one: ModelPrice, now_ns: int) -> bool:
    """Keep a price; return whether it is one that wasn't known."""
    values = {
        "price": _encoded(one.price),
        "batch_price": _encoded(one.batch),
        "reason": one.reason,
        "priced_at_ns": now_ns,
    }
    row = {"org": INSTANCE_ORG, "name": one.name, "digest": one.digest, **values}
    statement = upsert(connection, registry_price).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=values))
    new = False
    for price in (one.price, one.batch):
        if price is not None:
            known = {
                "deployment": one.name,
                "version": price.version,
                "valid_from_ns": now_ns,
                "source": price.source,
                "price": _encoded(price),
            }
            once = upsert(connection, price_version).on_conflict_do_nothing()
            new |= connection.execute(once, known).rowcount > 0
    return new


def _prices(connection: Connection, digests: list[str]) -> list[ModelPrice]:
    kept = registry_price.c
    wanted = select(registry_price).where(kept.org == INSTANCE_ORG, kept.digest.in_(digests))
    return [
        ModelPrice(row.name, row.digest, _price(row.price), _price(row.batch_price), row.reason)
        for row in connection.execute(wanted)
    ]


def _encoded(price: Price | None) -> str | None:
    return None if price is None else msgspec.json.encode(price).decode()


def _price(text: str | None) -> Price | None:
    return None if text is None else msgspec.json.decode(text, type=Price)
