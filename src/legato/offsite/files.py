"""Objects as files of a folder."""

import os
from pathlib import Path

from legato.offsite.destination import CopyFailed


class FileObjects:
    """`Objects` below a folder, which is made where it isn't there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """Return a file's content."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CopyFailed(f"{name} can't be read: {error.strerror}") from None

    def write(self, name: str, data: bytes) -> None:
        """Write a file that outlives a power cut, under its name only when it is whole."""
        file = self._folder / name
        part = file.with_name(f"{file.name}.part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(file)
        except OSError as error:
            raise CopyFailed(f"{name} can't be written: {error.strerror}") from None

    def remove(self, name: str) -> None:
        """Remove a file; a volume where that may not be keeps it."""
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            if not isinstance(error, PermissionError):
                raise CopyFailed(f"{name} can't be removed: {error.strerror}") from None
