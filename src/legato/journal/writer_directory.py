"""Claiming a writer's directory, in a race with an ingester that tidies up after the dead."""

import time
from pathlib import Path
from typing import Final

from legato.journal.errors import JournalInUse
from legato.journal.layout import LOCK_NAME, is_writer_name
from legato.journal.lock import FileLock

_TRIES: Final = 200
_PAUSE_S: Final = 0.005


def claim_writer_directory(directory: Path, writer_id: str) -> tuple[Path, FileLock]:
    """Create and lock `directory/<writer_id>/`.

    Raises JournalInUse where the directory exists, ValueError for an id that is no plain name.
    """
    if not is_writer_name(writer_id):
        message = f"a writer id is made of letters, digits, '-' and '_', not {writer_id!r}"
        raise ValueError(message)
    writer_directory = directory / writer_id
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        writer_directory.mkdir(mode=0o700)
    except FileExistsError as error:
        raise _in_use(writer_id) from error
    return writer_directory, _lock(writer_directory)


def _lock(writer_directory: Path) -> FileLock:
    """Lock a new directory.

    The ingester may take it for a dead writer's before the lock is on, and remove it; and whoever
    asks whether a writer lives holds its lock for a moment. So: look again until it is ours.
    """
    path = writer_directory / LOCK_NAME
    for _ in range(_TRIES):
        try:
            writer_directory.mkdir(mode=0o700, exist_ok=True)
            lock = FileLock.try_lock(path, create=True)
        except (FileExistsError, FileNotFoundError):
            continue  # it was removed just now; mkdir says so when it was there a moment before
        if lock is not None:
            if lock.guards(path):
                lock.drop_in_children()
                return lock
            lock.release()
        time.sleep(_PAUSE_S)
    raise _in_use(writer_directory.name)


def _in_use(writer_id: str) -> JournalInUse:
    return JournalInUse(f"the spend journal of {writer_id} exists; a writer id is used only once")
