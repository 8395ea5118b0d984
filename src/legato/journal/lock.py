"""Advisory file locks that die with their process.

`flock` belongs to the open file description: the kernel drops it at the last close, also after
kill -9. A forked child would inherit the description and keep the lock alive, so children of a
long holder close it at once (and exec closes it, since Python opens files with O_CLOEXEC).
"""

import errno
import fcntl
import os
import weakref
from pathlib import Path
from typing import Final, Self

_BUSY: Final = frozenset({errno.EWOULDBLOCK, errno.EACCES})


class FileLock:
    """An exclusive lock on a file, held until `release` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        """Own `descriptor`, already locked. Use `try_lock`."""
        self._descriptor = descriptor

    @classmethod
    def try_lock(cls, path: Path, *, create: bool) -> Self | None:
        """Return the lock, or None while somebody holds it.

        Raises FileNotFoundError when there is no such file and `create` is off.
        """
        flags = os.O_RDWR | (os.O_CREAT if create else 0)
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in _BUSY:
                return None
            raise
        return cls(descriptor)

    def drop_in_children(self) -> None:
        """Let forked children close their copy. For locks held long: a hook can't be undone."""
        reference = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _release(reference))

    def guards(self, path: Path) -> bool:
        """Whether `path` still names the file this lock is on."""
        try:
            named = path.stat()
        except FileNotFoundError:
            return False
        own = os.fstat(self._descriptor)
        return (named.st_dev, named.st_ino) == (own.st_dev, own.st_ino)

    def release(self) -> None:
        """Give the lock back; again is harmless."""
        if self._descriptor >= 0:
            # Close, never LOCK_UN: in a forked child LOCK_UN would free the parent's lock too.
            os.close(self._descriptor)
            self._descriptor = -1


def _release(reference: weakref.ref[FileLock]) -> None:
    lock = reference()
    if lock is not None:
        lock.release()
