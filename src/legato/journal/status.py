"""The journal as it lies on disk, for `legato journal status`. Reads only."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from legato.journal.layout import (
    INGESTER_LOCK_NAME,
    LOCK_NAME,
    QUARANTINE_NAME,
    SegmentPlace,
    list_segments,
    list_writers,
)
from legato.journal.lock import FileLock
from legato.journal.reader import SegmentReader


@dataclass(frozen=True, slots=True)
class WriterStatus:
    """One writer. `bytes_on_disk` counts preallocated room too, `lag_*` what isn't ingested."""

    writer: str
    is_alive: bool
    segments: int
    bytes_on_disk: int
    ingested_segment: str | None
    ingested_offset: int
    lag_frames: int
    lag_bytes: int


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """The journal directory: its writers, what is in quarantine, whether somebody ingests."""

    writers: tuple[WriterStatus, ...]
    quarantined: tuple[str, ...]
    is_ingester_running: bool


def journal_status(directory: Path, offsets: Mapping[str, int]) -> JournalStatus:
    """Describe `directory`; `offsets` are the ledger's (`LedgerSink.offsets`).

    Counts frames by reading them, so it is for people, not for a loop. A directory that doesn't
    exist is an empty journal.
    """
    if not directory.is_dir():
        return JournalStatus((), (), is_ingester_running=False)
    shelf = directory / QUARANTINE_NAME
    return JournalStatus(
        tuple(_writer_status(writer, offsets) for writer in list_writers(directory)),
        tuple(sorted(entry.name for entry in shelf.iterdir())) if shelf.is_dir() else (),
        is_ingester_running=_is_held(directory / INGESTER_LOCK_NAME),
    )


def _writer_status(writer_directory: Path, offsets: Mapping[str, int]) -> WriterStatus:
    segments = list_segments(writer_directory)
    known = [place.name for place in segments if place.name in offsets]
    lag_frames, lag_bytes, bytes_on_disk = 0, 0, 0
    for place in segments:
        with suppress(FileNotFoundError):  # ingested and deleted meanwhile
            frames, payloads_bytes = _lag(place, offsets.get(place.name, 0))
            lag_frames += frames
            lag_bytes += payloads_bytes
            bytes_on_disk += place.path.stat().st_size
    return WriterStatus(
        writer=writer_directory.name,
        is_alive=_is_held(writer_directory / LOCK_NAME),
        segments=len(segments),
        bytes_on_disk=bytes_on_disk,
        ingested_segment=known[-1] if known else None,
        ingested_offset=offsets[known[-1]] if known else 0,
        lag_frames=lag_frames,
        lag_bytes=lag_bytes,
    )


def _lag(place: SegmentPlace, offset: int) -> tuple[int, int]:
    with SegmentReader(place.path) as reader:
        sizes = [len(payload) for _, payload in reader.frames(offset, is_complete=False)]
    return len(sizes), sum(sizes)


def _is_held(path: Path) -> bool:
    try:
        lock = FileLock.try_lock(path, create=False)
    except FileNotFoundError:
        return False
    if lock is None:
        return True
    lock.release()
    return False
