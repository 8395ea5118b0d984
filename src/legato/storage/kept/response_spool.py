"""Sealed responses on local disk until the database has them.

A file a response, written whole or not at all, so that neither a database that is away nor a
killed process loses one. Every worker of the machine reads the folder; one process empties it.
"""

import logging
import os
import time
from pathlib import Path
from typing import Final

import msgspec

from legato.core.errors import StorageUnavailable
from legato.storage.kept.responses import ResponseStore, StoredResponse

log = logging.getLogger(__name__)

BYTES_MAX: Final = 4 * 1024 * 1024 * 1024
_MEASURE_S: Final = 1.0
_SUFFIX: Final = ".sealed"
_PART: Final = ".part"
_DAMAGED: Final = ".damaged"
_DECODE = msgspec.msgpack.Decoder(StoredResponse).decode


class SpoolFull(OSError):
    """More waits for the database than the spool may hold."""


class ResponseSpool:
    """The folder. Names are ids of responses, which are letters, digits and underscores."""

    def __init__(self, folder: Path, *, durable: bool, bytes_max: int = BYTES_MAX) -> None:
        """Take `durable` True to outlive a power cut, at the price of an fsync each."""
        self._folder = folder
        self._durable = durable
        self._bytes_max = bytes_max
        self._measured_at_s = float("-inf")
        self._bytes = 0

    def write(self, response: StoredResponse) -> None:
        """Keep a response.

        Raises:
            OSError: the disk refuses, or the spool is full.
        """
        encoded = msgspec.msgpack.encode(response)
        self._require_room(len(encoded))
        part = self._folder / (response.id + _PART)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 -- opened with its mode
                file.write(encoded)
                if self._durable:
                    file.flush()
                    os.fsync(descriptor)
            part.replace(self._path(response.id))
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def read(self, org: str, response_id: str) -> StoredResponse | None:
        """Return a response of an organisation, None where it isn't here."""
        found = self._read(response_id)
        return found if found is not None and found.org == org else None

    def remove(self, response_id: str) -> bool:
        """Delete a response; return whether it was here."""
        try:
            self._path(response_id).unlink()
        except FileNotFoundError:
            return False
        return True

    def ids(self) -> list[str]:
        """Return what waits, oldest first."""
        names = (entry.name for entry in os.scandir(self._folder))
        return sorted(n.removesuffix(_SUFFIX) for n in names if n.endswith(_SUFFIX))

    def drain(self, store: ResponseStore) -> int:
        """Hand all that waits to the database; return how many.

        One deleted meanwhile is deleted there, too.

        Raises:
            StorageUnavailable: the database is away: the rest waits on.
        """
        waiting = self.ids()
        for response_id in waiting:
            response = self._read(response_id)
            if response is None:
                continue
            store.put(response)
            if not self.remove(response_id):
                store.delete(response.org, response_id)
        return len(waiting)

    def _read(self, response_id: str) -> StoredResponse | None:
        path = self._path(response_id)
        try:
            return _DECODE(path.read_bytes())
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            log.error("a kept response is damaged", extra={"file": path.name})  # noqa: TRY400
            path.rename(path.with_suffix(_DAMAGED))
            return None
        except OSError as error:
            msg = f"a kept response can't be read: {error.strerror}"
            raise StorageUnavailable(msg) from error

    def _path(self, response_id: str) -> Path:
        return self._folder / (response_id + _SUFFIX)

    def _require_room(self, needed: int) -> None:
        now_s = time.monotonic()
        if now_s - self._measured_at_s >= _MEASURE_S:
            self._measured_at_s = now_s
            self._bytes = sum(entry.stat().st_size for entry in os.scandir(self._folder))
        self._bytes += needed
        if self._bytes > self._bytes_max:
            msg = "too many responses wait for the database"
            raise SpoolFull(msg)
