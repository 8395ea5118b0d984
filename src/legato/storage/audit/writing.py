"""Records an act in the transaction that does it: what can't be recorded isn't done."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from legato.audit.acting import Acting, acting
from legato.audit.event import REASON_CHARACTERS_MAX, VERSION, Act, Event, leaf_of
from legato.audit.merkle import Frontier, leaf_hash, unpacked
from legato.core.clock import SystemClock
from legato.core.errors import StorageUnavailable
from legato.storage.database.dialect import is_sqlite

HEAD: Final = "log"
_Row = tuple[int, str, int, int, str, bytes, bytes]


def recorded(connection: Connection, act: Act) -> int:
    """Append an act to the audit log and return its index; who acts is of the context.

    Call it within the writing transaction of the act, as late as may be: on Postgres one at a
    time appends until it commits.

    Raises:
        StorageUnavailable: it can't be recorded; then the transaction must not commit.
    """
    return recorded_together(connection, [(act, acting())])


def recorded_together(connection: Connection, acts: Sequence[tuple[Act, Acting]]) -> int:
    """Append acts in their order, each by whom it says, and return the index of the first.

    A hundred take as many statements as one. Raises as `recorded`.
    """
    cursor = connection.connection.cursor()
    try:
        if is_sqlite(connection):
            return _append(cursor, _SQLITE, acts, _write_to_sqlite)
        return _append(cursor, _POSTGRES, acts, _write_to_postgres)
    except connection.dialect.loaded_dbapi.Error as error:
        msg = f"nothing is done that can't be recorded in the audit log: {type(error).__name__}"
        raise StorageUnavailable(msg) from error
    finally:
        cursor.close()


def _append(
    cursor: DBAPICursor,
    statements: "_Statements",
    acts: Sequence[tuple[Act, Acting]],
    write: Callable[[DBAPICursor, Sequence[_Row], Frontier], None],
) -> int:
    tree = _head(cursor, statements)
    first, rows, counts = tree.size, list[_Row](), dict[str, int]()
    for act, who in acts:
        org_index = counts.get(act.org, -1)
        if org_index < 0:
            cursor.execute(statements.last_of, (act.org,))
            last = _one(cursor)[0]
            org_index = 0 if last is None else last + 1
        counts[act.org] = org_index + 1
        event = _event(act, who, tree.size, org_index)
        leaf = leaf_of(event)
        tree, nodes = tree.appended(leaf_hash(leaf))
        found = (event.index, event.org, event.org_index, event.at_ns, event.action)
        rows.append((*found, leaf, b"".join(nodes)))
    write(cursor, rows, tree)
    return first


def _event(act: Act, who: Acting, index: int, org_index: int) -> Event:
    return Event(
        version=VERSION,
        index=index,
        org=act.org,
        org_index=org_index,
        at_ns=SystemClock.now_ns(),
        actor=who.actor,
        action=act.action,
        subject=act.subject,
        outcome=act.outcome,
        reason=act.reason[:REASON_CHARACTERS_MAX],
        request_id=who.request_id,
        details=act.details,
    )


def _write_to_sqlite(cursor: DBAPICursor, rows: Sequence[_Row], tree: Frontier) -> None:
    cursor.executemany(_SQLITE_APPEND, rows)
    cursor.execute(_SQLITE_MOVE_HEAD, (tree.size, tree.packed(), HEAD))


def _write_to_postgres(cursor: DBAPICursor, rows: Sequence[_Row], tree: Frontier) -> None:
    """Send all rows in one statement, the head with them."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(_POSTGRES_APPEND, (tree.size, tree.packed(), HEAD, *columns))


def _head(cursor: DBAPICursor, statements: "_Statements") -> Frontier:
    """Return the tree, which nobody else appends to until this transaction ends."""
    cursor.execute(statements.read_head, (HEAD,))
    found = cursor.fetchone()
    if found is None:
        cursor.execute(statements.first_head, (HEAD, b""))
        cursor.execute(statements.read_head, (HEAD,))
        found = _one(cursor)
        cursor.execute(statements.newest)
        # not empty where another process has just begun the log
        if not found[0] and _one(cursor)[0] is not None:
            raise StorageUnavailable(_BROKEN)
    try:
        return unpacked(found[0], bytes(found[1]))
    except ValueError:
        raise StorageUnavailable(_BROKEN) from None


def _one(cursor: DBAPICursor) -> Any:
    """Return the row of a statement that has exactly one."""
    row = cursor.fetchone()
    if row is None:
        raise StorageUnavailable(_BROKEN)
    return row


_BROKEN: Final = (
    "the audit log's head isn't that of its events, so nothing can be recorded: run "
    "`legato audit verify`, and restore a backup"
)


class _Statements(NamedTuple):
    """Plain SQL to the driver: through SQLAlchemy an append costs ten times as much."""

    read_head: str
    first_head: str
    newest: str
    last_of: str


_SQLITE: Final = _Statements(
    "SELECT size, frontier FROM audit_head WHERE name = ?",
    "INSERT INTO audit_head (name, size, frontier) VALUES (?, 0, ?) ON CONFLICT DO NOTHING",
    "SELECT max(number) FROM audit_event",
    "SELECT max(org_number) FROM audit_event WHERE org = ?",
)
_POSTGRES: Final = _Statements(*(one.replace("?", "%s") for one in _SQLITE))._replace(
    read_head="SELECT size, frontier FROM audit_head WHERE name = %s FOR UPDATE"
)
_COLUMNS: Final = "number, org, org_number, at_ns, action, leaf, nodes"
_SQLITE_APPEND: Final = f"INSERT INTO audit_event ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 (ours)
_SQLITE_MOVE_HEAD: Final = "UPDATE audit_head SET size = ?, frontier = ? WHERE name = ?"
# Binary: as text each byte of a leaf would be sent as two digits and read again.
_POSTGRES_APPEND: Final = f"""
    WITH moved AS (UPDATE audit_head SET size = %s, frontier = %b WHERE name = %s)
    INSERT INTO audit_event ({_COLUMNS}) SELECT * FROM unnest(%b::bigint[], %s::text[],
    %b::bigint[], %b::bigint[], %s::text[], %b::bytea[], %b::bytea[])
"""  # noqa: S608 (ours)
