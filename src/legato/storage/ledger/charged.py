"""Which prices a deployment's calls were charged at, by organisation."""

from sqlalchemy import Engine, func, select

from legato.core.price import UNPRICED
from legato.core.tenant import Reach
from legato.storage.database.engine import reading
from legato.storage.database.tenancy import within
from legato.storage.tables.schema import ledger_entry


class ChargedPrices:
    """Of those within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._reach = reach

    def between(
        self, deployment: str, model: str, since_ns: int, until_ns: int
    ) -> dict[str, list[str]]:
        """Return each organisation's price versions, the one charged last at the end.

        Only calls of that model count: another one has another price on purpose.
        """
        columns = ledger_entry.c
        wanted = (
            select(columns.org, columns.price_version)
            .where(
                *within(self._reach, ledger_entry),
                columns.at_ns >= since_ns,
                columns.at_ns < until_ns,
                columns.deployment == deployment,
                columns.model == model,
                columns.price_version.not_in([UNPRICED, ""]),
            )
            .group_by(columns.org, columns.price_version)
            .order_by(columns.org, func.max(columns.at_ns), columns.price_version)
        )
        found: dict[str, list[str]] = {}
        with reading(self._engine) as connection:
            for org, version in connection.execute(wanted):
                found.setdefault(org, []).append(version)
        return found
