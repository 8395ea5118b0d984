"""Every price that was ever in force, so history can be explained and is never repriced."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Engine, select

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.price import Price
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.schema import price_version


class PriceStore:
    """Price versions by deployment. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def record(self, prices: Mapping[str, Price]) -> None:
        """Keep the prices now in force, by deployment; a known version stays as it is."""
        rows = [
            {
                "deployment": deployment,
                "version": price.version,
                "valid_from_ns": self._clock.now_ns(),
                "source": price.source,
                "price": msgspec.json.encode(price).decode(),
            }
            for deployment, price in prices.items()
        ]
        columns = price_version.c
        if rows:
            with writing(self._engine) as connection:
                known = set(connection.execute(select(columns.deployment, columns.version)).all())
                connection.execute(upsert(connection, price_version).on_conflict_do_nothing(), rows)
                for row in rows:
                    if (row["deployment"], row["version"]) not in known:
                        subject = Subject("deployment", str(row["deployment"]))
                        told = {"version": str(row["version"]), "source": str(row["source"])}
                        recorded(connection, Act("", "price.change", subject, details={**told}))

    def history(self, deployment: str) -> list[tuple[int, Price]]:
        """Return every price a deployment ever had, and since when (ns), oldest first."""
        columns = price_version.c
        wanted = (
            select(columns.valid_from_ns, columns.price)
            .where(columns.deployment == deployment)
            .order_by(columns.valid_from_ns, columns.version)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [(row.valid_from_ns, msgspec.json.decode(row.price, type=Price)) for row in rows]

    def get(self, deployment: str, version: str) -> Price | None:
        """Return a price as it stood, None when it is not known."""
        wanted = select(price_version.c.price).where(
            price_version.c.deployment == deployment, price_version.c.version == version
        )
        with reading(self._engine) as connection:
            text = connection.execute(wanted).scalar()
        return None if text is None else msgspec.json.decode(text, type=Price)
