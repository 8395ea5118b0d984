"""Where the sample lies: a folder of the data directory, there as a whole or not at all.

Nothing of it is in the instance's own database, so no sum, budget, seal or export can meet it, and
to take it away is to take the folder away.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from legato.app.sample.filling import fill
from legato.core.clock import SystemClock
from legato.core.errors import Conflict, NotFound

_FOLDER: Final = "sample"
_MADE: Final = "made.json"


class Made(msgspec.Struct, frozen=True):
    """When it was made, and how many requests were invented."""

    at_ns: int
    requests: int


class SamplePlace:
    """The sample of one data directory. Methods block."""

    def __init__(self, root: Path) -> None:
        self.folder = root / _FOLDER
        self._part = root / f"{_FOLDER}.part"
        self._lock = root / f"{_FOLDER}.lock"

    def made(self) -> Made | None:
        """Return what there is, None for nothing."""
        try:
            return msgspec.json.decode((self.folder / _MADE).read_bytes(), type=Made)
        except FileNotFoundError:
            return None

    def home(self, made: Made) -> Path:
        """Return the folder of its instance: another for each, as connections outlive a file."""
        return self.folder / str(made.at_ns)

    def add(self, told: Callable[[], None]) -> Made:
        """Make it, which takes seconds; `told` is asked before it is there, and may refuse.

        Raises:
            Conflict: it is there, or is being made or removed.
            OSError, StorageUnavailable: the disk can't take it.
        """
        with self._alone():
            if self.folder.exists():
                raise Conflict("the sample data is there already")
            self._clear()
            self._part.mkdir(mode=0o700)
            at_ns = SystemClock.now_ns()
            made = Made(at_ns, fill(self._part / str(at_ns)))
            (self._part / _MADE).write_bytes(msgspec.json.encode(made))
            told()
            self._part.replace(self.folder)
        return made

    def remove(self, told: Callable[[], None]) -> Made:
        """Delete all of it; return what there was. `told` is asked before.

        Raises:
            NotFound: there is none.
            Conflict: it is being made or removed.
        """
        with self._alone():
            made = self.made()
            if made is None:
                raise NotFound("there is no sample data")
            told()
            self._clear()
            self.folder.replace(self._part)
            self._clear()
        return made

    def _clear(self) -> None:
        if self._part.exists():
            shutil.rmtree(self._part)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict("the sample data is being made or removed") from None
            yield
