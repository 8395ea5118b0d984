"""Where things lie below the journal directory.

journal/ingester.lock
journal/<boot>-<worker>/lock            held by the writer for its life
journal/<boot>-<worker>/00000001.seg
journal/quarantine/<boot>-<worker>.00000001.seg
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOCK_NAME: Final = "lock"
INGESTER_LOCK_NAME: Final = "ingester.lock"
QUARANTINE_NAME: Final = "quarantine"

_SEGMENT: Final = re.compile(r"(\d{8})\.seg")
_WRITER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


@dataclass(frozen=True, slots=True, order=True)
class SegmentPlace:
    """One segment file of one writer."""

    writer: str
    number: int
    path: Path

    @property
    def name(self) -> str:
        """The name the ledger knows it by: "<writer>/<NNNNNNNN>"."""
        return f"{self.writer}/{self.number:08d}"


def is_writer_name(name: str) -> bool:
    """Whether `name` may be a writer's directory: a plain word that isn't one of ours."""
    return _WRITER.fullmatch(name) is not None and name != QUARANTINE_NAME


def segment_place(writer_directory: Path, number: int) -> SegmentPlace:
    """Return the place of a writer's segment by its number."""
    return SegmentPlace(writer_directory.name, number, writer_directory / f"{number:08d}.seg")


def list_segments(writer_directory: Path) -> list[SegmentPlace]:
    """Return the writer's segments in the order they were written; none if it is gone."""
    try:
        names = [entry.name for entry in writer_directory.iterdir()]
    except FileNotFoundError:
        return []
    numbers = sorted(int(match[1]) for name in names if (match := _SEGMENT.fullmatch(name)))
    return [segment_place(writer_directory, number) for number in numbers]


def list_writers(directory: Path) -> list[Path]:
    """Return the directories of all writers, living or dead, by name."""
    return sorted(
        entry for entry in directory.iterdir() if is_writer_name(entry.name) and entry.is_dir()
    )


def segments_bytes(directory: Path) -> int:
    """Return the bytes all writers' segments take; quarantined ones don't count."""
    total = 0
    for writer in list_writers(directory):
        for place in list_segments(writer):
            try:
                total += place.path.stat().st_size
            except FileNotFoundError:  # the ingester was quicker
                continue
    return total
