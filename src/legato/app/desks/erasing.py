"""One act of erasing over every room that keeps content: who is meant, what goes, what stays."""

import logging
from collections.abc import Callable
from typing import Final, NamedTuple

from legato.core.erasure import Erasure, Remaining, Subject
from legato.core.origin import Origin
from legato.core.semantic_records import Selection
from legato.evaluation.datasets import Datasets
from legato.evaluation.scoring import Case
from legato.storage.erasing import ContentEraser, Meant
from legato.storage.erasures import ErasureStore
from legato.storage.kept.semantic_entries import SemanticEntryStore
from legato.workflows.file_erasing import FileErasing

log = logging.getLogger(__name__)

_LEDGER: Final = (
    "entries of the ledger name only the pseudonym, with tokens, cost and time; they hold no "
    "content, and without them the books could not be verified"
)
_TRACES: Final = "traces name only the pseudonym, and go by telemetry.trace_retention_days"
_CACHE: Final = (
    "answers of the exact cache lie sealed without a name on the workers' disks, and go by "
    "cache.ttl_s"
)
_LINES: Final = "batch lines"
_BUSY: Final = "a batch still reads them: cancel it or wait for its end, then ask again"
_OUTSIDE: Final = "backups, exported files and what providers keep are out of reach"


EraseRouters = Callable[[Callable[[Origin], bool], bool], int]
"""Takes what fits out of trained routers, or only counts where it is given True."""


class Rooms(NamedTuple):
    """Who keeps content in a form of their own."""

    datasets: Datasets
    files: FileErasing
    entries: SemanticEntryStore
    routers: EraseRouters | None = None
    """None where numpy isn't here: then none was ever trained."""


class Erasing:
    """Erases in one organisation. Blocking; methods may raise StorageUnavailable."""

    def __init__(
        self,
        org: str,
        store: ErasureStore,
        eraser: Callable[[bool], ContentEraser],
        rooms: Rooms,
    ) -> None:
        """`eraser` only counts where it is given True."""
        self.store = store
        self._org = org
        self._eraser = eraser
        self._rooms = rooms

    def erase(self, subject: Subject, author: str, *, dry_run: bool = False) -> Erasure:
        """Erase all content of a subject, or say what that would be.

        First a mark is left, so that nothing of it comes in any more; then each kind is gone
        through. Killed at any time, it is finished by asking again.
        """
        record = None if dry_run else self.store.begin(subject, author)
        erased = {} if record is None else dict(record.counts)
        meant = Meant(self.store.requests(subject), subject.user)
        eraser = self._eraser(dry_run)
        tried = self._kinds(self._eraser(True), meant, dry_run=True)
        for kind, count in tried.items():
            if kind not in erased:  # counted before it goes: a crash in between loses no count
                erased[kind] = count()
        if record is not None:
            self.store.count(record.id, erased)
            for work in self._kinds(eraser, meant, dry_run=False).values():
                work()
        busy = self._rooms.files.erase(subject.user, meant.requests, dry_run=True).busy
        eraser.finish()
        remains = self._remaining(subject, meant, busy)
        if record is not None:
            self.store.count(record.id, erased, ended=True)
            log.info(
                "content was erased",
                extra={"erasure": record.id, "org": self._org, "author": author, **erased},
            )
        return Erasure(
            id="" if record is None else record.id,
            subject=subject,
            requests=len(meant.requests),
            erased=erased,
            remains=remains,
        )

    def _kinds(
        self, eraser: ContentEraser, meant: Meant, *, dry_run: bool
    ) -> dict[str, Callable[[], int]]:
        """Return each kind with its work, in order; captures last, which others are found by."""

        def fits(case: Case) -> bool:
            return of_subject(case.origin) or case.id in meant.requests

        def of_subject(origin: Origin) -> bool:
            of_user = bool(meant.user) and origin.user == meant.user
            return of_user or origin.request_id in meant.requests

        def routers() -> int:
            return 0 if rooms.routers is None else rooms.routers(of_subject, dry_run)

        rooms = self._rooms
        entries = Selection(org=self._org, requests=tuple(sorted(meant.requests)))
        if meant.user:  # who answers now, with no entry in the ledger yet, is found as well
            entries = Selection(org=self._org, user=meant.user)
        return {
            "evaluation answers": lambda: eraser.answers(meant),
            "live score reasons": lambda: eraser.live_scores(meant),
            "guard samples": lambda: eraser.guard_samples(meant),
            "redaction maps": lambda: eraser.kept_maps(meant),
            "dataset cases": lambda: rooms.datasets.erase(fits, dry_run=dry_run),
            "reviews": lambda: eraser.reviews(meant),
            "feedback texts": lambda: eraser.feedback(meant),
            "kept responses": lambda: eraser.responses(meant),
            _LINES: lambda: rooms.files.erase(meant.user, meant.requests, dry_run=dry_run).lines,
            "router questions": routers,
            "semantic cache entries": lambda: rooms.entries.erase(entries, dry_run=dry_run),
            "accounts": lambda: eraser.accounts(meant),
            "captures": lambda: eraser.captures(meant),
        }

    def _remaining(self, subject: Subject, meant: Meant, busy: int) -> list[Remaining]:
        return [
            *([Remaining(_LINES, busy, _BUSY)] if busy else []),
            Remaining("ledger entries", self.store.entries(meant.requests, subject), _LEDGER),
            Remaining("traces", None, _TRACES),
            Remaining("cached answers", None, _CACHE),
            Remaining("elsewhere", None, _OUTSIDE),
        ]
