"""How a run waits: for a provider, for the database, and for ever once it is told to stop."""

import logging
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from legato.core.errors import StorageUnavailable
from legato.storage.runs.batches import BatchRecord
from legato.workflows.batches import Batches

log = logging.getLogger(__name__)

Result = TypeVar("Result")

FIRST_S: Final = 0.5
_LOOK_S: Final = 0.5
_GROWTH: Final = 1.5
_WAIT_MAX_S: Final = 60.0


class Patience:
    """For the threads of runs. After `stop` none of them comes back: the next life goes on."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let nobody do anything any more."""
        self._stopping.set()

    def do(self, work: Callable[[], Result]) -> Result:
        """Do it, however often the database is away; never after a stop."""
        while True:
            if self._stopping.is_set():
                threading.Event().wait()  # unrecorded: the next life does it again
            try:
                return work()
            except StorageUnavailable as error:
                log.warning("a batch waits for the database", extra={"reason": error.message})
                self._stopping.wait(_LOOK_S)

    def pause(self, record: BatchRecord, wait_s: float) -> float:
        """Wait, less where the batch is cancelled meanwhile; return how long to wait next."""
        left_s = wait_s
        while left_s > 0:
            if self._stopping.wait(min(left_s, _LOOK_S)):
                threading.Event().wait()
            left_s -= _LOOK_S
            if self._batches.find(record.org, record.id).status != record.status:
                return FIRST_S
        return min(_WAIT_MAX_S, wait_s * _GROWTH)
