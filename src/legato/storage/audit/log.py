"""Reads the audit log: events within reach, proofs from its nodes, and all of it in order."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    func,
    literal,
    select,
    true,
    type_coerce,
)
from sqlalchemy.types import NullType

from legato.audit.event import Event, event_of
from legato.audit.merkle import (
    HASH_BYTES,
    Frontier,
    consistency_proof,
    inclusion_proof,
    root_of,
    unpacked,
)
from legato.core.errors import NotFound
from legato.core.tenant import Reach, Tenant
from legato.storage.audit.writing import HEAD
from legato.storage.database.engine import reading
from legato.storage.database.tenancy import within
from legato.storage.tables.audit import audit_event, audit_head

_ROWS_PER_READ: Final = 2_000
_NODES_KEPT: Final = 4_096
_table = audit_event.c
# as the driver gives them: whoever writes a text there must not keep the log from being looked at
_leaf, _nodes = type_coerce(_table.leaf, NullType()), type_coerce(_table.nodes, NullType())
_COLUMNS: Final = (
    _table.number,
    _table.org,
    _table.action,
    _table.at_ns,
    _leaf.label("leaf"),
    _nodes.label("nodes"),
)


class AuditFilter(msgspec.Struct, frozen=True):
    """Which events are meant; None for all. `action` may end in `.*`."""

    action: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    after: int | None = None
    before: int | None = None


class StoredEvent(msgspec.Struct, frozen=True):
    """One as it is kept: its index and organisation as found, its bytes, what it completes."""

    number: int
    org: str
    action: str
    at_ns: int
    leaf: bytes
    nodes: bytes

    @property
    def event(self) -> Event:
        """What the bytes say. Raises ValueError where they can't be read."""
        return event_of(self.leaf)

    @property
    def hash(self) -> bytes:
        """The hash that was kept of it."""
        return self.nodes[:HASH_BYTES]


class AuditLog:
    """The log as far as a reach goes. Proofs and roots are about all of it.

    Every method may raise StorageUnavailable.
    """

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._within = within(reach, audit_event)
        self.org: str | None = reach.org if isinstance(reach, Tenant) else None
        """Whose events are within reach; None for all."""

    def head(self) -> Frontier:
        """Return size and subtrees of the log as they stand. Raises ValueError: damaged."""
        with reading(self._engine) as connection:
            return read_head(connection)

    def standing(self) -> tuple[Frontier, int]:
        """Return the head, and the number of the newest event of all, as of one moment.

        -1 where there is none. Acts are appended meanwhile: whoever reads both one after the other
        sees events that this head doesn't know yet. Raises ValueError: damaged.
        """
        newest = select(func.coalesce(func.max(_table.number), -1)).scalar_subquery()
        head = select(audit_head).where(audit_head.c.name == HEAD).subquery()
        both = select(newest, head.c.size, head.c.frontier).select_from(
            select(literal(1).label("one")).subquery().outerjoin(head, true())
        )
        with reading(self._engine) as connection:
            number, size, frontier = connection.execute(both).one()
        return Frontier() if size is None else unpacked(size, bytes(frontier)), int(number)

    def page(self, count: int, wanted: AuditFilter, *, newest: bool = True) -> list[StoredEvent]:
        """Return up to `count` events within reach, newest first, or oldest first."""
        statement = select(*_COLUMNS).where(*self._within, *_conditions(wanted))
        order = _table.number.desc() if newest else _table.number
        with reading(self._engine) as connection:
            rows = connection.execute(statement.order_by(order).limit(count)).all()
        return [_stored(row) for row in rows]

    def all(self, wanted: AuditFilter | None = None) -> Iterator[StoredEvent]:
        """Yield all within reach, oldest first, in constant memory."""
        wanted = wanted or AuditFilter()
        while page := self.page(_ROWS_PER_READ, wanted, newest=False):
            yield from page
            wanted = msgspec.structs.replace(wanted, after=page[-1].number)

    def get(self, index: int) -> StoredEvent:
        """Return one. Raises NotFound."""
        wanted = select(*_COLUMNS).where(*self._within, _table.number == index)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        if row is None:
            raise NotFound(f"the audit log has no event {index}", param="index")
        return _stored(row)

    def count(self, wanted_: AuditFilter | None = None) -> int:
        """Return how many there are within reach."""
        conditions = _conditions(wanted_ or AuditFilter())
        wanted = select(func.count()).select_from(audit_event).where(*self._within, *conditions)
        with reading(self._engine) as connection:
            return int(connection.execute(wanted).scalar_one())

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that an event within reach is in the log of a size.

        Raises:
            NotFound: there is no such event, or the log isn't that large.
            ValueError: the log is damaged.
        """
        self.get(index)
        with reading(self._engine) as connection:
            _require_size(connection, index + 1, size)
            return inclusion_proof(index, size, _Nodes(connection))

    def proven(self, size: int) -> Iterator[tuple[StoredEvent, list[bytes]]]:
        """Yield all within reach below a size, each with its proof. Raises as `inclusion`."""
        with reading(self._engine) as connection:
            _require_size(connection, 0, size)
            nodes = lru_cache(_NODES_KEPT)(_Nodes(connection))  # neighbours share most of a path
            for one in self.all(AuditFilter(before=size)):
                yield one, inclusion_proof(one.number, size, nodes)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the log of one size is the beginning of that of another.

        Raises as `inclusion`.
        """
        with reading(self._engine) as connection:
            _require_size(connection, 1, old)
            _require_size(connection, old, new)
            return consistency_proof(old, new, _Nodes(connection))

    def root(self, size: int) -> bytes:
        """Return the root of the log when it had this size. Raises as `inclusion`."""
        with reading(self._engine) as connection:
            _require_size(connection, 0, size)
            return root_of(0, size, _Nodes(connection))


