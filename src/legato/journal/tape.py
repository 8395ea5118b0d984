"""Where the next frame goes: the current segment, the step to the next, and bad disks.

`pwrite`, not mmap. Measured on two busy cores, ext4, 300-byte records (benchmarks/journal.py,
median of 5): frame by `pwrite` 2.8 µs, by mmap 1.9, framing and CRC alone 0.6, `append` 4.5 (best
2.8), in groups of 20 2.5. The microsecond mmap saves would be paid with a SIGBUS that kills the
process where `pwrite` returns an error, for a record that is written twice per model call.
Allocating 16 MiB took 0.4 to 0.8 ms.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from legato.journal.disk import Disk
from legato.journal.errors import JournalClosed, JournalFull, JournalPoisoned
from legato.journal.frame import HEADER_BYTES, PAYLOAD_BYTES_MAX, encode_frame
from legato.journal.options import WriterOptions
from legato.journal.segment import OpenSegment
from legato.journal.supply import SegmentSupply

_NEVER: Final = 1 << 62
_CLOSED: Final = -1


class Tape:
    """The segments of one writer as one stretch to write on.

    `position` is where the next frame goes, `end` where the current segment ends, `intent_end`
    the same for everything but settles: a segment that failed an fsync still takes settles when
    there is no other, but no new work.
    """

    def __init__(
        self,
        supply: SegmentSupply,
        options: WriterOptions,
        disk: Disk,
        on_half_used: Callable[[], None],
    ) -> None:
        """Take the first segment. Raises JournalFull."""
        self._supply = supply
        self._options = options
        self._disk = disk
        self._on_half_used = on_half_used
        self._pwrite = disk.write
        self._unsynced: list[OpenSegment] = []
        self.appended = 0
        self.is_poisoned = False
        self._segment = supply.take()
        self._use(self._segment)

    def put(self, payload: bytes) -> None:
        """Write one frame, for which there is room here, in one system call.

        Raises ValueError for a payload of no or too many bytes, JournalPoisoned when the disk
        refuses twice.
        """
        if not 0 < len(payload) <= PAYLOAD_BYTES_MAX:
            raise _wrong_size(payload)
        frame = encode_frame(payload, self._marker, self.position)
        try:
            written = self._pwrite(self._descriptor, frame, self.position)
        except OSError:
            written = 0
        if written != len(frame):
            self._put_elsewhere((payload,))
            return
        self.position += written
        self.appended += 1
        if self.position > self._look_ahead_at:
            self._look_ahead()

    def put_all(self, payloads: Sequence[bytes]) -> None:
        """Write frames one behind the other in one system call; raises as `put` does."""
        for payload in payloads:
            if not 0 < len(payload) <= PAYLOAD_BYTES_MAX:
                raise _wrong_size(payload)
        if not self._wrote(payloads):
            self._put_elsewhere(payloads)
        if self.position > self._look_ahead_at:
            self._look_ahead()

    def make_room(self, size_bytes: int, settles: int) -> None:
        """See to it that `size_bytes` fit here and `settles` largest settles after them.

        Raises JournalFull, or JournalClosed.
        """
        self._require_open()
        while not self._has_room_here(size_bytes, settles):
            if self.position + size_bytes > self.intent_end and self._has_room_next(
                size_bytes, settles
            ):
                self.roll()
                return
            self._require_fits(size_bytes)
            self._supply.prepare()

    def roll(self) -> None:
        """Go on in the next segment. Raises JournalFull, or JournalClosed."""
        self._require_open()
        left, self._segment = self._segment, self._supply.take()
        if self._options.is_power_safe and not self.is_poisoned:
            self._unsynced.append(left)
        else:
            left.close()
        self._use(self._segment)

    def sync_targets(self) -> list[OpenSegment]:
        """Return the segments that may hold frames which are not yet durable."""
        return [*self._unsynced] if self.is_poisoned else [*self._unsynced, self._segment]

    def landed(self, segments: Sequence[OpenSegment], error: OSError | None) -> None:
        """Take the result of an fsync of `segments`; those it failed on are never synced again."""
        if error is None:
            # The last was the current one: it may hold younger frames by now, so it stays due.
            done = segments[:-1]
        else:
            done = segments
            if self._segment in segments:
                self._give_up()
        for segment in done:
            if segment in self._unsynced:
                self._unsynced.remove(segment)
                segment.close()

    def close(self) -> None:
        """Close all files and refuse everything from now on."""
        self.position, self.end, self.intent_end = 0, _CLOSED, _CLOSED
        for segment in (*self._unsynced, self._segment):
            segment.close()

    def _use(self, segment: OpenSegment) -> None:
        self._segment = segment
        self.is_poisoned = False
        self._marker = segment.marker
        self._descriptor = segment.descriptor
        self.position = HEADER_BYTES
        self.end = self.intent_end = segment.end
        self._look_ahead_at = segment.end // 2

    def _look_ahead(self) -> None:
        self._look_ahead_at = _NEVER
        self._on_half_used()

    def _has_room_here(self, size_bytes: int, settles: int) -> bool:
        left = self.intent_end - self.position - size_bytes
        elsewhere = self._supply.spare_count * self._options.settles_per_segment
        return left >= 0 and left // self._options.settle_frame_bytes + elsewhere >= settles

    def _has_room_next(self, size_bytes: int, settles: int) -> bool:
        later = self._supply.spare_count - 1
        left = self._options.capacity_bytes - size_bytes
        if later < 0 or left < 0:
            return False
        here = left // self._options.settle_frame_bytes
        return here + later * self._options.settles_per_segment >= settles

    def _wrote(self, payloads: Sequence[bytes]) -> bool:
        frames = bytearray()
        for payload in payloads:
            frames += encode_frame(payload, self._marker, self.position + len(frames))
        try:
            written = self._pwrite(self._descriptor, bytes(frames), self.position)
        except OSError:
            return False
        if written != len(frames):
            return False
        self.position += written
        self.appended += len(payloads)
        return True

    def _put_elsewhere(self, payloads: Sequence[bytes]) -> None:
        """Leave a segment the disk refused a write in; a torn frame in it is the reader's."""
        self.roll()
        if not self._wrote(payloads):
            message = "the disk refused the spend journal twice"
            raise JournalPoisoned(message)

    def _give_up(self) -> None:
        """Leave the current segment after a failed fsync, if there is another."""
        self.is_poisoned = True
        self.intent_end = 0
        # Without another segment settles go on here, safe from kill -9 at least; intents don't.
        with suppress(JournalFull, JournalClosed):
            self.roll()

    def _require_open(self) -> None:
        if self.end == _CLOSED:
            message = "the spend journal is closed in this process"
            raise JournalClosed(message)

    def _require_fits(self, size_bytes: int) -> None:
        if size_bytes > self._options.capacity_bytes:
            message = f"a record of {size_bytes} bytes doesn't fit a journal segment"
            raise ValueError(message)


def _wrong_size(payload: bytes) -> ValueError:
    return ValueError(f"a journal record has 1 to {PAYLOAD_BYTES_MAX} bytes, not {len(payload)}")
