"""One pass over one writer: commit what is new, delete what is done, bury the dead."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from legato.journal.disk import sync_directory
from legato.journal.layout import LOCK_NAME, SegmentPlace, list_segments
from legato.journal.lock import FileLock
from legato.journal.quarantine import JournalAlarm, quarantine
from legato.journal.reader import Batch, Damage, SegmentReader
from legato.journal.sink import LedgerSink


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """What one commit, and one pass over a writer, may hold."""

    batch_frames: int = 500
    batch_bytes: int = 1 << 20
    batches_per_pass: int = 64


@dataclass(slots=True)
class IngestProgress:
    """What a pass did.

    `torn_bytes` counts what was cut off behind dead writers' last frames, `unreadable` names
    writers whose files the disk refused, and why.
    """

    is_elected: bool = False
    frames: int = 0
    torn_bytes: int = 0
    segments_deleted: int = 0
    writers_finished: list[str] = field(default_factory=list)
    alarms: list[JournalAlarm] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    has_more: bool = False


class WriterDrain:
    """The order of steps is what makes a crash harmless; each is done before the next starts.

    frames and offset committed -> file deleted -> directory synced -> offset forgotten; a dead
    writer's last segment goes only after the ledger has closed its orphans, so that a directory
    without segments has nothing left to tell.
    """

    def __init__(
        self,
        writer_directory: Path,
        sink: LedgerSink,
        offsets: dict[str, int],
        limits: IngestLimits,
    ) -> None:
        """Prepare a pass. `offsets` is the ledger's view and kept in step."""
        self._directory = writer_directory
        self._sink = sink
        self._offsets = offsets
        self._limits = limits
        self._batches_left = limits.batches_per_pass
        self.alarms: list[JournalAlarm] = []

    def run(self, progress: IngestProgress) -> None:
        """Do the pass. Raises SinkUnavailable, and OSError where a file can't be read."""
        lock = self._lock_if_dead()
        is_dead = lock is not None
        try:
            segments = list_segments(self._directory)
            if self._ingest_all(segments, progress, is_dead=is_dead) and is_dead:
                self._bury(list_segments(self._directory), progress)
        finally:
            if lock is not None:
                lock.release()

    def _lock_if_dead(self) -> FileLock | None:
        """Find out whether the writer is dead, before its files are looked at.

        A writer takes its lock before it makes a segment. So a directory without either may be
        a writer's that is about to begin, which copes with our removing the empty directory, but
        segments without a lock file were brought back by hand.
        """
        path = self._directory / LOCK_NAME
        try:
            return FileLock.try_lock(path, create=False)
        except FileNotFoundError:
            if list_segments(self._directory):
                return FileLock.try_lock(path, create=True)
        with suppress(OSError):
            self._directory.rmdir()
        return None

    def _ingest_all(
        self, segments: list[SegmentPlace], progress: IngestProgress, *, is_dead: bool
    ) -> bool:
        """Ingest in the order written; False where something is left for a later pass."""
        for index, place in enumerate(segments):
            is_last = index + 1 == len(segments)
            is_left = not is_last and _is_begun(segments[index + 1 :])
            if not self._ingest(place, progress, is_complete=is_dead or is_left, is_left=is_left):
                return False
            if not is_dead and not is_left:
                return False
            if not is_last:
                self._delete(place, progress)
        return True

    def _ingest(
        self, place: SegmentPlace, progress: IngestProgress, *, is_complete: bool, is_left: bool
    ) -> bool:
        """Commit the segment's frames; True when its end is reached."""
        offset = self._offsets.get(place.name, 0)
        with SegmentReader(place.path) as reader:
            if not is_complete and not reader.has_frames_at(offset):
                return True
            while True:
                if self._batches_left == 0:
                    progress.has_more = True
                    return False
                self._batches_left -= 1
                batch = reader.read(
                    offset,
                    is_complete=is_complete,
                    frames_max=self._limits.batch_frames,
                    bytes_max=self._limits.batch_bytes,
                )
                alarms = self._keep_damaged(place, batch, is_left=is_left)
                self._commit(place, batch, progress)
                self.alarms.extend(alarms)
                progress.torn_bytes += batch.torn_bytes
                if batch.is_at_end:
                    return True
                offset = batch.offset

    def _keep_damaged(
        self, place: SegmentPlace, batch: Batch, *, is_left: bool
    ) -> list[JournalAlarm]:
        """Quarantine the segment, before its damage is stepped over for good; say what to report.

        A torn tail is what a kill leaves behind; in a segment its writer left in an orderly way
        it is damage too.
        """
        damages = list(batch.damages)
        if batch.torn_bytes and is_left:
            damages.append(Damage(batch.offset, batch.torn_bytes))
        if not damages:
            return []
        kept_at = quarantine(self._directory.parent, place)
        return [
            JournalAlarm(place.name, damage.offset, damage.skipped_bytes, kept_at)
            for damage in damages
        ]

    def _commit(self, place: SegmentPlace, batch: Batch, progress: IngestProgress) -> None:
        if batch.payloads:
            self._sink.commit(place.name, batch.offset, batch.payloads)
            self._offsets[place.name] = batch.offset
            progress.frames += len(batch.payloads)

    def _bury(self, segments: list[SegmentPlace], progress: IngestProgress) -> None:
        """Finish a dead writer, all of whose frames are committed, and remove its directory."""
        writer = self._directory.name
        if segments:
            self._sink.writer_finished(writer)
            progress.writers_finished.append(writer)
        for place in segments:
            self._delete(place, progress)
        for name in [name for name in self._offsets if name.startswith(f"{writer}/")]:
            self._forget(name)  # deleted by an ingester that was killed just then
        (self._directory / LOCK_NAME).unlink(missing_ok=True)
        self._directory.rmdir()
        sync_directory(self._directory.parent)

    def _delete(self, place: SegmentPlace, progress: IngestProgress) -> None:
        place.path.unlink(missing_ok=True)
        sync_directory(self._directory)
        progress.segments_deleted += 1
        if place.name in self._offsets:
            self._forget(place.name)

    def _forget(self, name: str) -> None:
        self._sink.forget_segment(name)
        self._offsets.pop(name, None)


def _is_begun(segments: list[SegmentPlace]) -> bool:
    """Whether any of these has a frame: then the writer has left the segments before them."""
    for place in segments:
        with SegmentReader(place.path) as reader:
            if reader.has_frames_at(0):
                return True
    return False
