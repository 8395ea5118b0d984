"""Entries of the semantic cache, sealed: the database knows of one whose it is, whence and when."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.origin import Origin
from legato.core.semantic_records import Batch, Changed, Counts, Kept, Purge, Selection
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import overwrite_deleted, reading, writing
from legato.storage.erasure_marks import locked_and_erased
from legato.storage.tables.semantic import semantic_change, semantic_entry, semantic_purge

_ROWS_PER_WRITE: Final = 500
_FORGOTTEN_NS: Final = 3_600_000_000_000
"""So long it is told that an entry was forgotten: longer than anybody goes on without hearing."""
_PURGE_NS: Final = 86_400_000_000_000
_entry = semantic_entry.c


class SemanticEntryStore:
    """Entries of all nodes. Each change has a number, greater than those of all before it.

    Every method blocks, and may raise StorageUnavailable.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns

    def write(self, embedder: str, batch: Batch) -> None:
        """Write all of it, or nothing."""
        many = len(batch.kept) + len(batch.forgotten) + len(batch.purges) + len(batch.counts)
        if not many:
            return
        with writing(self._engine) as connection:
            number = _numbers(connection, many)
            number = _keep(connection, embedder, batch.kept, number)
            number = _count(connection, batch, number)
            number = _forget(connection, batch.forgotten, number, self._now_ns())
            for offset, (selection, at_ns) in enumerate(batch.purges):
                _purge(connection, selection, at_ns, number + offset)
            for selection, _ in batch.purges:
                recorded(connection, _act(selection))

    def warm(self, embedder: str, org: str, kept: Sequence[Kept]) -> int:
        """Write entries of one organisation that were asked elsewhere; return how many.

        What was erased doesn't come back.
        """
        with writing(self._engine) as connection:
            origins = {one.id: Origin(one.request_id, one.user) for one in kept}
            gone = locked_and_erased(connection, org, origins.values())
            left = [one for one in kept if origins[one.id] not in gone]
            _keep(connection, embedder, left, _numbers(connection, len(left)))
        return len(left)

    def purge(self, selection: Selection, at_ns: int) -> None:
        """Have everybody forget what a selection names, and what of it is on its way."""
        self.write("", Batch(purges=[(selection, at_ns)]))
        if selection.in_plain:  # else who holds them knows which, and says so
            self._forget_plain(selection, at_ns)

    def erase(self, selection: Selection, *, dry_run: bool) -> int:
        """Purge what a selection names, told by what isn't sealed; return how many there were."""
        now_ns = self._now_ns()
        counted = select(func.count()).where(*_named(selection, now_ns), ~_entry.forgotten)
        with reading(self._engine) as connection:
            found = int(connection.execute(counted).scalar_one())
        if not dry_run:
            self.purge(selection, now_ns)
        return found

    def latest(self) -> int:
        """Return the number of the last change."""
        with reading(self._engine) as connection:
            return connection.execute(select(semantic_change.c.number)).scalar() or 0

    def changed(self, embedder: str, after: int, limit: int) -> list[Changed]:
        """Return changes in order, each entry's last one."""
        columns = (_entry.change, _entry.id, _entry.org, _entry.forgotten)
        wanted = (
            select(*columns, _entry.hits, _entry.saved, _entry.wrong)
            .where(_entry.embedder == embedder, _entry.change > after)
            .order_by(_entry.change)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [Changed(*row[:4], Counts(*row[4:])) for row in rows]

    def sealed(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the sealed entries that are still there, by id."""
        wanted = select(_entry.id, _entry.sealed).where(_entry.id.in_(ids), ~_entry.forgotten)
        with reading(self._engine) as connection:
            return {row.id: bytes(row.sealed) for row in connection.execute(wanted)}

    def listed(self, org: str | None, after: str, limit: int) -> list[tuple[str, str, bytes]]:
        """Return (id, organisation, sealed entry) of living entries in the order of their ids."""
        wanted = select(_entry.id, _entry.org, _entry.sealed).where(
            _entry.id > after, ~_entry.forgotten, *([] if org is None else [_entry.org == org])
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_entry.id).limit(limit))
            return [(row.id, row.org, bytes(row.sealed)) for row in rows]

    def counts(self, ids: Sequence[str]) -> dict[str, Counts]:
        """Return what became of entries, by id."""
        wanted = select(_entry.id, _entry.hits, _entry.saved, _entry.wrong)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.where(_entry.id.in_(ids))).all()
        return {row[0]: Counts(*row[1:]) for row in rows}

    def purges(self, after: int) -> list[Purge]:
        """Return purges in order."""
        table = semantic_purge.c
        wanted = select(semantic_purge).where(table.change > after).order_by(table.change)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        decode = msgspec.json.Decoder(Selection).decode
        return [Purge(row.change, row.at_ns, decode(row.selection)) for row in rows]

    def prune(self) -> int:
        """Delete what has expired, and what was forgotten long ago; return how many entries.

        Goes in small transactions, since others' writes wait behind each.
        """
        over = _entry.expires_at_ns < self._now_ns()
        oldest = select(_entry.id).where(over).limit(_ROWS_PER_WRITE)
        total, rows = 0, _ROWS_PER_WRITE
        while rows == _ROWS_PER_WRITE:
            with writing(self._engine) as connection:
                gone = delete(semantic_entry).where(_entry.id.in_(oldest))
                rows = connection.execute(gone).rowcount
            total += rows
        self._prune_purges()
        return total

    def _prune_purges(self) -> None:
        """Forget a purge when nothing is left that was asked before it."""
        at_ns = semantic_purge.c.at_ns
        older = exists().where(_entry.created_at_ns <= at_ns, ~_entry.forgotten)
        with writing(self._engine) as connection:
            connection.execute(
                delete(semantic_purge).where(at_ns < self._now_ns() - _PURGE_NS, ~older)
            )

    def _forget_plain(self, selection: Selection, at_ns: int) -> None:
        named = _named(selection, at_ns)
        oldest = select(_entry.id).where(*named, ~_entry.forgotten).limit(_ROWS_PER_WRITE)
        while True:
            with writing(self._engine) as connection:
                overwrite_deleted(connection)
                ids = list(connection.execute(oldest).scalars())
                _forget(connection, ids, _numbers(connection, len(ids)), self._now_ns())
            if len(ids) < _ROWS_PER_WRITE:
                return


def forget_organisation(connection: Connection, org: str, now_ns: int) -> int:
    """Have everybody forget an organisation's entries, in the caller's transaction.

    Returns:
        How many there were.
    """
    held = select(_entry.id).where(_entry.org == org, ~_entry.forgotten)
    ids = list(connection.execute(held).scalars())
    number = _forget(connection, ids, _numbers(connection, len(ids) + 1), now_ns)
    _purge(connection, Selection(org=org), now_ns, number)
    return len(ids)


def _numbers(connection: Connection, many: int) -> int:
    """Take so many numbers, and keep all others from taking any until this is committed."""
    counter = upsert(connection, semantic_change).values(id=1, number=many)
    taken = counter.on_conflict_do_update(
        index_elements=["id"], set_={"number": semantic_change.c.number + many}
    )
    last: int = connection.execute(taken.returning(semantic_change.c.number)).scalar_one()
    return last - many + 1


def _keep(connection: Connection, embedder: str, kept: Sequence[Kept], number: int) -> int:
    rows = [
        {
            "id": one.id,
            "org": one.org,
            "embedder": embedder,
            "change": number + offset,
            "created_at_ns": one.created_ns,
            "expires_at_ns": one.expires_ns,
            "hits": 0,
            "saved": 0,
            "wrong": 0,
            "forgotten": False,
            "sealed": one.sealed,
            "request_id": one.request_id,
            "end_user": one.user,
        }
        for offset, one in enumerate(kept)
    ]
    if rows:
        connection.execute(upsert(connection, semantic_entry).on_conflict_do_nothing(), rows)
    return number + len(rows)


def _count(connection: Connection, batch: Batch, number: int) -> int:
    rows: list[dict[str, Any]] = [
        {"entry": entry_id, "number": number + offset, **msgspec.structs.asdict(counts)}
        for offset, (entry_id, counts) in enumerate(batch.counts.items())
    ]
    if rows:
        more = {name: _entry[name] + bindparam(f"more_{name}") for name in Counts.__struct_fields__}
        counted = update(semantic_entry).where(_entry.id == bindparam("entry"), ~_entry.forgotten)
        connection.execute(
            counted.values(change=bindparam("number"), **more),
            [
                {**row, **{f"more_{name}": row.pop(name) for name in Counts.__struct_fields__}}
                for row in rows
            ],
        )
    return number + len(rows)


def _forget(connection: Connection, ids: Sequence[str], number: int, now_ns: int) -> int:
    rows = [{"entry": one, "number": number + offset} for offset, one in enumerate(ids)]
    if rows:
        living = (_entry.id == bindparam("entry"), ~_entry.forgotten)
        forgotten = update(semantic_entry).where(*living)
        empty = {"forgotten": True, "sealed": b"", "expires_at_ns": now_ns + _FORGOTTEN_NS}
        connection.execute(forgotten.values(change=bindparam("number"), **empty), rows)
    return number + len(rows)


def _purge(connection: Connection, selection: Selection, at_ns: int, number: int) -> None:
    told = msgspec.json.encode(selection).decode()
    row = {"change": number, "at_ns": at_ns, "selection": told}
    connection.execute(insert(semantic_purge).values(row))


def _act(selection: Selection) -> Act:
    org = selection.org or ""
    told: dict[str, Detail] = {
        "ids": len(selection.ids),
        "requests": len(selection.requests),
        "user": selection.user,
        "before_ns": selection.before_ns,
    }
    return Act(org, "cache.purge", Subject("semantic cache", org), details=told)


def _named(selection: Selection, at_ns: int) -> list[ColumnElement[bool]]:
    named = [_entry.created_at_ns <= at_ns]
    if selection.org is not None:
        named.append(_entry.org == selection.org)
    if selection.ids:
        named.append(_entry.id.in_(selection.ids))
    if selection.requests:
        named.append(_entry.request_id.in_(selection.requests))
    if selection.user is not None:
        named.append(_entry.end_user == selection.user)
    if selection.before_ns is not None:
        named.append(_entry.created_at_ns < selection.before_ns)
    return named
