"""What came of comparisons of a route's choice with its baseline, one by one."""

from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, delete, select

from legato.core.tenant import Reach
from legato.routing.floor.compared import Compared
from legato.routing.floor.freedom import About
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.floors import route_comparison

_ROWS_PER_WRITE: Final = 2_000


class Comparison(msgspec.Struct, frozen=True):
    """One request's answers: `loss` is 1 where the choice's is worse, 0 as good, -1 better."""

    request_id: str
    route: str
    choice: str
    baseline: str
    loss: int
    at_ns: int


class ComparisonReader:
    """Reads what is within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._within = within(reach, route_comparison)

    def between(self, route: str, since_ns: int, until_ns: int) -> list[Comparison]:
        """Return a route's comparisons of a span of time, `until_ns` not among them."""
        table = route_comparison.c
        wanted = (
            select(*[table[name] for name in Comparison.__struct_fields__])
            .where(*self._within, table.route == route)
            .where(table.at_ns >= since_ns, table.at_ns < until_ns)
            .order_by(table.request_id)
        )
        with reading(self._engine) as connection:
            return [Comparison(*row) for row in connection.execute(wanted)]


def add_comparison(
    connection: Connection, about: About, compared: Compared, *, loss: int, at_ns: int
) -> None:
    """Keep what came of a comparison; again changes nothing."""
    row = {"org": about.org, "route": about.route, "loss": loss, "at_ns": at_ns}
    row |= compared._asdict()
    connection.execute(upsert(connection, route_comparison).values(row).on_conflict_do_nothing())


def prune_comparisons(engine: Engine, before_ns: int) -> int:
    """Delete comparisons made before a time, of all organisations; return how many.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    table = route_comparison.c
    oldest = select(table.org, table.request_id).where(table.at_ns < before_ns)
    total = 0
    while True:
        with writing(engine) as connection:
            found = connection.execute(oldest.limit(_ROWS_PER_WRITE)).all()
            for org, request_id in found:
                mine = (table.org == org, table.request_id == request_id)
                connection.execute(delete(route_comparison).where(*mine))
        total += len(found)
        if len(found) < _ROWS_PER_WRITE:
            return total
