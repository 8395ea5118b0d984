"""Keeping damaged segments for a person to look at."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from legato.journal.disk import sync_directory
from legato.journal.layout import QUARANTINE_NAME, SegmentPlace


@dataclass(frozen=True, slots=True)
class JournalAlarm:
    """Bytes of the journal that hold no sound frame: spend may be missing from the ledger.

    Orphans among the lost frames' attempts are closed as unknown when their writer ends.
    """

    segment: str
    offset: int
    skipped_bytes: int
    kept_at: Path


def make_shelf(directory: Path) -> Path:
    """Return the quarantine's directory; made early, since a full disk may refuse it later."""
    shelf = directory / QUARANTINE_NAME
    shelf.mkdir(mode=0o700, parents=True, exist_ok=True)
    return shelf


def quarantine(directory: Path, place: SegmentPlace) -> Path:
    """Keep the segment's file in the quarantine and return its new path; again is harmless.

    A hard link needs no space on a disk that may be full and also keeps what a living writer
    adds later; where links are impossible the file is copied. Raises OSError.
    """
    shelf = make_shelf(directory)
    kept = shelf / f"{place.writer}.{place.path.name}"
    try:
        os.link(place.path, kept)
    except FileExistsError:
        return kept
    except OSError:
        part = kept.with_suffix(".part")
        shutil.copy2(place.path, part)
        part.replace(kept)
    sync_directory(shelf)
    return kept
