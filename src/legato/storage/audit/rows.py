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

_ENTRIES_PER_READ: Final = 500
"""Some 3 KB each while they are here."""
_BLOCKS_PER_READ: Final = 4
"""Some 100 to 200 KB each."""

# A column that comes later is no part of an older form: what was sealed must stay verifiable.
_FIRST_FORM: Final = (
    "id", "request_id", "attempt", "org", "team", "feature", "key_id", "end_user", "tags",
    "model_requested", "route", "deployment", "provider", "model", "region", "price_version",
    "baseline_model", "config_version", "versions", "arm", "measures", "kind", "seq", "at_ns",
    "period", "in_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "out_text",
    "reasoning", "audio_in", "audio_out", "image_in", "image_out", "units", "usage_source",
    "cost", "baseline_cost", "model_served", "status", "http_status", "total_us",
    "first_token_us", "gateway_us", "budget_id", "budget_at_ns", "original_at_ns",
    "reverses_entry", "provisional",
)  # fmt: skip
ENTRY_FORM: Final = (
    *_FIRST_FORM[:-1],
    "step_cache", "step_shortening", "step_routing", "step_prompt_cache", "step_tier",
    "step_overhead",
    _FIRST_FORM[-1],
)  # fmt: skip
"""What is sealed of an entry today."""
_ENTRY_FORMS: Final = {1: _FIRST_FORM, FORM: ENTRY_FORM}
_BLOCK_FORM: Final = 1
_AT: Final = _FIRST_FORM.index("at_ns")
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

    def __call__(
        self, connection: Connection, after: int | None, last: int, form: int, /
    ) -> Iterator[Row]:
        """From the lowest there is where `after` is None, in a form. Raises StorageUnavailable."""
        ...


def entries(connection: Connection, after: int | None, last: int, form: int) -> Iterator[Row]:
    """Yield entries of the ledger."""
    # one value for a truth on either database
    names = ", ".join(_ENTRY_FORMS.get(form, ENTRY_FORM)[:-1])
    found = f"SELECT {names}, CAST(provisional AS INTEGER) FROM ledger_entry"  # noqa: S608
    for row in _read(connection, found, (after, last), _ENTRIES_PER_READ):
        yield Row(Item(row[0], row[_AT], leaf_hash(entry_leaf(row, form))))


def entries_between(
    connection: Connection, org: str, start_ns: int, end_ns: int
) -> Iterator[tuple[Any, ...]]:
    """Yield an organisation's entries of a time, each as its leaf is written, by their ids."""
    mark = "?" if is_sqlite(connection) else "%s"
    bounds = f"SELECT min(id), max(id) FROM ledger_entry WHERE at_ns >= {mark} AND at_ns < {mark}"  # noqa: S608
    ((first, last),) = _executed(connection.connection.cursor(), bounds, start_ns, end_ns)
    names = ", ".join(ENTRY_FORM[:-1])
    # "+ 0": a page is read in the order of ids, not sorted anew out of the index of times
    found = (
        f"SELECT {names}, CAST(provisional AS INTEGER) FROM ledger_entry "  # noqa: S608
        f"WHERE id >= {mark} AND id <= {mark} AND org = {mark} "
        f"AND at_ns + 0 >= {mark} AND at_ns + 0 < {mark} ORDER BY id LIMIT {_ENTRIES_PER_READ:d}"
    )
    while first is not None:
        cursor = connection.connection.cursor()
        rows = _executed(cursor, found, first, last, org, start_ns, end_ns)
        yield from rows
        if len(rows) < _ENTRIES_PER_READ:
            return
        first = rows[-1][0] + 1


def entry_leaf(row: tuple[Any, ...], form: int = FORM) -> bytes:
    """Return the bytes of an entry that are hashed, in the order of its form."""
    return _encode((form, *row))


def blocks(connection: Connection, after: int | None, last: int, _form: int) -> Iterator[Row]:
    """Yield blocks of decisions; one that was emptied because all of it had its time isn't."""
    found = f"SELECT {', '.join(_HEAD)}, records FROM trace_block"  # noqa: S608
    for row in _read(connection, found, (after, last), _BLOCKS_PER_READ):
        *said, records = row
        if not said[-1]:
            continue
        head = _encode((_BLOCK_FORM, *said))
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


def _executed(cursor: DBAPICursor, wanted: str, *values: int | str) -> list[tuple[Any, ...]]:
    try:
        cursor.execute(wanted, values)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _text_or_bytes(found: bytes) -> str | bytes:
    try:
        return found.decode()
    except UnicodeDecodeError:
        return found
