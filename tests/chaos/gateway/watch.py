"""Watchers beside a running program: budgets at every moment, segments before they are gone."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from legato.core.records import Intent, decode_record
from legato.journal.reader import SegmentReader

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = """
SELECT limit_id, settled, leased,
       (SELECT coalesce(sum(amount), 0) FROM limit_lease WHERE window_id = limit_window.id),
       (SELECT coalesce(sum(cost), 0) FROM ledger_entry WHERE budget_id = limit_id)
FROM limit_window WHERE kind = 'budget'
"""


class _Watcher:
    """A thread that looks again and again until the block ends."""

    pause_s = 0.01

    def __init__(self) -> None:
        self.looks = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._stop.wait(self.pause_s):
                self.look()
                self.looks += 1
        except Exception as failure:  # noqa: BLE001 - told by the block's end
            self._failure = failure

    def look(self) -> None:
        raise NotImplementedError


class BudgetWatch(_Watcher):
    """Holds settled + leased <= limit, and each counter to its parts, in one snapshot."""

    def __init__(self, database: Path, limits: dict[str, int]) -> None:
        """`limits` are nano-USD by budget id."""
        super().__init__()
        self._database = database
        self._limits = limits
        self.closest: dict[str, float] = {}
        self.wrong: list[str] = []

    def look(self) -> None:
        with sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=30) as connection:
            levels = connection.execute(LEVELS).fetchall()
        connection.close()
        for name, settled, leased, held, spent in levels:
            limit = self._limits[name]
            self.closest[name] = max(self.closest.get(name, 0), (settled + leased) / limit)
            if settled + leased > limit or leased != held or settled != spent or leased < 0:
                self.wrong.append(
                    f"{name}: {settled=} {spent=} {leased=} {held=} {limit=}, look {self.looks}"
                )


class SegmentKeeper(_Watcher):
    """Keeps a hard link to every segment, so that it can be brought back."""

    pause_s = 0.003

    def __init__(self, journal: Path, kept: Path) -> None:
        super().__init__()
        self._journal = journal
        self.kept = kept

    def look(self) -> None:
        with suppress(FileNotFoundError):  # a writer's folder went away: the next look is soon
            self._keep()

    def _keep(self) -> None:
        for segment in self._journal.glob("*/*.seg"):
            link = self.kept / segment.parent.name / segment.name
            if segment.parent.name == "quarantine" or link.exists():
                continue
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(segment)

    def attempts(self) -> set[str]:
        """Return the attempts whose intents were kept."""
        names = set()
        for link in self.kept.glob("*/*.seg"):
            with SegmentReader(link) as reader:
                for _, payload in reader.frames(is_complete=True):
                    record = decode_record(payload)
                    if isinstance(record, Intent):
                        names.add(f"{record.facts.request_id}-{record.facts.attempt}")
        return names

    def bring_back(self) -> None:
        """Copy every kept segment to where its writer had it."""
        for link in sorted(self.kept.glob("*/*.seg")):
            place = self._journal / link.parent.name / link.name
            place.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(link, place)
