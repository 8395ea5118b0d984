"""The master key that Legato makes by itself, in the data directory.

A rotation writes the next key beside it, re-wraps, then puts it in its place. Killed in between,
either key may be the right one: while there are two, both are at hand.
"""

import contextlib
import os
import stat
from pathlib import Path

from legato.vault.key_service import KEY_BYTES, LocalKeys, VaultUnusable

_NEXT = ".next"


def open_master_file(path: Path) -> LocalKeys:
    """Read the master key, making it on first use with mode 0600.

    Raises:
        VaultUnusable: wrong length, others can read it, or it can't be made or read.
    """
    if not path.exists():  # a full disk keeps nobody from reading it
        with contextlib.suppress(FileExistsError):
            _create(path)
    coming = _next(path)
    return LocalKeys([_read(path), *([_read(coming)] if coming.exists() else [])])


def begin_rotation(path: Path) -> LocalKeys:
    """Make the next master key (or take the one of a rotation cut off) and return both.

    The next one is current. Raises VaultUnusable.
    """
    open_master_file(path)
    coming = _next(path)
    with contextlib.suppress(FileExistsError):
        _create(coming)
    return LocalKeys([_read(coming), _read(path)])


def finish_rotation(path: Path) -> None:
    """Put the next master key in the place of the last one, for good."""
    with contextlib.suppress(FileNotFoundError):  # another rotation has finished ours, too
        _next(path).replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _next(path: Path) -> Path:
    return path.with_name(path.name + _NEXT)


def _read(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        msg = f"{path} can be read by others (mode {mode:o}): run chmod 600 on it."
        raise VaultUnusable(msg)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        msg = f"{path} is damaged: restore it from a backup, or stored keys are lost."
        raise VaultUnusable(msg)
    return key


def _create(path: Path) -> None:
    """Make the key appear whole or not at all, and never replace one.

    Raises:
        FileExistsError: there is one.
        VaultUnusable: it can't be written.
    """
    try:
        _write(path)
    except FileExistsError:
        raise
    except OSError as error:
        raise VaultUnusable(f"{path} can't be made: {(error.strerror or '').lower()}.") from None


def _write(path: Path) -> None:
    # not named by the pid: in a container each start has the same, and one cut off leaves its file
    part = path.with_name(f"{path.name}.{os.urandom(8).hex()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, os.urandom(KEY_BYTES))
        os.fsync(descriptor)
        os.link(part, path)  # fails where the key exists: the first one wins
    finally:
        os.close(descriptor)
        part.unlink()
