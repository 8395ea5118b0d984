"""Wakes the batch process where workflows may have triggers in force: it sleeps otherwise.

Whether they have any is for it to see: reading definitions takes libraries that this one is spared.
"""

import logging
import threading
from typing import Final

from legato.app.batches.batch_process import wake
from legato.app.context import LedgerContext
from legato.core.errors import StorageUnavailable
from legato.core.registry import DEFAULT_LABEL, Kind
from legato.storage.registry.snapshot import RegistrySnapshots

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.5


def run_trigger_watch(context: LedgerContext, stop: threading.Event) -> None:
    """Look twice a second whether the registry has changed, until told to stop."""
    environment = context.loaded.config.registry.environment
    snapshots = RegistrySnapshots(context.engine, environment)
    seen = -1
    while not stop.wait(_LOOK_S):
        try:
            if snapshots.version() == seen:
                continue
            seen, workflows = snapshots.read(Kind.WORKFLOW)
            if any(one.label == DEFAULT_LABEL for one in workflows):
                wake(context.wake_fd)
        except StorageUnavailable as error:
            log.warning("triggers wait for the database", extra={"reason": error.message})
