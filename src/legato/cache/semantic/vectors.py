"""One partition's vectors: the nearest by a scan of their signs, then exactly among the best.

A sign a dimension makes 32 bytes of 256 numbers; how many signs differ grows with the angle, so the
few hundred rows that differ least hold the nearest ones (Charikar, "Similarity estimation
techniques from rounding algorithms", 2002; the signs of the vector itself instead of those of
random projections, which found no more). Those are compared exactly. Adding and removing cost the
same however many there are, which no graph does (docs/adr/0009-semantic-index.md).
"""

import numpy as np
from numpy.typing import NDArray

COMPARED_MAX = 256
"""So many rows are compared exactly where a scan chose them."""
COMPARED_OF_BLOCK = 128
"""So many where all lie in one block: of those the nearest stand out more."""
SCANNED_FROM = 768
"""Up to so many rows all are compared exactly: that takes less time than to choose."""
_AT_ONCE = 256
"""Rows turned into floats at a time: larger arrays are mapped and cleared anew by each look-up."""
BLOCK = 8_192
"""Rows of a block: what its scan needs stays in the processor's cache."""
_WORD_BITS = 64
_SCALE = 32_767.0
_ROWS_FIRST = 1
_UINT8_BITS_MAX = 256


class _Block:
    """Rows as 16-bit integers, and their signs by words. It grows, but never past `BLOCK`."""

    __slots__ = ("rows", "signs")

    def __init__(self, dimensions: int, words: int, rows: int) -> None:
        self.rows: NDArray[np.int16] = np.empty((rows, dimensions), np.int16)
        self.signs: NDArray[np.uint64] = np.empty((words, rows), np.uint64)

    def resized(self, rows: int) -> "_Block":
        """Return a block of so many rows, with as many of these as it holds."""
        words, kept = self.signs.shape
        kept = min(kept, rows)
        moved = _Block(self.rows.shape[1], words, rows)
        moved.rows[:kept] = self.rows[:kept]
        moved.signs[:, :kept] = self.signs[:, :kept]
        return moved


