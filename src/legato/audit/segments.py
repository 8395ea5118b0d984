"""High-volume records in the log: many rows under one Merkle root, which one event anchors.

A segment holds consecutive rows of a kind, by their ids. Each row is one item: an entry of the
ledger has one leaf; a block of decisions has its head, then a leaf for each request in it. What
retention drops of a segment takes nothing from its root; the heads say what was old enough to go.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from legato.audit.event import Act, Detail, Event, Subject
from legato.audit.merkle import HASH_BYTES, frontier_of, leaf_hash

SEAL_ACTION: Final = "segment.seal"
RETENTION_ACTION: Final = "retention.apply"
FORM: Final = 2
"""How the leaves of a segment are written; another one needs another number."""


class SegmentKind(StrEnum):
    """What is sealed."""

    LEDGER = "ledger"
    DECISIONS = "decisions"


class Item(msgspec.Struct, frozen=True):
    """A row as it is sealed: its id, its time, and the hash of each of its leaves in a row."""

    id: int
    at_ns: int
    hashes: bytes


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What the log says of a segment: rows with ids behind `after`, up to `last`."""

    kind: str
    number: int
    form: int
    after: int
    last: int
    items: int
    leaves: int
    first_at_ns: int
    last_at_ns: int
    root: str
    """Of the tree over its leaves, in hex."""

    @property
    def records(self) -> int:
        """How many entries, or requests, it holds: the heads of blocks are none."""
        return self.leaves if self.kind == SegmentKind.LEDGER else self.leaves - self.items

    def act(self) -> Act:
        """Return what is recorded of it: the instance's, since rows of all tenants are in it."""
        said = msgspec.structs.asdict(self)
        details: dict[str, Detail] = {name: said[name] for name in _DETAILS}
        return Act(
            "", SEAL_ACTION, Subject("segment", f"{self.kind}/{self.number}", self.root),
            details=details,
        )  # fmt: skip


_DETAILS: Final = ("form", "after", "last", "items", "leaves", "first_at_ns", "last_at_ns")


def seal_of(event: Event) -> Seal:
    """Read what `Seal.act` recorded. Raises ValueError."""
    kind, _, number = event.subject.id.partition("/")
    try:
        return msgspec.convert(
            {**event.details, "kind": kind, "number": int(number), "root": event.subject.digest},
            Seal,
        )
    except (msgspec.ValidationError, ValueError) as error:
        msg = f"event {event.index} seals no segment that this version reads: {error}"
        raise ValueError(msg) from None


def root_of_leaves(hashes: bytes) -> str:
    """Return the root, in hex, over leaf hashes in a row. Raises ValueError for half a hash."""
    return frontier_of(split_hashes(hashes)).root.hex()


def split_hashes(hashes: bytes) -> Iterator[bytes]:
    """Yield them one by one, as there are thousands. Raises ValueError for half a hash."""
    if len(hashes) % HASH_BYTES:
        msg = "a row of hashes has 32 bytes for each"
        raise ValueError(msg)
    return (hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES))


class StoredSegment(msgspec.Struct, frozen=True):
    """What lies beside the rows: the hashes, and of decisions the heads of their blocks."""

    hashes: bytes
    heads: tuple[bytes, ...]
    """A block's head names its id, its newest time and how many requests it holds."""


class SegmentFault(msgspec.Struct, frozen=True):
    """The first row that isn't as it was sealed; `row` is its id, None where it can't be told."""

    segment: str
    event: int
    row: int | None
    told: str


Fault = Callable[[int | None, str], SegmentFault]
"""Makes one of a segment: of a row, and what is told of it."""


class Head(msgspec.Struct, frozen=True, array_like=True):
    """The first leaf of a block, as it is written: JSON, in this order."""

    form: int
    id: int
    org: str
    segment: str
    committed: int
    first_at_ns: int
    last_at_ns: int
    first_id: str
    last_id: str
    requests: int


_head_decode: Final = msgspec.json.Decoder(Head).decode


