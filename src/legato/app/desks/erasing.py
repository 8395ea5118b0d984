"""One act of erasing over every room that keeps content: who is meant, what goes, what stays."""

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from legato.core.erasure import Erasure, Remaining, Subject
from legato.core.origin import Origin
from legato.core.semantic_records import Selection
from legato.evaluation.datasets import Datasets
from legato.evaluation.scoring import Case
from legato.storage.erasing import ContentEraser, Meant
from legato.storage.erasures import ErasureStore
from legato.storage.kept.files import FileStore
from legato.storage.kept.semantic_entries import SemanticEntryStore
from legato.storage.privacy.people import FIGURES
from legato.storage.runs.batches import BatchStore
from legato.vault.data_keys import DataKeys
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.workflows.file_erasing import FileErasing

if TYPE_CHECKING:
    from legato.evaluation.routing.kept import Routers

log = logging.getLogger(__name__)

_CACHE: Final = (
    "answers of the exact cache lie sealed without a name on the workers' disks, and go by "
    "cache.ttl_s"
)
_LINES: Final = "batch lines"
_BUSY: Final = "a batch still reads them: cancel it or wait for its end, then ask again"
_OUTSIDE: Final = "backups, exported files and what providers keep are out of reach"


EraseRouters = Callable[[Callable[[Origin], bool], bool], int]
"""Takes what fits out of trained routers, or only counts where it is given True."""


RouterQuestions = Callable[[Callable[[Origin], bool]], Iterator[tuple[str, list[Origin]]]]
"""Gives the origins that fit of each question of trained routers, with the router's digest."""


class Rooms(NamedTuple):
    """Who keeps content in a form of their own."""

    datasets: Datasets
    files: FileErasing
    entries: SemanticEntryStore
    routers: EraseRouters | None = None
    """None where numpy isn't here: then none was ever trained."""
    router_questions: RouterQuestions | None = None


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

        def routers() -> int:
            return 0 if rooms.routers is None else rooms.routers(of_subject, dry_run)

        rooms = self._rooms
        of_subject, fits = belongs(meant)
        entries = Selection(org=self._org, requests=tuple(sorted(meant.requests)))
        if meant.user:  # who answers now, with no entry in the ledger yet, is found as well
            entries = Selection(org=self._org, user=meant.user)
        return {
            "evaluation answers": lambda: eraser.answers(meant),
            "live score reasons": lambda: eraser.live_scores(meant),
            "guard samples": lambda: eraser.guard_samples(meant),
            "redaction maps": lambda: eraser.kept_maps(meant),
            "notes of agents": lambda: eraser.agent_notes(meant),
            "states of twins": lambda: eraser.twins(meant),
            "dataset cases": lambda: rooms.datasets.erase(fits, dry_run=dry_run),
            "reviews": lambda: eraser.reviews(meant),
            "tasks": lambda: eraser.tasks(meant),
            "notifications of runs": lambda: eraser.told(meant),
            "words on incidents": lambda: eraser.incidents(meant),
            "feedback texts": lambda: eraser.feedback(meant),
            "kept responses": lambda: eraser.responses(meant),
            _LINES: lambda: rooms.files.erase(meant.user, meant.requests, dry_run=dry_run).lines,
            "router questions": routers,
            "semantic cache entries": lambda: rooms.entries.erase(entries, dry_run=dry_run),
            "accounts": lambda: eraser.accounts(meant),
            "workflow runs": lambda: eraser.workflow_runs(meant),
            "reasons of exports": lambda: eraser.exports(meant),
            "captures": lambda: eraser.captures(meant),
        }

    def _remaining(self, subject: Subject, meant: Meant, busy: int) -> list[Remaining]:
        return [
            *([Remaining(_LINES, busy, _BUSY)] if busy else []),
            *(
                Remaining(
                    kind.name,
                    self.store.entries(meant.requests, subject) if kind is FIGURES[0] else None,
                    kind.stays,
                )
                for kind in FIGURES
            ),
            Remaining("cached answers", None, _CACHE),
            Remaining("elsewhere", None, _OUTSIDE),
        ]


def belongs(meant: Meant) -> tuple[Callable[[Origin], bool], Callable[[Case], bool]]:
    """Return what tells whether an origin is of who is meant, and whether a case is."""

    def of_subject(origin: Origin) -> bool:
        of_user = bool(meant.user) and origin.user == meant.user
        return of_user or origin.request_id in meant.requests

    def fits(case: Case) -> bool:
        return of_subject(case.origin) or case.id in meant.requests

    return of_subject, fits


def rooms_of(
    datasets: Datasets,
    stores: tuple[FileStore, BatchStore, SemanticEntryStore],
    keys: DataKeys,
    routers: "Routers | None",
) -> Rooms:
    """Return an organisation's rooms that keep content in a form of their own."""
    kept, batches, entries = stores
    pseudonym = Vault(keys.root()).pseudonym
    files = FileErasing(datasets.org, (kept, batches), Envelopes(keys), pseudonym)
    if routers is None:
        return Rooms(datasets, files, entries)
    return Rooms(
        datasets,
        files,
        entries,
        lambda fits, dry_run: routers.erase(fits, dry_run=dry_run),
        routers.fitting,
    )
