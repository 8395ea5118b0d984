"""Rows as segments seal them: the bytes of each that nothing may change.

Straight from the driver, in constant memory. What erasure takes lies elsewhere: an entry and a
decision name a user by pseudonym, and hold no content.
"""

from collections.abc import Iterator
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from legato.audit.merkle import leaf_hash
from legato.audit.segments import FORM, Item, SegmentKind
from legato.core.errors import StorageUnavailable
from legato.storage.database.dialect import is_sqlite

_ENTRIES_PER_READ: Final = 2_000
_BLOCKS_PER_READ: Final = 16

# Form 1. A column that comes later is no part of it: what was sealed must stay verifiable.
ENTRY_FORM: Final = (
    "id", "request_id", "attempt", "org", "team", "feature", "key_id", "end_user", "tags",
    "model_requested", "route", "deployment", "provider", "model", "region", "price_version",
    "baseline_model", "config_version", "versions", "arm", "measures", "kind", "seq", "at_ns",
    "period", "in_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "out_text",
    "reasoning", "audio_in", "audio_out", "image_in", "image_out", "units", "usage_source",
    "cost", "baseline_cost", "model_served", "status", "http_status", "total_us",
    "first_token_us", "gateway_us", "budget_id", "budget_at_ns", "original_at_ns",
    "reverses_entry", "provisional",
)  # fmt: skip
_AT: Final = ENTRY_FORM.index("at_ns")
_HEAD: Final = (
    "id", "org", "segment", "committed", "first_at_ns", "last_at_ns", "first_id", "last_id",
    "requests",
)  # fmt: skip
_encode: Final = msgspec.json.Encoder().encode
_decode_block: Final = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


class Row(msgspec.Struct, frozen=True):
    """One as it is sealed, with its head where it is a block."""

    item: Item
    head: bytes = b""
    leaves: int = 1


class Rows(Protocol):
    """Yields the rows of one kind with ids behind one id, up to another."""

    def __call__(self, connection: Connection, after: int | None, last: int) -> Iterator[Row]:
        """From the lowest there is where `after` is None. Raises StorageUnavailable."""
        ...


def entries(connection: Connection, after: int | None, last: int) -> Iterator[Row]:
    """Yield entries of the ledger."""
    # one value for a truth on either database
    names = ", ".join(ENTRY_FORM[:-1])
    found = f"SELECT {names}, CAST(provisional AS INTEGER) FROM ledger_entry"  # noqa: S608
    for row in _read(connection, found, (after, last), _ENTRIES_PER_READ):
        leaf = _encode((FORM, *row))
        yield Row(Item(row[0], row[_AT], leaf_hash(leaf)))


def blocks(connection: Connection, after: int | None, last: int) -> Iterator[Row]:
    """Yield blocks of decisions; one that was emptied because all of it had its time isn't."""
    found = f"SELECT {', '.join(_HEAD)}, records FROM trace_block"  # noqa: S608
    for row in _read(connection, found, (after, last), _BLOCKS_PER_READ):
        *said, records = row
        if not said[-1]:
            continue
        head = _encode((FORM, *said))
        yield Row(Item(said[0], said[5], _hashes(head, records)), head, 1 + said[-1])


READ: Final[dict[SegmentKind, Rows]] = {
    SegmentKind.LEDGER: entries,
    SegmentKind.DECISIONS: blocks,
}
NEWEST: Final = {
    SegmentKind.LEDGER: "SELECT max(id) FROM ledger_entry",
    SegmentKind.DECISIONS: "SELECT max(id) FROM trace_block WHERE requests > 0",
}


def _hashes(head: bytes, records: Any) -> bytes:
    try:
        parts = _decode_block(records)
    except (msgspec.DecodeError, TypeError):  # somebody wrote something else there
        parts = [msgspec.Raw(_encode(records))]
    return b"".join([leaf_hash(head), *(leaf_hash(bytes(one)) for one in parts)])


def _read(
    connection: Connection, found: str, within: tuple[int | None, int], at_once: int
) -> Iterator[tuple[Any, ...]]:
    after, last = within
    mark = "?" if is_sqlite(connection) else "%s"
    while True:
        behind = "" if after is None else f"id > {after:d} AND "
        wanted = f"{found} WHERE {behind}id <= {mark} ORDER BY id LIMIT {at_once:d}"
        rows = _fetched(connection, wanted, last)
        yield from rows
        if len(rows) < at_once:
            return
        after = rows[-1][0]


def _fetched(connection: Connection, wanted: str, last: int) -> list[tuple[Any, ...]]:
    driver = connection.connection
    try:
        return _executed(driver.cursor(), wanted, last)
    except connection.dialect.loaded_dbapi.Error as error:
        lenient: Any = driver.dbapi_connection
        if not is_sqlite(connection):
            msg = f"rows of the audit log's segments can't be read: {type(error).__name__}"
            raise StorageUnavailable(msg) from error
    # SQLite keeps bytes that are no text in a column of texts, where somebody wrote them there
    before, lenient.text_factory = lenient.text_factory, _text_or_bytes
    try:
        return _executed(driver.cursor(), wanted, last)
    except connection.dialect.loaded_dbapi.Error as error:
        msg = f"rows of the audit log's segments can't be read: {type(error).__name__}"
        raise StorageUnavailable(msg) from error
    finally:
        lenient.text_factory = before


def _executed(cursor: DBAPICursor, wanted: str, last: int) -> list[tuple[Any, ...]]:
    try:
        cursor.execute(wanted, (last,))
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _text_or_bytes(found: bytes) -> str | bytes:
    try:
        return found.decode()
    except UnicodeDecodeError:
        return found
