"""One segment file being written: preallocated, so that appending never needs new space."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from legato.journal.disk import Disk, sync_directory
from legato.journal.frame import HEADER_BYTES, encode_header
from legato.journal.layout import SegmentPlace


@dataclass(slots=True, eq=False)
class OpenSegment:
    """A segment open for writing. `end` is the first byte (the footer's) frames can't take."""

    place: SegmentPlace
    descriptor: int
    marker: int
    end: int

    @classmethod
    def create(cls, place: SegmentPlace, size_bytes: int, disk: Disk, *, is_durable: bool) -> Self:
        """Allocate a new segment file. Raises OSError, leaving nothing behind."""
        descriptor = os.open(place.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            marker = secrets.randbelow(0xFFFF_FFFF) + 1
            disk.allocate(descriptor, size_bytes)
            end = size_bytes - HEADER_BYTES
            os.pwrite(descriptor, encode_header(marker), end)
            # The header last: whoever sees it sees a whole segment.
            os.pwrite(descriptor, encode_header(marker), 0)
            if is_durable:
                disk.sync(descriptor)
                sync_directory(place.path.parent)
        except OSError:
            os.close(descriptor)
            place.path.unlink()
            raise
        return cls(place, descriptor, marker, end)

    def close(self) -> None:
        """Close the file; again is harmless."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def discard(self) -> None:
        """Close and delete a segment that holds no frame."""
        self.close()
        with suppress(FileNotFoundError):
            self.place.path.unlink()
