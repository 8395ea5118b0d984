"""The files of a batch: its input read line by line, its output and error files written."""

from collections.abc import Iterator
from typing import Final

import msgspec

from legato.core.clock import Clock
from legato.storage.runs.batches import OPEN, BatchRecord, BatchStore
from legato.workflows.batch_calls import outcome_line
from legato.workflows.batch_lines import LINES_MAX, Line, parse, read_lines
from legato.workflows.batches import Batches, with_time
from legato.workflows.files import StoredFiles

_LINES_PER_STEP: Final = 200
_ENDED: Final = {
    "cancelled": ("batch_cancelled", "The batch was cancelled before this line was executed."),
    "expired": ("batch_expired", "This line could not be executed within the completion window."),
}


class BatchFiles:
    """Blocking: call it in a thread. Every method may raise StorageUnavailable."""

    def __init__(
        self, store: BatchStore, batches: Batches, files: StoredFiles, clock: Clock
    ) -> None:
        self._store = store
        self._batches = batches
        self._files = files
        self._now_ns = clock.now_ns

    def content(self, record: BatchRecord) -> bytes:
        """Return a batch's input. Raises NotFound for one that was deleted."""
        file = self._files.find(record.org, record.input_file_id)
        return b"".join(self._files.part(file, number) for number in range(file.parts))

    def lines(
        self, record: BatchRecord, first: int = 0, upto: int = LINES_MAX
    ) -> Iterator[tuple[int, Line]]:
        """Return the lines of an input that was found good, numbered from 0."""
        for index, (number, text) in enumerate(read_lines(self.content(record))):
            if first <= index < upto:
                yield index, parse(number, text, record.endpoint)

    def finish(self, org: str, batch_id: str) -> str:
        """Write both files and end the batch; done again, it comes to the same."""
        record = self._batches.find(org, batch_id)
        if record.status not in OPEN:  # its lines may be forgotten already
            return record.status
        if record.status == "cancelling":
            ending = "cancelled"
        else:
            done, failed = self._store.counts(org, batch_id)
            ending = "completed" if done + failed >= record.lines else "expired"
            times = with_time(record, "finalizing", self._now_ns())
            self._store.change(org, batch_id, ("in_progress",), status="finalizing", times=times)
            record = self._batches.find(org, batch_id)
        completed, _ = self._store.counts(org, batch_id)
        written = 0
        if completed:
            self._write(record, record.output_file_id, "output", self._outcomes(record))
        if completed < record.lines:
            written = record.lines - completed
            self._write(record, record.error_file_id, "error", self._failures(record, ending))
        self._store.change(
            org,
            batch_id,
            ("finalizing", "cancelling"),
            status=ending,
            times=with_time(record, ending, self._now_ns()),
            completed=completed,
            failed=written if ending == "completed" else record.failed,
        )
        self._store.forget_lines(org, batch_id)
        return ending

    def _outcomes(self, record: BatchRecord, *, failed: bool = False) -> Iterator[bytes]:
        for index, sealed in self._store.lines(record.org, record.id, failed=failed):
            yield self._batches.line(record, index, sealed) + b"\n"

    def _failures(self, record: BatchRecord, ending: str) -> Iterator[bytes]:
        yield from self._outcomes(record, failed=True)
        code, message = _ENDED.get(ending, _ENDED["expired"])
        error = {"code": code, "message": message}
        for first in range(0, record.lines, _LINES_PER_STEP):
            upto = min(record.lines, first + _LINES_PER_STEP)
            done = self._store.recorded(record.org, record.id, first, upto)
            for index, line in self.lines(record, first, upto):
                if index not in done:
                    line_id = f"{record.id.removeprefix('batch_')}_{index}"
                    told = outcome_line(line_id, line.custom_id, None, error)
                    yield msgspec.json.encode(told) + b"\n"

    def _write(self, record: BatchRecord, file_id: str, what: str, lines: Iterator[bytes]) -> None:
        name = f"{record.id}_{what}.jsonl"
        self._files.write(record.org, file_id, lines, purpose="batch_output", name=name)