class _Nodes:
    """Complete subtrees, each read where it was completed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, height: int, place: int) -> bytes:
        number = ((place + 1) << height) - 1
        wanted = select(_table.nodes).where(_table.number == number)
        nodes = self._connection.execute(wanted).scalar()
        found = b"" if nodes is None else bytes(nodes[height * HASH_BYTES :][:HASH_BYTES])
        if len(found) != HASH_BYTES:
            msg = f"the audit log is damaged at event {number}: run `legato audit verify`"
            raise ValueError(msg)
        return found


def _require_size(connection: Connection, least: int, size: int) -> None:
    there = read_head(connection).size
    if not least <= size <= there:
        msg = f"the audit log has {there} events: ask for a size from {least} to {there}"
        raise NotFound(msg, param="size")


def read_head(connection: Connection) -> Frontier:
    """Return the tree as its head has it. Raises ValueError: damaged."""
    row = connection.execute(select(audit_head).where(audit_head.c.name == HEAD)).first()
    return Frontier() if row is None else unpacked(row.size, bytes(row.frontier))


def _conditions(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.action is not None:
        stem, star, rest = wanted.action.partition("*")
        if star and not rest:
            yield _table.action.startswith(stem, autoescape=True)
        else:
            yield _table.action == wanted.action
    if wanted.since_ns is not None:
        yield _table.at_ns >= wanted.since_ns
    if wanted.until_ns is not None:
        yield _table.at_ns < wanted.until_ns
    if wanted.after is not None:
        yield _table.number > wanted.after
    if wanted.before is not None:
        yield _table.number < wanted.before


def _stored(row: Row[*tuple[object, ...]]) -> StoredEvent:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return StoredEvent(
        number=values["number"],
        org=values["org"],
        action=values["action"],
        at_ns=values["at_ns"],
        leaf=_bytes(values["leaf"]),
        nodes=_bytes(values["nodes"]),
    )


def _bytes(found: bytes | str) -> bytes:
    """Return what lies in a column of bytes: SQLite keeps a text there where somebody wrote one."""
    return found.encode() if isinstance(found, str) else bytes(found)
