"""The event loop of a process that runs workflows: every activation it has goes on there.

The durable engine calls `RunHost` in a thread of its own, which waits; the work is the loop's.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from legato.core.durable import Steps
from legato.core.errors import LegatoError
from legato.core.tasks import spawn
from legato.storage.workflows.rows import FAILED, LETTER_OPEN, RunEnd, RunRow, Written
from legato.workflows.nodes.contract import NodeKinds
from legato.workflows.runs.activation import Activation
from legato.workflows.runs.rooms import Outside, Rooms, Threads
from legato.workflows.runs.sealing import END, End, RunContent, run_context

log = logging.getLogger(__name__)

WORKFLOW: Final = "workflow_run"
QUEUE: Final = "workflow_runs"
AT_ONCE: Final = 48
"""Activations that one process has under way; runs that wait are none."""
_THREADS: Final = 4
_THINKING: Final = 2
_NEWS_S: Final = 0.1
_STOP_S: Final = 5.0


class RunHost:
    """One process's. Call `stop` before the process ends."""

    def __init__(self, outside: Outside, kinds: NodeKinds, executor: str) -> None:
        self._outside = outside
        self._kinds = kinds
        self._executor = executor
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="workflow-rows")
        self._thinking = ThreadPoolExecutor(_THINKING, thread_name_prefix="expressions")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="workflow-writes")
        self._rooms = Rooms(outside, Threads(self._pool, self._writing, self._thinking))
        self._active: dict[tuple[str, str], Activation] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._going: set[asyncio.Task[Any]] = set()
        self._stopping = threading.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._calls: set[int] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="workflows", daemon=True)
        self._thread.start()

    def __call__(self, _steps: Steps, argument: Any) -> None:
        """Take a run as far as it goes: the durable workflow, of organisation, run, number."""
        org, run_id, number = argument
        thread = threading.get_ident()
        self._calls.add(thread)
        try:
            self._on_loop(self._activate(org, run_id, number))
        finally:
            self._calls.discard(thread)
        if self._stopping.is_set():
            threading.Event().wait()  # unrecorded: whoever takes over begins it anew

    @property
    def under_way(self) -> int:
        """How many activations there are."""
        return len(self._active)

    @property
    def room(self) -> int:
        """How many more activations this process may be given."""
        return max(0, AT_ONCE - len(self._calls))

    def hurry(self) -> None:
        """Let who looks after runs do so at once."""
        self._outside.queued()

    def stop(self) -> None:
        """Cut what is under way; others may take it up at once."""
        self._stopping.set()
        try:
            self._on_loop(self._cut(), _STOP_S)
        except TimeoutError:
            log.warning("runs of workflows were cut off without a word")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_S)
        if not self._thread.is_alive():
            self._loop.close()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _on_loop(
        self, coroutine: Coroutine[Any, Any, None], timeout_s: float | None = None
    ) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_s)

    async def _cut(self) -> None:
        for one in tuple(self._active.values()):
            one.lose()
        if self._going:
            await asyncio.wait(set(self._going))
        for task in tuple(self._tasks):
            task.cancel()

    async def _activate(self, org: str, run_id: str, number: int) -> None:
        async with self._places:
            await self._take_on(org, run_id, number)

    async def _take_on(self, org: str, run_id: str, number: int) -> None:
        if self._stopping.is_set():
            return
        run = await self._rooms.begin(org, run_id, number, self._executor)
        if run is None:
            return
        if not self._tasks:
            spawn(self._follow_news(), owner=self._tasks, name="news of runs")
        try:
            state, children = await self._rooms.read(partial(self._rooms.state_of, run))
        except LegatoError as error:
            await self._fail(run, error.code, error.message)
            return
        except Exception as error:
            log.exception("a run can't be taken up", extra={"run": run.id})
            await self._fail(run, "internal_error", f"Legato failed ({type(error).__name__})")
            return
        activation = Activation(state, self._kinds, self._rooms)
        self._active[org, run_id] = activation
        try:
            await spawn(activation.go(children), owner=self._going, name=f"run {run.id}")
        except Exception as error:
            log.exception("a run failed", extra={"run": run.id})
            await self._fail(run, "internal_error", f"Legato failed ({type(error).__name__})")
        finally:
            if self._active.get((org, run_id)) is activation:
                del self._active[org, run_id]

    async def _fail(self, run: RunRow, code: str, message: str) -> None:
        content = RunContent(run.org, self._outside.sealing)
        seal: Callable[[], bytes] = partial(
            content.seal, End(message=message), run_context(run.id, END)
        )
        letter = "" if run.parent or run.test else LETTER_OPEN
        ended = RunEnd(
            status=FAILED, sealed_end=await self._rooms.read(seal), told=code, letter=letter
        )
        await self._rooms.write(
            Written(
                org=run.org,
                run_id=run.id,
                fence=run.fence,
                at_ns=self._rooms.now_ns(),
                begun=run.steps,
                charged=run.charged,
                end=ended,
            )
        )
        self._rooms.ended_run(run, FAILED)

    async def _follow_news(self) -> None:
        """Tell activations what has come for their runs, and which of these are theirs no more."""
        look = partial(self._outside.work.news, self._executor)
        while not self._stopping.is_set():
            await asyncio.sleep(_NEWS_S)
            if not self._active:
                continue
            before = dict(self._active)
            stands = await self._rooms.read(look)
            for key, activation in before.items():
                if key in stands:
                    activation.tell(*stands[key])
                elif self._active.get(key) is activation and not activation.leaving:
                    activation.lose()
