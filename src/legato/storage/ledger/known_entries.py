"""What the ledger holds already of the attempts in a batch."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, select

from legato.storage.database.dialect import is_sqlite, listed, one_of
from legato.storage.database.prepared import run
from legato.storage.ledger.batch import Attempt
from legato.storage.tables.schema import ledger_entry


class Known(NamedTuple):
    """One entry of an attempt."""

    id: int
    kind: str
    seq: int
    provisional: bool
    reverses_entry: int | None


KnownEntries = dict[Attempt, list[Known]]


def known_entries(connection: Connection, request_ids: Iterable[str]) -> KnownEntries:
    """Read the entries of these requests by attempt; empty unless something comes again."""
    known: KnownEntries = defaultdict(list)
    wanted = list(request_ids)
    if not wanted:
        return known
    statement = _by_request(sqlite=is_sqlite(connection))
    for row in run(connection, statement, **listed(connection, wanted)).all():
        known[row[0], row[1]].append(Known(*row[2:]))
    return known


@cache
def _by_request(*, sqlite: bool) -> Select[Any]:
    entry = ledger_entry.c
    return select(
        entry.request_id,
        entry.attempt,
        entry.id,
        entry.kind,
        entry.seq,
        entry.provisional,
        entry.reverses_entry,
    ).where(one_of(entry.request_id, sqlite=sqlite))
