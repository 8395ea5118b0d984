"""A batch as a durable run: read the input, make the calls, write the files.

Where every line names a model whose deployment has a native lane, the run ends after reading, and
`native_run` goes on.

A line's outcome is recorded before the next step is, so a run that is taken up again makes no call
anew whose outcome is recorded; one that was under way is made again.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import aiohttp
import msgspec

from legato.core.clock import Clock
from legato.core.durable import Steps
from legato.core.errors import NotFound
from legato.core.tasks import spawn
from legato.storage.runs.batches import BatchRecord, BatchStore
from legato.workflows.batch_calls import GatewayCalls, Target
from legato.workflows.batch_files import BatchFiles
from legato.workflows.batch_lines import Line, problems
from legato.workflows.batches import Batches, with_time
from legato.workflows.native_lane import LaneOf

WORKFLOW: Final = "batch"
NATIVE: Final = "native"
"""What a run comes to whose lines another one (`native_run`) hands to the provider."""
QUEUE: Final = "batches"
AT_ONCE: Final = 2
"""Batches of one process."""
_CALLS_AT_ONCE: Final = 8
_LINES_PER_STEP: Final = 200
_LOOK_S: Final = 0.5


class BatchRun:
    """The workflow, with what it needs. `stop` lets calls under way end and begins no other."""

    def __init__(
        self,
        store: BatchStore,
        batches: Batches,
        files: BatchFiles,
        calls: GatewayCalls,
        *,
        clock: Clock,
        credential: Callable[[str], str],
        lane_of: LaneOf,
    ) -> None:
        """`lane_of` says which native lane calls of a model may take; None for our own queue."""
        self._store = store
        self._batches = batches
        self._files = files
        self._lane_of = lane_of
        self._calls = calls
        self._now_ns = clock.now_ns
        self._credential = credential
        self._stopping = threading.Event()
        self._under_way = 0
        self._counting = threading.Lock()

    def __call__(self, steps: Steps, argument: Any) -> str:
        """Run one batch to its end; return how it ended."""
        org, batch_id = argument
        read = steps.do("read the input", lambda: self._read(org, batch_id))
        if read == NATIVE:
            return NATIVE
        count = int(read)
        for first in range(0, count, _LINES_PER_STEP):
            upto = min(count, first + _LINES_PER_STEP)
            steps.do(f"lines from {first}", partial(self._lines, org, batch_id, first, upto))
        return str(steps.do("write the files", lambda: self._files.finish(org, batch_id)))

    def stop(self) -> None:
        """Begin no call any more."""
        self._stopping.set()

    @property
    def under_way(self) -> int:
        """How many calls have begun and are not recorded."""
        return self._under_way

    def _read(self, org: str, batch_id: str) -> int | str:
        """Check the input; return how many lines are to be done: none where it is refused.

        NATIVE where the provider runs all of them.
        """
        record = self._batches.find(org, batch_id)
        try:
            count, found = problems(self._files.content(record), record.endpoint)
        except NotFound:
            count, found = 0, [_GONE]
        now_ns = self._now_ns()
        if found:
            self._store.change(
                org,
                batch_id,
                ("validating", "cancelling"),
                status="failed",
                times=with_time(record, "failed", now_ns),
                sealed_errors=self._batches.sealed_errors(record, found),
            )
            return 0
        times = with_time(record, "in_progress", now_ns)
        self._store.change(org, batch_id, ("validating", "cancelling"), lines=count)
        self._store.change(org, batch_id, ("validating",), status="in_progress", times=times)
        return NATIVE if self._all_native(record) else count

    def _all_native(self, record: BatchRecord) -> bool:
        """Whether every line names the same model, and that has a native lane."""
        model: Any = None
        for _, line in self._files.lines(record):
            if model is None:
                model = line.body.get("model")
                if not isinstance(model, str):
                    return False
                if self._lane_of(model, record.endpoint, key_id=record.key_id) is None:
                    return False
            if line.body.get("model") != model:
                return False
        return True

    def _lines(self, org: str, batch_id: str, first: int, upto: int) -> None:
        record = self._batches.find(org, batch_id)
        if self._may_begin(record):
            done = self._store.recorded(org, batch_id, first, upto)
            lines = self._files.lines(record, first, upto)
            todo = [one for one in lines if one[0] not in done]
            asyncio.run(self._call_all(record, todo))

    async def _call_all(self, record: BatchRecord, todo: list[tuple[int, Line]]) -> None:
        """Make the calls, some at once, while the batch may go on."""
        open_ = [True]
        owned: set[asyncio.Task[Any]] = set()
        waiting = iter(todo)

        async def call_some(session: aiohttp.ClientSession) -> None:
            for numbered in waiting:
                if not (open_[0] and not self._stopping.is_set()):
                    return
                await self._call(session, record, numbered, lambda: open_[0])

        async with aiohttp.ClientSession() as session:
            looking = spawn(self._look(record, open_), owner=owned, name="look")
            await asyncio.gather(*(call_some(session) for _ in range(_CALLS_AT_ONCE)))
            looking.cancel()
        if self._stopping.is_set():
            # the step must not be recorded as done: it waits here for the process to end
            await asyncio.get_running_loop().create_future()

    async def _look(self, record: BatchRecord, open_: list[bool]) -> None:
        while open_[0]:
            await asyncio.sleep(_LOOK_S)
            found = await asyncio.to_thread(self._batches.find, record.org, record.id)
            open_[0] = self._may_begin(found) and not self._stopping.is_set()

    async def _call(
        self,
        session: aiohttp.ClientSession,
        record: BatchRecord,
        numbered: tuple[int, Line],
        may_go_on: Callable[[], bool],
    ) -> None:
        index, line = numbered
        self._count(1)
        try:
            target = Target(record.endpoint, self._credential(record.key_id))
            outcome = await self._calls.make(session, target, line, may_go_on)
            if outcome is not None:
                sealed = self._batches.sealed_line(record, index, msgspec.json.encode(outcome.line))
                await asyncio.to_thread(
                    self._store.record_line,
                    record.org,
                    record.id,
                    index,
                    failed=outcome.failed,
                    sealed=sealed,
                )
        finally:
            self._count(-1)

    def _may_begin(self, record: BatchRecord) -> bool:
        return record.status == "in_progress" and self._now_ns() < record.expires_at_ns

    def _count(self, change: int) -> None:
        with self._counting:
            self._under_way += change


_GONE: Final = {
    "code": "input_file_not_found",
    "message": "The input file was deleted.",
    "line": None,
    "param": "input_file_id",
}
