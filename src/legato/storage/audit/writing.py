"""Records an act in the transaction that does it: what can't be recorded isn't done."""

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from legato.audit.acting import acting
from legato.audit.event import REASON_CHARACTERS_MAX, VERSION, Act, Event, leaf_of
from legato.audit.merkle import Frontier, leaf_hash, unpacked
from legato.core.clock import SystemClock
from legato.core.errors import StorageUnavailable
from legato.storage.database.dialect import is_sqlite

HEAD: Final = "log"


def recorded(connection: Connection, act: Act) -> int:
    """Append an act to the audit log and return its index; who acts is of the context.

    Call it within the writing transaction of the act, as late as may be: on Postgres one at a
    time appends until it commits.

    Raises:
        StorageUnavailable: it can't be recorded; then the transaction must not commit.
    """
    cursor = connection.connection.cursor()
    try:
        return _append(cursor, _SQLITE if is_sqlite(connection) else _POSTGRES, act)
    except connection.dialect.loaded_dbapi.Error as error:
        msg = f"nothing is done that can't be recorded in the audit log: {type(error).__name__}"
        raise StorageUnavailable(msg) from error
    finally:
        cursor.close()


def _append(cursor: DBAPICursor, statements: "_Statements", act: Act) -> int:
    tree = _head(cursor, statements)
    cursor.execute(statements.last_of, (act.org,))
    last = _one(cursor)[0]
    who = acting()
    event = Event(
        version=VERSION,
        index=tree.size,
        org=act.org,
        org_index=0 if last is None else last + 1,
        at_ns=SystemClock.now_ns(),
        actor=who.actor,
        action=act.action,
        subject=act.subject,
        outcome=act.outcome,
        reason=act.reason[:REASON_CHARACTERS_MAX],
        request_id=who.request_id,
        details=act.details,
    )
    leaf = leaf_of(event)
    after, nodes = tree.appended(leaf_hash(leaf))
    found = (event.index, event.org, event.org_index, event.at_ns, event.action)
    cursor.execute(statements.append, (*found, leaf, b"".join(nodes)))
    cursor.execute(statements.move_head, (after.size, after.packed(), HEAD))
    return event.index


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
    append: str
    move_head: str


_SQLITE: Final = _Statements(
    "SELECT size, frontier FROM audit_head WHERE name = ?",
    "INSERT INTO audit_head (name, size, frontier) VALUES (?, 0, ?) ON CONFLICT DO NOTHING",
    "SELECT max(number) FROM audit_event",
    "SELECT max(org_number) FROM audit_event WHERE org = ?",
    "INSERT INTO audit_event (number, org, org_number, at_ns, action, leaf, nodes) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)",
    "UPDATE audit_head SET size = ?, frontier = ? WHERE name = ?",
)
_POSTGRES: Final = _Statements(*(one.replace("?", "%s") for one in _SQLITE))._replace(
    read_head="SELECT size, frontier FROM audit_head WHERE name = %s FOR UPDATE"
)
