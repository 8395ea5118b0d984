"""Reading a segment: sound frames in order, and where some are unsound, the next sound one.

What lies at the place of the next frame decides:

- a sound frame: it is yielded
- zeros, or an unsound frame with no sound one behind it: the end. While the writer may still
  write here (`is_complete` off) that means wait, else the rest is a torn tail
- an unsound frame with a sound one behind it: damage. It is reported and stepped over
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from legato.journal.frame import (
    FRAME_OVERHEAD_BYTES,
    HEADER_BYTES,
    decode_frame,
    decode_header,
    is_unwritten,
    payload_bytes,
    sound_frames,
)

_FIRST_WINDOW_BYTES: Final = 16 << 10
_WINDOW_BYTES: Final = 256 << 10
"""The first window is small: most polls of a quiet instance find a few frames."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of a segment that holds no sound frame."""

    offset: int
    skipped_bytes: int


@dataclass(slots=True)
class Batch:
    """Frames read in one go. `offset` is where to go on, in bytes from the segment's start."""

    offset: int
    payloads: list[bytes] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    payloads_bytes: int = 0
    is_at_end: bool = False
    torn_bytes: int = 0


class SegmentReader:
    """Reads one segment file, also while another process writes it. Close it after use."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises OSError."""
        self._descriptor = os.open(path, os.O_RDONLY)
        self._window = b""
        self._window_start = 0
        self._window_bytes = _FIRST_WINDOW_BYTES
        self._end = 0
        self._marker: int | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; again is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def frames(self, offset: int = 0, *, is_complete: bool) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, payload) of each sound frame from `offset` to the end so far."""
        position = offset
        while True:
            batch = self.read(position, is_complete=is_complete, frames_max=1)
            for payload in batch.payloads:
                yield batch.offset - len(payload) - FRAME_OVERHEAD_BYTES, payload
            if batch.is_at_end:
                return
            position = batch.offset

    def has_frames_at(self, offset: int) -> bool:
        """Whether something was written at `offset`: one small read, for an idle poll."""
        place = max(offset, HEADER_BYTES)
        return not is_unwritten(os.pread(self._descriptor, FRAME_OVERHEAD_BYTES, place))

    def read(
        self, offset: int, *, is_complete: bool, frames_max: int = 512, bytes_max: int = 1 << 20
    ) -> Batch:
        """Read on from `offset`; at most `frames_max` frames, `bytes_max` plus one frame.

        `is_complete` says that nobody writes here any more. It must have been found out before
        this call, else frames written in between would pass for a torn tail.
        """
        batch = Batch(max(offset, HEADER_BYTES))
        self._window = b""
        if not self._find_marker():
            self._end_unreadable(batch, is_complete=is_complete)
            return batch
        while len(batch.payloads) < frames_max and batch.payloads_bytes < bytes_max:
            if self._take_window(batch, frames_max=frames_max, bytes_max=bytes_max):
                continue
            payload = self._frame_at(batch.offset)
            if payload is not None:  # a frame across the end of the window
                batch.payloads.append(payload)
                batch.payloads_bytes += len(payload)
                batch.offset += len(payload) + FRAME_OVERHEAD_BYTES
            elif not self._step_over(batch, is_complete=is_complete):
                batch.is_at_end = True
                break
        return batch

    def _take_window(self, batch: Batch, *, frames_max: int, bytes_max: int) -> bool:
        """Take the sound frames that lie whole in the window from where the batch stands."""
        if self._marker is None:
            return False
        at = batch.offset - self._window_start
        if not 0 <= at < len(self._window):
            self._bytes_at(batch.offset, 1)
            at = batch.offset - self._window_start
        payloads, taken = sound_frames(
            self._window[at:] if at else self._window,
            batch.offset,
            self._marker,
            frames_max=frames_max - len(batch.payloads),
            bytes_max=bytes_max - batch.payloads_bytes,
        )
        batch.payloads += payloads
        batch.payloads_bytes += taken - FRAME_OVERHEAD_BYTES * len(payloads)
        batch.offset += taken
        return bool(payloads)

    def _step_over(self, batch: Batch, *, is_complete: bool) -> bool:
        """Move past an unsound frame; False at the end."""
        place = batch.offset
        if not is_complete and is_unwritten(self._bytes_at(place, FRAME_OVERHEAD_BYTES)):
            return False
        following = self._next_frame(place + 1)
        if following is None:
            if is_complete:
                batch.torn_bytes = self._written_end(place) - place
            return False
        # A live writer may have finished this frame, and written the next, since we looked.
        self._window = b""
        if self._frame_at(place) is None:
            batch.damages.append(Damage(place, following - place))
            batch.offset = following
        return True

    def _end_unreadable(self, batch: Batch, *, is_complete: bool) -> None:
        """End a segment without a sound header: one not begun yet, or lost altogether."""
        batch.is_at_end = True
        if is_complete and (lost_bytes := self._written_end(0)):
            batch.damages.append(Damage(0, lost_bytes))

    def _find_marker(self) -> bool:
        size = os.fstat(self._descriptor).st_size
        last = max(size - HEADER_BYTES, 0)
        footer = decode_header(os.pread(self._descriptor, HEADER_BYTES, last))
        self._end = size if footer is None else last
        if self._marker is None:
            header = decode_header(os.pread(self._descriptor, HEADER_BYTES, 0))
            self._marker = footer if header is None else header
        return self._marker is not None

    def _frame_at(self, offset: int) -> bytes | None:
        marker = self._marker
        if marker is None:
            return None
        header = self._bytes_at(offset, FRAME_OVERHEAD_BYTES)
        length = payload_bytes(header, marker)
        if length is None:
            return None
        frame = self._bytes_at(offset, FRAME_OVERHEAD_BYTES + length)
        return decode_frame(frame, marker, offset)

    def _bytes_at(self, offset: int, size: int) -> bytes:
        """Return `size` bytes at `offset`, fewer at the end, from a window read ahead."""
        size = max(min(size, self._end - offset), 0)
        start = offset - self._window_start
        if start < 0 or start + size > len(self._window):
            ahead = min(max(size, self._window_bytes), max(self._end - offset, 0))
            self._window = os.pread(self._descriptor, ahead, offset)
            self._window_start = offset
            self._window_bytes = _WINDOW_BYTES
            start = 0
        return self._window[start : start + size]

    def _next_frame(self, offset: int) -> int | None:
        """Return the offset of the first sound frame at or behind `offset`."""
        mark = (self._marker or 0).to_bytes(4, "little")
        while offset < self._end:
            window = self._bytes_at(offset, _WINDOW_BYTES)
            found = window.find(mark)
            if found < 0:
                offset += max(len(window) - len(mark) + 1, 1)
            elif self._frame_at(offset + found) is not None:
                return offset + found
            else:
                offset += found + 1
        return None

    def _written_end(self, offset: int) -> int:
        """Return where the last byte that isn't zero ends, from `offset` on."""
        end = offset
        while offset < self._end:
            window = self._bytes_at(offset, _WINDOW_BYTES)
            written = len(window.rstrip(b"\0"))
            end = offset + written if written else end
            offset += max(len(window), 1)
        return end