def find_segment_fault(
    sealed: tuple[int, Seal], stored: StoredSegment | None, rows: Iterable[Item], kept_from_ns: int
) -> SegmentFault | None:
    """Return the first fault of a segment; `sealed` is the event's index and what it says.

    `rows` are those there are in its range, by their ids. What is older than `kept_from_ns` may
    be missing, where `stored` can prove that it was so old.
    """
    index, seal = sealed
    name = f"{seal.kind}/{seal.number}"

    def fault(row: int | None, told: str) -> SegmentFault:
        return SegmentFault(name, index, row, told)

    if seal.last_at_ns < kept_from_ns and (stored is None or not stored.hashes):
        # all of it had its time: nothing but the root is kept, and what else there is goes soon
        extra = next((one for one in rows if one.at_ns >= kept_from_ns), None)
        return None if extra is None else fault(extra.id, f"row {extra.id} was added to it")
    there = list(rows)
    whole = b"".join(item.hashes for item in there)
    if root_of_leaves(whole) == seal.root:
        if stored is not None and stored.hashes == whole:
            return None
        return fault(None, "the hashes beside its rows were changed; the rows are as sealed")
    if stored is None or not _met(stored.hashes, seal.root):
        return fault(None, "its rows aren't what was sealed, nor are the hashes beside them")
    try:
        expected = _expected(seal, stored)
    except ValueError as error:
        return fault(None, str(error))
    return _first_difference(there, expected, kept_from_ns, fault)


class _Expected(msgspec.Struct, frozen=True):
    """An item by its hashes; `id` and `at_ns` are known where there is a head."""

    hashes: bytes
    id: int | None
    at_ns: int | None


def _met(hashes: bytes, root: str) -> bool:
    try:
        return root_of_leaves(hashes) == root
    except ValueError:
        return False


def _expected(seal: Seal, stored: StoredSegment) -> list[_Expected]:
    if seal.kind == SegmentKind.LEDGER:
        return [_Expected(one, None, None) for one in split_hashes(stored.hashes)]
    found, at = [], 0
    for leaf in stored.heads:
        try:
            head = _head_decode(leaf)
        except msgspec.MsgspecError:
            break
        end = at + (1 + head.requests) * HASH_BYTES
        if stored.hashes[at : at + HASH_BYTES] != leaf_hash(leaf):
            break
        found.append(_Expected(stored.hashes[at:end], head.id, head.last_at_ns))
        at = end
    if at != len(stored.hashes):
        msg = "the heads beside its rows were changed, and so were the rows"
        raise ValueError(msg)
    return found


def _first_difference(
    there: Sequence[Item],
    expected: Sequence[_Expected],
    kept_from_ns: int,
    fault: Callable[[int | None, str], SegmentFault],
) -> SegmentFault | None:
    known = {one.hashes for one in expected}
    present = {one.hashes for one in there}
    rows: Iterator[Item] = iter(there)
    row = next(rows, None)
    for one in expected:
        if row is not None and row.hashes == one.hashes:
            row = next(rows, None)
            continue
        if one.at_ns is not None and one.at_ns < kept_from_ns and one.hashes not in present:
            if row is not None and row.id == one.id:
                return fault(row.id, f"row {row.id} isn't what was sealed")
            continue  # it had its time
        if row is None:
            missing = "" if one.id is None else f" {one.id}"
            return fault(one.id, f"row{missing} at its end is missing")
        if row.hashes in known:
            return fault(row.id, f"what stood before row {row.id} is missing")
        if one.hashes in present:
            return fault(row.id, f"row {row.id} was added")
        return fault(row.id, f"row {row.id} isn't what was sealed{_which(row, one)}")
    return None if row is None else fault(row.id, f"row {row.id} was added")


def _which(row: Item, one: _Expected) -> str:
    """Say which request of a block it is, where its head and their number are as sealed."""
    if len(row.hashes) == HASH_BYTES or row.hashes[:HASH_BYTES] != one.hashes[:HASH_BYTES]:
        return ""
    pairs = zip(split_hashes(row.hashes), split_hashes(one.hashes), strict=False)
    at = next((at for at, (is_, was) in enumerate(pairs) if is_ != was), None)
    return "" if at is None else f", at its request {at - 1}"
