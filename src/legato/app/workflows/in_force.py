"""Which triggers are in force: those of the versions that the label `production` points to."""

import logging
import threading
from collections.abc import Iterator, Sequence

import msgspec

from legato.core.errors import LegatoError
from legato.core.registry import DEFAULT_LABEL, Kind
from legato.flow.trigger_settings import BROKERS, settings_of
from legato.registry.registry import Sealing, sealing_context
from legato.registry.workflows import read_workflow
from legato.storage.database.engine import open_engine
from legato.storage.registry.records import LabelledVersion
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.workflows.triggers.intake import Active

log = logging.getLogger(__name__)

AT_WORK = BROKERS | {"schedule"}
"""Kinds for which something has to run: the others are called."""


class TriggersInForce:
    """Of every organisation, in one environment. Safe between threads; blocking."""

    def __init__(self, database_url: str, environment: str, sealing: Sealing) -> None:
        self._snapshots = RegistrySnapshots(open_engine(database_url), environment)
        self._sealing = sealing
        self._lock = threading.Lock()
        self._number = -1
        self._found: tuple[Active, ...] = ()

    def __call__(self) -> Sequence[Active]:
        """Return them, read again where the registry has changed. Raises StorageUnavailable."""
        with self._lock:
            if self._snapshots.version() != self._number:
                number, labelled = self._snapshots.read(Kind.WORKFLOW)
                in_force = (one for one in labelled if one.label == DEFAULT_LABEL)
                self._found = tuple(active for one in in_force for active in self._of(one))
                self._number = number
            return self._found

    def at_work(self) -> bool:
        """Whether one of them has to run in a process. Raises StorageUnavailable."""
        return any(one.trigger.kind in AT_WORK for one in self())

    def _of(self, one: LabelledVersion) -> Iterator[Active]:
        record, name = one.version, one.version.name
        context = sealing_context(name, record.digest)
        try:
            plain = self._sealing.open(one.org, record.sealed, context)
            definition = read_workflow(msgspec.json.decode(plain))
            for trigger in definition.triggers:
                settings = settings_of(trigger)
                yield Active(org=one.org, workflow=name.name, trigger=trigger, settings=settings)
        except (LegatoError, ValueError) as error:  # its key was destroyed, or an older version's
            told = {"org": one.org, "workflow": name.name, "reason": type(error).__name__}
            log.warning("triggers of a workflow can't be read", extra=told)
