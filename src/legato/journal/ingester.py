"""From the journal to the ledger: the one elected ingester of a data directory."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from legato.journal.drain import IngestLimits, IngestProgress, WriterDrain
from legato.journal.layout import INGESTER_LOCK_NAME, list_writers
from legato.journal.lock import FileLock
from legato.journal.quarantine import JournalAlarm, make_shelf
from legato.journal.sink import LedgerSink, SinkUnavailable


@dataclass(frozen=True, slots=True)
class IngesterOptions:
    """Pace of the loop. While the ledger is away the pauses double up to `backoff_max_s`."""

    poll_s: float = 0.1
    backoff_s: float = 0.1
    backoff_max_s: float = 5.0
    limits: IngestLimits = field(default_factory=IngestLimits)


class Ingester:
    """Commits frames and offset together, deletes a segment only afterwards.

    It holds no more than one batch and the offsets in memory; everything else is on disk or in
    the ledger, so it may be killed at any point and started again, here or elsewhere.
    """

    def __init__(
        self,
        directory: Path,
        sink: LedgerSink,
        on_alarm: Callable[[JournalAlarm], None],
        options: IngesterOptions | None = None,
    ) -> None:
        """Stand by for `directory`; `elect` or `run` makes it work."""
        self._directory = directory
        self._sink = sink
        self._on_alarm = on_alarm
        self._options = options or IngesterOptions()
        self._lock: FileLock | None = None
        self._offsets: dict[str, int] | None = None
        self._failures = 0

    @property
    def is_elected(self) -> bool:
        """Whether this one holds the directory's ingester lock."""
        return self._lock is not None

    def elect(self) -> bool:
        """Try to become the directory's ingester; never waits."""
        if self._lock is None:
            make_shelf(self._directory)
            path = self._directory / INGESTER_LOCK_NAME
            self._lock = FileLock.try_lock(path, create=True)
            self._offsets = None
            if self._lock is not None:
                self._lock.drop_in_children()
        return self._lock is not None

    def run_once(self) -> IngestProgress:
        """Ingest what is there now: a pass over all writers, bounded per writer.

        Does nothing unless elected. Raises SinkUnavailable, having kept its place.
        """
        progress = IngestProgress()
        if not self.elect():
            return progress
        progress.is_elected = True
        try:
            if self._offsets is None:
                self._offsets = dict(self._sink.offsets())
            for writer_directory in list_writers(self._directory):
                self._drain(writer_directory, self._offsets, progress)
        except SinkUnavailable:
            self._offsets = None  # whether the last commit arrived is unknown
            raise
        return progress

    def run(self, stop: threading.Event) -> None:
        """Work or stand by until `stop` is set. Blocks: give it a thread or a process."""
        while not stop.is_set():
            stop.wait(self._next_pause_s())

    def close(self) -> None:
        """Let another ingester be elected."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _next_pause_s(self) -> float:
        try:
            progress = self.run_once()
        except SinkUnavailable:
            self._failures += 1
            return self._backoff_s()
        self._failures = 0
        return 0.0 if progress.has_more else self._options.poll_s

    def _backoff_s(self) -> float:
        doubled = self._options.backoff_s * 2.0 ** min(self._failures, 30)
        ceiling = min(doubled, self._options.backoff_max_s)
        # Jitter only spreads load, so it needs no cryptographic randomness.
        return self._options.backoff_s + random.random() * ceiling  # noqa: S311

    def _drain(
        self, writer_directory: Path, offsets: dict[str, int], progress: IngestProgress
    ) -> None:
        drain = WriterDrain(writer_directory, self._sink, offsets, self._options.limits)
        try:
            drain.run(progress)
        except OSError as error:
            # One unreadable disk block must not stop the ingestion of the other writers.
            progress.unreadable[writer_directory.name] = error.strerror or type(error).__name__
        finally:
            for alarm in drain.alarms:
                self._on_alarm(alarm)
            progress.alarms.extend(drain.alarms)
