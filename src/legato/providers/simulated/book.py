"""The book: the simulated server's own record of every model call, kept apart from any ledger.

A call makes two lines in the file, one `write()` each, so nothing but the loss of this machine
loses them. While the disk is full they wait in memory, up to a bound, and go with the next line:

    {"line":"arrived","n":7,"attempt_id":"…","path":"…","model":"…","stream":true,"arrived_ns":…}
    {"line":"finished","n":7,"attempt_id":"…", …, "finished_ns":…,"status":200,"outcome":"ok",
     "usage":{"prompt":…,"cached":…,"cache_write":…,"completion":…,"reasoning":…},"events":12}

Billed usage: an answer sent whole, all of it; a stream that was cut or whose client vanished, the
prompt and what had been produced, from the first byte on (before it, nothing); a whole answer cut
in its body, all of it; errors, refusals and garbage, nothing. Times are monotonic nanoseconds,
comparable within one boot of the machine. A `reset` line ends what was before.
"""

import errno
import itertools
import os
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from legato.providers.simulated.usage import NOTHING, Usage

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_UNWRITTEN_BYTES_MAX = 1024 * 1024
COUNTED_MODELS_MAX = 1_000  # names come from callers; the rest are counted together
OTHER_MODELS = "(other)"

Outcome = Literal["ok", "error", "cut", "client_gone"]


class CallRecord(msgspec.Struct, gc=False):
    """One call. `outcome`, `status` and `finished_ns` are null while it runs."""

    n: int  # from 1, in order of arrival, never used twice in one file
    attempt_id: str | None
    path: str
    model: str
    stream: bool
    arrived_ns: int
    finished_ns: int | None = None
    status: int | None = None
    outcome: Outcome | None = None
    usage: Usage = NOTHING
    events: int = 0


class _Arrived(msgspec.Struct, gc=False, tag_field="line", tag="arrived"):
    n: int
    attempt_id: str | None
    path: str
    model: str
    stream: bool
    arrived_ns: int


class _Finished(CallRecord, gc=False, tag_field="line", tag="finished"):
    pass


class _Reset(msgspec.Struct, tag_field="line", tag="reset"):
    n: int


_FINISHED = b'{"line":"finished",'  # before a record's own fields
_Line = _Arrived | _Finished | _Reset


class Counts(msgspec.Struct):
    """Totals since the start or the last reset."""

    arrived: int
    in_flight: int
    in_flight_max: int
    by_outcome: dict[str, int]
    by_status: dict[str, int]
    by_model: dict[str, int]
    usage: Usage


class Book:
    """Writes and remembers calls. The latest `memory_max` are kept in memory, all in the file."""

    def __init__(self, path: Path | None, memory_max: int) -> None:
        """Open the book, going on after its last number if the file exists.

        Raises:
            OSError: the file can't be opened.
        """
        self._encode = msgspec.json.Encoder().encode
        self._file: int | None = None
        self._last = 0
        if path is not None:
            self._last = max((record.n for record in read_book(path)), default=0)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._unwritten = bytearray()
        self._calls: deque[CallRecord] = deque(maxlen=memory_max)
        self._forget()

    def _forget(self) -> None:
        self._calls.clear()
        self._first = self._last + 1
        self._arrived = self._in_flight = self._in_flight_max = 0
        self._outcomes: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._models: Counter[str] = Counter()
        self._prompt = self._cached = self._cache_write = self._completion = self._reasoning = 0

    def arrived(self, attempt_id: str | None, path: str, model: str, *, stream: bool) -> CallRecord:
        """Write down a call that has just been read whole.

        Raises:
            OSError: the file can't be written.
        """
        self._last += 1
        now_ns = time.perf_counter_ns()
        record = CallRecord(self._last, attempt_id, path, model, stream, now_ns)
        line = _Arrived(record.n, attempt_id, path, model, stream, now_ns)
        self._write(self._encode(line))
        self._calls.append(record)
        self._arrived += 1
        self._in_flight += 1
        self._in_flight_max = max(self._in_flight, self._in_flight_max)
        return record

    def finished(self, record: CallRecord, outcome: Outcome, status: int, usage: Usage) -> None:
        """Write down how a call ended. Its `events` must have been set before.

        Raises:
            OSError: the file can't be written.
        """
        record.finished_ns = time.perf_counter_ns()
        record.outcome, record.status, record.usage = outcome, status, usage
        self._write(_FINISHED + self._encode(record)[1:])
        if record.n < self._first:  # it had arrived before a reset
            return
        self._in_flight -= 1
        self._outcomes[outcome] += 1
        self._statuses[status] += 1
        known = record.model in self._models or len(self._models) < COUNTED_MODELS_MAX
        self._models[record.model if known else OTHER_MODELS] += 1
        self._prompt += usage.prompt
        self._cached += usage.cached
        self._cache_write += usage.cache_write
        self._completion += usage.completion
        self._reasoning += usage.reasoning

    def after(self, number: int, limit: int) -> list[CallRecord]:
        """Up to `limit` remembered calls with n above `number`, in order of arrival."""
        if not self._calls:
            return []
        start = max(number + 1 - self._calls[0].n, 0)
        return list(itertools.islice(self._calls, start, start + limit))

    def counts(self) -> Counts:
        """Totals since the start or the last reset."""
        return Counts(
            arrived=self._arrived,
            in_flight=self._in_flight,
            in_flight_max=self._in_flight_max,
            by_outcome=dict(self._outcomes),
            by_status={str(status): count for status, count in self._statuses.items()},
            by_model=dict(self._models),
            usage=Usage(
                self._prompt, self._cached, self._cache_write, self._completion, self._reasoning
            ),
        )

    def reset(self) -> None:
        """Forget what is in memory; the file keeps its lines and gets a `reset` line.

        Raises:
            OSError: the file can't be written.
        """
        self._write(self._encode(_Reset(self._last)))
        self._forget()

    def close(self) -> None:
        """Close the file. Lines are never buffered, so nothing is flushed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, line: bytes) -> None:
        if self._file is None:
            return
        self._unwritten += line + b"\n"
        try:
            written = os.write(self._file, self._unwritten)
        except OSError as error:
            if error.errno not in _DISK_FULL or len(self._unwritten) > _UNWRITTEN_BYTES_MAX:
                raise
            return
        del self._unwritten[:written]


def read_book(path: Path) -> Iterator[CallRecord]:
    """The calls in a book's file since its last reset, in order of arrival.

    Calls that had not finished have outcome null. A last line torn by the loss of the machine is
    left out. A file that does not exist has no calls.

    Raises:
        msgspec.DecodeError: a line other than the last is damaged.
    """
    calls: dict[int, CallRecord] = {}
    if path.exists():
        decoder = msgspec.json.Decoder(_Arrived | _Finished | _Reset)
        with path.open("rb") as lines:
            for text in lines:
                if text.endswith(b"\n"):
                    _fold(decoder.decode(text), calls)
    return iter(calls.values())


def _fold(line: _Line, calls: dict[int, CallRecord]) -> None:
    match line:
        case _Arrived():
            calls[line.n] = CallRecord(
                line.n, line.attempt_id, line.path, line.model, line.stream, line.arrived_ns
            )
        case _Finished() if line.n in calls:  # else it had arrived before a reset
            calls[line.n] = CallRecord(
                *(getattr(line, name) for name in CallRecord.__struct_fields__)
            )
        case _Reset():
            calls.clear()
