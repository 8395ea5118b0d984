"""Seals ledger entries and decisions into segments of the audit log, in the ledger process."""

import logging
import threading

from legato.audit.segments import SegmentKind
from legato.core.errors import StorageUnavailable
from legato.storage.audit.segments import Segments
from legato.storage.limits.budget_events import BudgetEventStore
from legato.telemetry.metrics import Meters

log = logging.getLogger(__name__)


class Sealer:
    """Run by one thread, and once more by whoever ends the process."""

    def __init__(
        self, segments: Segments, every_s: float, meters: Meters, budgets: BudgetEventStore
    ) -> None:
        """What came of `budgets` is counted each time, too: it is as exact as the database."""
        self._budgets = budgets
        self._newest = 0
        self._segments = segments
        self._meters = meters
        self._every_s = every_s
        self._away = False

    def run(self, stop: threading.Event) -> None:
        """Seal what has come, each time the interval is over, until told to stop."""
        while not stop.wait(self._every_s):
            self.seal()

    def seal(self) -> None:
        """Seal all there is; what can't be sealed now waits for the next time."""
        try:
            for kind in SegmentKind:
                while self._segments.seal(kind) is not None:
                    pass
            self._away = False
            self._meters.gauge("audit_events", self._segments.events())
            self._count_budgets()
            self._meters.save()
        except OSError as error:
            log.warning("no metrics snapshot", extra={"reason": error.strerror})
        except StorageUnavailable as error:
            if not self._away:
                log.warning("segments wait to be sealed", extra={"reason": error.message})
            self._away = True
        except Exception:  # a defect must not end it: nothing would be sealed from then on
            log.exception("segments can't be sealed")

    def _count_budgets(self) -> None:
        newest = self._budgets.newest()
        if newest != self._newest:
            self._meters.budget_events(self._budgets.counts())
            self._newest = newest
