"""Traces: how finished requests went, many to a row.

A row per request would cost the ledger process as much as the entry that money is counted by,
for something that is read seldom and forgotten soon. So a commit's records go into one row as
the journal has them, with the range of their ids and times around it. A block holds requests
of one organisation and one hour of arrival: so it is bound to a tenant like any row, is found
by the time in a request's id, and ages as one.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select, tuple_

from legato.core.ids import time_ns_of
from legato.core.records import decode_served
from legato.storage.database.prepared import run, run_many
from legato.storage.ledger.batch import ServedHead
from legato.storage.tables.schema import journal_offset, trace_block

log = logging.getLogger(__name__)

Trace = dict[str, Any]
"""A `Served` by field name."""


class TraceHead(msgspec.Struct, frozen=True, array_like=True, tag="r", gc=False):
    """The start of a `Served`, as far as it is narrowed by: what is behind costs most to read."""

    request_id: str
    at_ns: int
    org: str
    team: str
    feature: str
    key_id: str
    surface: str
    model_requested: str
    deployment: str
    provider: str
    model_served: str
    attempts: int
    http_status: int
    error_code: str
    stream: bool
    cache: str


Position = tuple[int, int]
"""Where reading all traces has got to: `last_at_ns` and `id` of a block."""


class Spot(NamedTuple):
    """Where reading the newest traces has got to: behind so many of a block's, newest first."""

    last_at_ns: int
    id: int
    passed: int


class TracePage(NamedTuple):
    """Some traces, and where to go on; None at the end."""

    traces: list[Trace]
    following: Position | None


_BLOCKS_PER_READ: Final = 8
_HOUR_NS: Final = 3_600_000_000_000
_encode = msgspec.msgpack.Encoder().encode
_decode_block = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_head = msgspec.msgpack.Decoder(ServedHead).decode
_decode_trace_head = msgspec.msgpack.Decoder(TraceHead).decode

EMPTY_BLOCK: Final = _encode([])
_BLOCK: Final = trace_block.c
_INSERT: Final = insert(trace_block).values(
    {column.name: bindparam(f"new_{column.name}") for column in _BLOCK if column.name != "id"}
)
_PLACE: Final = select(
    select(journal_offset.c.committed)
    .where(journal_offset.c.segment == bindparam("of_segment"))
    .scalar_subquery(),
    select(func.max(_BLOCK.committed))
    .where(_BLOCK.segment == bindparam("of_segment"))
    .scalar_subquery(),
)
_OF_SEGMENT: Final = select(_BLOCK.records).where(
    _BLOCK.segment == bindparam("of_segment"), _BLOCK.committed > bindparam("after")
)


class Place(NamedTuple):
    """Up to where a segment is committed, and up to where its traces are kept already.

    The second is ahead only of a segment that comes again after its offset was forgotten.
    """

    committed: int
    traced: int


def read_place(connection: Connection, segment: str) -> Place:
    """Look both up, before the offset is moved on."""
    committed, traced = run(connection, _PLACE, of_segment=segment).one()
    return Place(committed or 0, traced or 0)


class Block(NamedTuple):
    """Where a block of traces comes from: what `committed` ends in the journal."""

    segment: str
    committed: int
    place: Place


