"""Looks at what segments anchor: whether each row that is kept is as it was sealed."""

from typing import Final

import msgspec

from legato.audit.segments import (
    RETENTION_ACTION,
    SEAL_ACTION,
    Seal,
    SegmentFault,
    SegmentKind,
    find_segment_fault,
    seal_of,
)
from legato.storage.audit.log import AuditFilter, AuditLog
from legato.storage.audit.segments import Segments

_MAY_GO: Final = frozenset({SegmentKind.DECISIONS})
"""What retention deletes; an event that says so of anything else changes nothing."""


class Sealed(msgspec.Struct):
    """What was looked at of one kind, and what waits to be sealed."""

    segments: int = 0
    records: int = 0
    """Entries, or requests that were decided."""
    last: int = 0
    newest: int = 0


class LookedAt(msgspec.Struct, frozen=True):
    """The first fault of all segments, None where there is none; and what there is by kind."""

    fault: SegmentFault | None
    kinds: dict[str, Sealed]


def look_at_segments(log: AuditLog, segments: Segments) -> LookedAt:
    """Look at every segment of a log that was found whole before; one is in memory at a time.

    Raises:
        StorageUnavailable: the database is away, or a row can't be read.
    """
    kept_from = _kept_from(log)
    kinds = {kind.value: Sealed() for kind in SegmentKind}
    for stored in log.all(AuditFilter(action=SEAL_ACTION)):
        event = stored.event
        try:
            seal = seal_of(event)
        except ValueError as error:
            fault = SegmentFault(event.subject.id, event.index, None, str(error))
            return LookedAt(fault, kinds)
        found = kinds.get(seal.kind)
        if found is None or (seal.number, seal.after) != (found.segments, found.last):
            told = "it doesn't begin where the one before it ends"
            return LookedAt(SegmentFault(event.subject.id, event.index, None, told), kinds)
        fault_ = _fault(segments, (event.index, seal), kept_from.get(seal.kind, 0))
        if fault_ is not None:
            latest = _kept_from(log)  # retention may have deleted rows since
            if latest != kept_from:
                kept_from = latest
                fault_ = _fault(segments, (event.index, seal), kept_from.get(seal.kind, 0))
        if fault_ is not None:
            return LookedAt(fault_, kinds)
        found.segments += 1
        found.records += seal.records
        found.last = seal.last
    for kind in SegmentKind:
        kinds[kind].newest = segments.unsealed(kind)[1]
    return LookedAt(None, kinds)


def _fault(segments: Segments, sealed: tuple[int, Seal], kept_from_ns: int) -> SegmentFault | None:
    seal = sealed[1]
    beside = segments.stored(seal.kind, seal.number)
    with segments.items(seal) as rows:
        return find_segment_fault(sealed, beside, rows, kept_from_ns)


def _kept_from(log: AuditLog) -> dict[str, int]:
    """Return by kind before which time rows may be missing."""
    found: dict[str, int] = {}
    for stored in log.all(AuditFilter(action=RETENTION_ACTION)):
        event = stored.event
        kind, before = event.subject.id, event.details.get("before_ns")
        if kind in _MAY_GO and isinstance(before, int):
            found[kind] = max(found.get(kind, 0), before)
    return found
