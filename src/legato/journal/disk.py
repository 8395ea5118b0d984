"""The one seam between the journal and the disk, so that tests can make a disk fail."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_ZEROS: Final = bytes(1 << 20)
_UNSUPPORTED: Final = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})


def allocate(descriptor: int, size_bytes: int) -> None:
    """Reserve `size_bytes` of zeros on disk. Raises OSError (ENOSPC) when they don't exist."""
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        _write_zeros(descriptor, size_bytes)


def _write_zeros(descriptor: int, size_bytes: int) -> None:
    position = 0
    while position < size_bytes:
        chunk = _ZEROS[: size_bytes - position]
        position += os.pwrite(descriptor, chunk, position)


@dataclass(frozen=True, slots=True)
class Disk:
    """The system calls whose failure the journal must survive."""

    write: Callable[[int, bytes, int], int] = os.pwrite
    # Data and the size are enough: a segment's length never changes after allocation.
    sync: Callable[[int], None] = os.fdatasync
    allocate: Callable[[int, int], None] = allocate


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Make created, renamed and deleted names in `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