def add_traces(
    connection: Connection, block: Block, served: Sequence[tuple[ServedHead, bytes]]
) -> None:
    """Keep what a commit brings; what is kept already changes nothing."""
    if block.place.traced > block.place.committed:
        kept = _kept_ids(connection, block.segment, block.place.committed)
        served = [one for one in served if one[0].request_id not in kept]
    groups: dict[tuple[str, int], list[tuple[ServedHead, bytes]]] = defaultdict(list)
    for one in served:
        groups[one[0].org, one[0].at_ns // _HOUR_NS].append(one)
    run_many(connection, _INSERT, [_row(block, records) for records in groups.values()])


def _row(block: Block, served: Sequence[tuple[ServedHead, bytes]]) -> dict[str, Any]:
    ids = [head.request_id for head, _ in served]
    times = [head.at_ns for head, _ in served]
    return {
        "new_segment": block.segment,
        "new_committed": block.committed,
        "new_org": served[0][0].org,
        "new_first_at_ns": min(times),
        "new_last_at_ns": max(times),
        "new_first_id": min(ids),
        "new_last_id": max(ids),
        "new_requests": len(served),
        "new_records": _encode([msgspec.Raw(payload) for _, payload in served]),
    }


def _kept_ids(connection: Connection, segment: str, after: int) -> set[str]:
    rows = run(connection, _OF_SEGMENT, of_segment=segment, after=after).all()
    return {_decode_head(raw).request_id for (records,) in rows for raw in _decode_block(records)}


def find_trace(
    connection: Connection, request_id: str, visible: Sequence[ColumnElement[bool]]
) -> Trace | None:
    """Return the trace of a request, None where there is none."""
    wanted = select(_BLOCK.records).where(
        _BLOCK.last_id >= request_id, _BLOCK.first_id <= request_id, *visible
    )
    made_ns = time_ns_of(request_id)
    if made_ns is not None:  # arrived within moments, in a block that spans an hour at most
        near = _BLOCK.last_at_ns.between(made_ns - _HOUR_NS, made_ns + 2 * _HOUR_NS)
        wanted = wanted.where(near)
    for (records,) in connection.execute(wanted):
        for raw in _decode_block(records):
            if _decode_head(raw).request_id == request_id:
                return next(_traces([raw]), None)
    return None


def read_traces(
    connection: Connection,
    since_ns: int,
    after: Position,
    visible: Sequence[ColumnElement[bool]],
) -> TracePage:
    """Return the traces of the next few blocks behind `after`, each block's by arrival."""
    order = (_BLOCK.last_at_ns, _BLOCK.id)
    wanted = (
        select(_BLOCK.last_at_ns, _BLOCK.id, _BLOCK.records)
        .where(_BLOCK.last_at_ns >= since_ns, tuple_(*order) > after, *visible)
        .order_by(*order)
        .limit(_BLOCKS_PER_READ)
    )
    rows = connection.execute(wanted).all()
    traces: list[Trace] = []
    for _, _, records in rows:
        found = [one for one in _traces(_decode_block(records)) if one["at_ns"] >= since_ns]
        traces += sorted(found, key=itemgetter("at_ns", "request_id"))
    return TracePage(traces, (rows[-1][0], rows[-1][1]) if rows else None)


def newest_blocks(
    connection: Connection,
    before: Spot | None,
    count: int,
    visible: Sequence[ColumnElement[bool]],
) -> list[tuple[Spot, bytes]]:
    """Return the next few blocks, the newest first, each with the spot from which it is read."""
    place = (_BLOCK.last_at_ns, _BLOCK.id)
    wanted = select(*place, _BLOCK.records).where(*visible)
    if before is not None:  # the first condition alone can be looked up in an index
        wanted = wanted.where(
            _BLOCK.last_at_ns <= before.last_at_ns,
            tuple_(*place) <= (before.last_at_ns, before.id),
        )
    newest_first = wanted.order_by(*[one.desc() for one in place]).limit(count)
    found = []
    for last_at_ns, block_id, records in connection.execute(newest_first):
        spot = Spot(last_at_ns, block_id, 0)
        if before is not None and spot[:2] == before[:2]:
            spot = before
        found.append((spot, records))
    return found


def newest_heads(records: bytes) -> list[tuple[TraceHead, msgspec.Raw]]:
    """Return the heads of a block's traces, the newest first, each with its record."""
    heads = []
    for raw in _decode_block(records):
        try:
            heads.append((_decode_trace_head(raw), raw))
        except msgspec.DecodeError as error:
            log.warning("a trace can't be read", extra={"reason": str(error)})
    return sorted(heads, key=lambda one: (one[0].at_ns, one[0].request_id), reverse=True)


def read_trace(record: msgspec.Raw) -> Trace | None:
    """Decode one; None, and told, where another version wrote it otherwise."""
    return next(_traces([record]), None)


def count_traces(connection: Connection, visible: Sequence[ColumnElement[bool]]) -> int:
    """Return how many traces are kept."""
    total = select(func.sum(_BLOCK.requests)).where(*visible)
    return int(connection.execute(total).scalar() or 0)


def _traces(records: Iterable[msgspec.Raw]) -> Iterator[Trace]:
    """Decode records; one that another version wrote otherwise is passed over, and told."""
    for raw in records:
        try:
            served = decode_served(raw)
        except msgspec.DecodeError as error:
            log.warning("a trace can't be read", extra={"reason": str(error)})
            continue
        usage = list(msgspec.structs.astuple(served.usage))
        row = msgspec.structs.asdict(served)
        yield {**row, "stages": list(served.stages), "usage": usage}