def _compared(rows: NDArray[np.int16], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the products of rows with a vector, still `_SCALE` times too large."""
    similar = np.empty(len(rows), np.float32)
    floats = np.empty((min(len(rows), _AT_ONCE), rows.shape[1]), np.float32)
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        some = floats[: len(part)]
        some[:] = part
        np.dot(some, vector, out=similar[start : start + len(part)])
    return similar


def _best(similar: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
    """Return up to `k` places with their cosines, the greatest first; overwrites `similar`.

    Few are wanted, so one pass for each is less than to sort.
    """
    found = []
    for _ in range(min(k, len(similar))):
        place = int(similar.argmax())
        found.append((place, float(similar[place]) / _SCALE))
        similar[place] = -np.inf
    return found


class Vectors:
    """Unit vectors by their entries' ids. Similarities are right to 1e-4."""

    __slots__ = ("_blocks", "_dimensions", "_ids", "_slots", "_words")

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._words = -(-dimensions // _WORD_BITS)
        self._blocks = [_Block(dimensions, self._words, _ROWS_FIRST)]
        self._ids: list[str] = []
        self._slots: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, entry_id: str, vector: NDArray[np.float32]) -> None:
        """Add a unit vector, or replace the one of that id."""
        slot = self._slots.get(entry_id, len(self._ids))
        if slot == len(self._ids):
            self._make_room(slot)
            self._ids.append(entry_id)
            self._slots[entry_id] = slot
        block, row = self._place(slot)
        block.rows[row] = np.rint(vector * _SCALE)
        block.signs[:, row] = self._signs_of(vector)

    def remove(self, entry_id: str) -> None:
        """Remove one that is there; the last one takes its place."""
        slot = self._slots.pop(entry_id)
        last = self._ids.pop()
        count = len(self._ids)
        if last != entry_id:
            self._ids[slot] = last
            self._slots[last] = slot
            (block, row), (source, taken) = self._place(slot), self._place(count)
            block.rows[row] = source.rows[taken]
            block.signs[:, row] = source.signs[:, taken]
        first = self._blocks[0]
        if len(self._blocks) > 1 and count <= (len(self._blocks) - 1) * BLOCK - BLOCK // 2:
            self._blocks.pop()
        elif len(self._blocks) == 1 and _ROWS_FIRST <= count < len(first.rows) // 4:
            self._blocks[0] = first.resized(len(first.rows) // 2)

    def nearest(self, vector: NDArray[np.float32], k: int) -> list[tuple[str, float]]:
        """Return up to `k` ids with their cosine to a unit vector, the nearest first."""
        count = len(self._ids)
        if not count or k < 1:
            return []
        if count <= SCANNED_FROM:
            best = _best(_compared(self._blocks[0].rows[:count], vector), k)
            return [(self._ids[place], value) for place, value in best]
        slots = self._promising(vector)
        best = _best(_compared(self._rows_at(slots), vector), k)
        return [(self._ids[slots[place]], value) for place, value in best]

    def _promising(self, vector: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the slots whose signs differ least, in their order."""
        differing = self._differing(self._signs_of(vector))
        wanted = COMPARED_OF_BLOCK if len(self._blocks) == 1 else COMPARED_MAX
        bound = int(np.bincount(differing).cumsum().searchsorted(wanted))
        chosen = (differing <= bound).nonzero()[0]
        if len(chosen) <= 2 * wanted:
            return chosen
        nearer = (differing < bound).nonzero()[0]
        level = (differing == bound).nonzero()[0][:wanted]
        chosen = np.concatenate((nearer, level))
        chosen.sort()
        return chosen

    def _differing(self, signs: NDArray[np.uint64]) -> NDArray[np.unsignedinteger]:
        count = len(self._ids)
        # 256 signs that all differ wrap to 0 in a byte: compared exactly, and found far off
        kind = np.uint8 if self._dimensions <= _UINT8_BITS_MAX else np.uint16
        column = signs[:, None]
        if count <= BLOCK:
            bits = np.bitwise_count(self._blocks[0].signs[:, :count] ^ column)
            return np.asarray(np.add.reduce(bits, axis=0, dtype=kind))
        total: NDArray[np.unsignedinteger] = np.empty(count, kind)
        for start, block in zip(range(0, count, BLOCK), self._blocks, strict=False):
            part = total[start : start + BLOCK]
            bits = np.bitwise_count(block.signs[:, : len(part)] ^ column)
            np.add.reduce(bits, axis=0, dtype=kind, out=part)
        return total

    def _rows_at(self, slots: NDArray[np.intp]) -> NDArray[np.int16]:
        if len(self._blocks) == 1:
            return self._blocks[0].rows.take(slots, axis=0)
        starts = range(0, len(self._blocks) * BLOCK, BLOCK)
        ends = np.searchsorted(slots, [start + BLOCK for start in starts])
        begin, parts = 0, []
        for block, start, end in zip(self._blocks, starts, ends.tolist(), strict=True):
            if end > begin:
                parts.append(block.rows.take(slots[begin:end] - start, axis=0))
            begin = end
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _signs_of(self, vector: NDArray[np.float32]) -> NDArray[np.uint64]:
        packed = np.packbits(vector > 0)
        if len(packed) != 8 * self._words:
            packed = np.pad(packed, (0, 8 * self._words - len(packed)))
        return packed.view(np.uint64)

    def _make_room(self, slot: int) -> None:
        number, row = divmod(slot, BLOCK)
        if number == len(self._blocks):
            self._blocks.append(_Block(self._dimensions, self._words, BLOCK))
        elif row == len(self._blocks[number].rows):  # the first block, which began small
            self._blocks[number] = self._blocks[number].resized(min(2 * row, BLOCK))

    def _place(self, slot: int) -> tuple[_Block, int]:
        number, row = divmod(slot, BLOCK)
        return self._blocks[number], row
