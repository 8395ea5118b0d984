"""Sealed captures on local disk until the database has them.

A file a batch, written whole or not at all. Every worker of the machine writes into the folder;
one process empties it.
"""

import logging
import os
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

import msgspec

from legato.core.clock import SystemClock
from legato.storage.kept.captures import CaptureStore, SealedCapture

log = logging.getLogger(__name__)

_SUFFIX: Final = ".captures"
_PART: Final = ".part"
_DAMAGED: Final = ".damaged"
_MEASURE_S: Final = 1.0
_LEFT_NS: Final = 600_000_000_000
"""Nobody still writes a part that is older than this."""
_decode = msgspec.msgpack.Decoder(list[SealedCapture]).decode


class CaptureSpoolFull(OSError):
    """More waits for the database than the spool may hold."""


class CaptureSpool:
    """The folder. Files are taken in the order of their names."""

    def __init__(self, folder: Path, writer: str, *, bytes_max: int) -> None:
        """`writer` is used once only: it keeps the names of several apart."""
        self._folder = folder
        self._writer = writer
        self._bytes_max = bytes_max
        self._numbers = count()
        self._measured_at_s = float("-inf")
        self._bytes = 0

    def write(self, captures: list[SealedCapture], now_ns: int) -> None:
        """Keep a batch.

        Raises:
            OSError: the disk refuses, or the spool is full.
        """
        encoded = msgspec.msgpack.encode(captures)
        self._require_room(len(encoded))
        name = f"{now_ns:020d}-{self._writer}-{next(self._numbers)}"
        part = self._folder / (name + _PART)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 -- opened with its mode
                file.write(encoded)
            part.replace(self._folder / (name + _SUFFIX))
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def drain(self, store: CaptureStore) -> int:
        """Hand all that waits to the database; return how many files.

        Raises:
            StorageUnavailable: the database is away: the rest waits on.
            OSError: a file can't be read or removed.
        """
        waiting = self._waiting()
        for name in waiting:
            path = self._folder / name
            try:
                captures = _decode(path.read_bytes())
            except msgspec.DecodeError:
                log.error("captures are damaged", extra={"file": name})  # noqa: TRY400
                path.rename(path.with_suffix(_DAMAGED))
                continue
            store.put(captures)
            path.unlink()
        return len(waiting)

    def _waiting(self) -> list[str]:
        """Return the files to take in, oldest first; what killed writers left half goes."""
        names = []
        for entry in os.scandir(self._folder):
            if entry.name.endswith(_SUFFIX):
                names.append(entry.name)
            elif entry.name.endswith(_PART):
                with suppress(FileNotFoundError):  # it was finished meanwhile
                    if SystemClock.now_ns() - entry.stat().st_mtime_ns > _LEFT_NS:
                        Path(entry.path).unlink()
        return sorted(names)

    def _require_room(self, needed: int) -> None:
        now_s = time.monotonic()
        if now_s - self._measured_at_s >= _MEASURE_S:
            self._measured_at_s = now_s
            self._bytes = sum(entry.stat().st_size for entry in os.scandir(self._folder))
        self._bytes += needed
        if self._bytes > self._bytes_max:
            msg = "too many captures wait for the database"
            raise CaptureSpoolFull(msg)
