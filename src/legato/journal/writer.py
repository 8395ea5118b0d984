"""The writer's side of the journal: one `pwrite` per record, and always room to settle.

Room: an open intent reserves a frame of `settle_bytes_max`. An intent is refused, unwritten,
unless after it the current segment and the spare ones together still hold the settles of all
open intents; so a settle never asks the disk for a new segment.
"""

import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from legato.journal.commit import GroupCommit
from legato.journal.disk import Disk, sync_directory
from legato.journal.errors import JournalFull
from legato.journal.frame import FRAME_OVERHEAD_BYTES
from legato.journal.options import WriterOptions
from legato.journal.supply import SegmentSupply
from legato.journal.tape import Tape
from legato.journal.writer_directory import claim_writer_directory


class JournalWriter:
    """The journal of one process life, for one event loop. Open it after the last fork.

    A forked child's copy refuses every append; the lock stays the parent's alone.
    """

    def __init__(
        self,
        directory: Path,
        writer_id: str,
        options: WriterOptions | None = None,
        *,
        on_half_used: Callable[[], None] | None = None,
        disk: Disk | None = None,
    ) -> None:
        """Claim `directory/<writer_id>/` and allocate its first segment.

        `on_half_used` is called once per segment when it is time to run `prepare`, in a thread,
        say. Without it the next segment is allocated within the append (under a millisecond), or
        where that takes an fsync, under durability "power", in the committing thread.
        Raises JournalInUse (the id was used before) and JournalFull.
        """
        self._options = options or WriterOptions()
        self._disk = disk or Disk()
        self._settle_frame_bytes = self._options.settle_frame_bytes
        self._open_intents = 0
        self._is_closed = False
        own_directory, self._lock = claim_writer_directory(directory, writer_id)
        self._supply = SegmentSupply(own_directory, self._options, self._disk)
        try:
            look_ahead = on_half_used or self._look_ahead
            self._tape = Tape(self._supply, self._options, self._disk, look_ahead)
        except JournalFull:
            self._lock.release()  # the ingester removes the empty directory
            raise
        self._commit: GroupCommit | None = None
        if self._options.is_power_safe:
            sync_directory(directory)
            self._commit = GroupCommit(self._disk.sync, self._tape)
        reference = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _disown(reference))

    @property
    def open_intents(self) -> int:
        """Intents whose settle is still to come."""
        return self._open_intents

    @property
    def refusals(self) -> int:
        """How often disk or budget had no room for a new segment."""
        return self._supply.refusals

    def append_intent(self, payload: bytes) -> None:
        """Write an intent and reserve the room of its settle. Raises JournalFull, unwritten."""
        tape = self._tape
        size_bytes = len(payload) + FRAME_OVERHEAD_BYTES
        reserved_bytes = (self._open_intents + 1) * self._settle_frame_bytes
        if tape.position + size_bytes + reserved_bytes > tape.intent_end:
            tape.make_room(size_bytes, self._open_intents + 1)
        tape.put(payload)
        self._open_intents += 1

    def append_settled(self, payload: bytes) -> None:
        """Write the outcome of an open intent; up to `settle_bytes_max` it is never refused.

        A settle without an open intent (a late one), or a larger one, goes where there is room
        that nobody reserved. Raises JournalFull only then, or JournalPoisoned.
        """
        tape = self._tape
        size_bytes = len(payload) + FRAME_OVERHEAD_BYTES
        if self._open_intents == 0 or size_bytes > self._settle_frame_bytes:
            tape.make_room(size_bytes, max(self._open_intents - 1, 0))
        elif tape.position + size_bytes > tape.end:
            tape.roll()
        tape.put(payload)
        self._open_intents = max(self._open_intents - 1, 0)

    def append(self, payload: bytes) -> None:
        """Write a record that reserves nothing (a stream's progress). Raises JournalFull."""
        tape = self._tape
        size_bytes = len(payload) + FRAME_OVERHEAD_BYTES
        reserved_bytes = self._open_intents * self._settle_frame_bytes
        if tape.position + size_bytes + reserved_bytes > tape.intent_end:
            tape.make_room(size_bytes, self._open_intents)
        tape.put(payload)

    def append_many(self, payloads: Sequence[bytes]) -> None:
        """Write records as `append` does, in one `pwrite` where one segment can hold them.

        Raises JournalFull; of a call larger than a segment a part may then be written.
        """
        for group in _groups(payloads, self._options.capacity_bytes):
            self._tape.make_room(_frames_bytes(group), self._open_intents)
            self._tape.put_all(group)

    async def commit(self) -> None:
        """Make everything appended so far durable. Call it with no `await` after the append.

        Returns at once under durability "process". Raises JournalPoisoned when the disk refused:
        the intent must not be dispatched, only settled as not sent.
        """
        if self._commit is not None:
            await self._commit.wait()

    def prepare(self) -> None:
        """Allocate the next segment unless one stands ready; any thread. Raises JournalFull."""
        self._supply.prepare_first_spare()

    def close(self) -> None:
        """Sync what is due, drop unused segments, free the lock: the ingester takes the rest."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._commit is not None:
                self._commit.close()
                for segment in self._tape.sync_targets():
                    self._disk.sync(segment.descriptor)
        finally:
            self._tape.close()
            self._supply.close()
            self._lock.release()

    def _look_ahead(self) -> None:
        if self._commit is None:
            self._supply.try_prepare_first_spare()
        else:
            self._commit.run_aside(self._supply.try_prepare_first_spare)


def _frames_bytes(payloads: Sequence[bytes]) -> int:
    return sum(map(len, payloads)) + len(payloads) * FRAME_OVERHEAD_BYTES


def _groups(payloads: Sequence[bytes], capacity_bytes: int) -> Iterator[list[bytes]]:
    """Cut records into runs that each fit a segment."""
    group: list[bytes] = []
    for payload in payloads:
        if group and _frames_bytes(group) + len(payload) + FRAME_OVERHEAD_BYTES > capacity_bytes:
            yield group
            group = []
        group.append(payload)
    if group:
        yield group


def _disown(reference: weakref.ref[JournalWriter]) -> None:
    """In a forked child: close the parent's files, write and delete nothing."""
    writer = reference()
    if writer is not None:
        writer._is_closed = True  # noqa: SLF001 - part of this class, outside for the weak reference
        writer._tape.close()  # noqa: SLF001
        writer._supply.abandon()  # noqa: SLF001
