"""How far request ids have got in the tables, so that new requests are not looked up.

Ids rise with time, so nearly all of a batch lie beyond every id the tables hold. Four reads
of an index's end then stand for a look-up per request and table. Where ids don't rise, the
look-ups are made: nothing is assumed.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from legato.storage.database.prepared import run
from legato.storage.tables.schema import ledger_entry, open_intent, open_progress, voided_attempt

_NEWEST: Final = select(
    *[
        select(func.max(table.c.request_id)).scalar_subquery().label(table.name)
        for table in (ledger_entry, open_intent, open_progress, voided_attempt)
    ]
)


class NewestIds(NamedTuple):
    """The greatest request id of each table, None for an empty one."""

    entry: str | None
    intent: str | None
    progress: str | None
    voided: str | None


def newest_ids(connection: Connection) -> NewestIds:
    """Read them; they hold for this transaction until it writes."""
    return NewestIds(*run(connection, _NEWEST).one())


def within(newest: str | None, request_ids: Iterable[str]) -> list[str]:
    """Return those of the ids that a table may hold."""
    return [] if newest is None else [wanted for wanted in request_ids if wanted <= newest]
