"""Hands captured requests over to the database, in the ledger process."""

import logging
import threading
from pathlib import Path
from typing import Final

from legato.core.errors import StorageUnavailable
from legato.storage.kept.capture_spool import CaptureSpool
from legato.storage.kept.captures import CaptureStore

log = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 0.3


class CaptureMover:
    """Empties the spool as it fills."""

    def __init__(self, folder: Path, store: CaptureStore) -> None:
        self._spool = CaptureSpool(folder, "", bytes_max=0)
        self._store = store
        self._away = False

    def run(self, stop: threading.Event) -> None:
        """Move until told to stop, then once more: the workers have ended by then."""
        while not stop.wait(_LOOK_EVERY_S):
            self._drain()
        self._drain()

    def _drain(self) -> None:
        try:
            self._spool.drain(self._store)
            self._away = False
        except (StorageUnavailable, OSError) as error:
            if not self._away:
                log.warning("captures wait for the database", extra={"reason": str(error)})
            self._away = True
        except Exception:  # a defect must not end the mover: nothing would be kept any more
            if not self._away:
                log.exception("captures can't be taken in")
            self._away = True
