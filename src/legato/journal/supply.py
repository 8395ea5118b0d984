"""Segments allocated ahead of need, within the disk and the journal's budget."""

import errno
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from legato.journal.disk import Disk
from legato.journal.errors import JournalFull
from legato.journal.layout import segment_place, segments_bytes
from legato.journal.options import WriterOptions
from legato.journal.segment import OpenSegment

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class SegmentSupply:
    """Spare segments in the order they will be used. `prepare` may run in another thread."""

    def __init__(self, writer_directory: Path, options: WriterOptions, disk: Disk) -> None:
        """Allocate nothing yet."""
        self._directory = writer_directory
        self._options = options
        self._disk = disk
        self._lock = threading.Lock()
        self._spares: deque[OpenSegment] = deque()
        self._numbered = 0
        self._refused_until_ns = 0
        self.refusals = 0

    @property
    def spare_count(self) -> int:
        """How many empty segments stand ready."""
        return len(self._spares)

    def prepare(self) -> None:
        """Allocate one more spare. Raises JournalFull when disk or budget has no room."""
        with self._lock:
            self._allocate()

    def prepare_first_spare(self) -> None:
        """Allocate a spare if none stands ready. Raises JournalFull."""
        with self._lock:
            if not self._spares:
                self._allocate()

    def try_prepare_first_spare(self) -> None:
        """Allocate a spare if none stands ready and there is room for it.

        A refusal is counted, and raised where the room is really needed.
        """
        with suppress(JournalFull):
            self.prepare_first_spare()

    def take(self) -> OpenSegment:
        """Return the next segment to write to. Raises JournalFull when there is none."""
        with self._lock:
            if not self._spares:
                self._allocate()
            return self._spares.popleft()

    def close(self) -> None:
        """Delete what was never written to."""
        with self._lock:
            while self._spares:
                self._spares.pop().discard()

    def abandon(self) -> None:
        """Close the files but leave them in place: in a forked child they are the parent's."""
        for spare in self._spares:
            spare.close()

    def _allocate(self) -> None:
        # A refused allocation costs milliseconds; a storm of calls must not pay it each time.
        if time.perf_counter_ns() < self._refused_until_ns:
            raise self._full()
        try:
            self._require_budget()
            self._spares.append(self._create())
        except OSError as error:
            self._refuse_for_a_while()
            if error.errno in _NO_ROOM:
                raise self._full() from error
            message = f"a journal segment can't be created: {error.strerror}"
            raise JournalFull(message) from error
        except JournalFull:
            self._refuse_for_a_while()
            raise

    def _create(self) -> OpenSegment:
        place = segment_place(self._directory, self._numbered + 1)
        is_durable = self._options.is_power_safe
        size_bytes = self._options.segment_bytes
        segment = OpenSegment.create(place, size_bytes, self._disk, is_durable=is_durable)
        self._numbered += 1
        return segment

    def _require_budget(self) -> None:
        limit = self._options.journal_bytes_max
        if limit is None:
            return
        if segments_bytes(self._directory.parent) + self._options.segment_bytes > limit:
            raise self._full()

    def _refuse_for_a_while(self) -> None:
        self.refusals += 1
        pause_ns = int(self._options.refusal_s * 1e9)
        self._refused_until_ns = time.perf_counter_ns() + pause_ns

    def _full(self) -> JournalFull:
        return JournalFull(
            "the spend journal is full: free disk space or raise journal_bytes_max",
            retry_after_s=self._options.refusal_s,
        )
