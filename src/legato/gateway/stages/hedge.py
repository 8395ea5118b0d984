"""A second attempt beside a slow first one: the first to begin its answer wins.

The first runs as it would alone, in the caller's task. The second, if it comes to one, runs in a
task of its own on a branch of the call, with its own hold and its own entry. Who begins cancels the
other, which is entered as kind `hedge`: what the race cost on top.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from legato.core.decisions import HEDGED, Step
from legato.core.errors import LegatoError, UpstreamError
from legato.core.money import NanoUSD
from legato.core.records import EntryKind
from legato.core.tasks import spawn
from legato.core.wire import Operation
from legato.gateway.books import FIRST, SECOND
from legato.gateway.sinks import SinkBehind

if TYPE_CHECKING:
    from legato.gateway.context import Call, Headers, Reply, Sink
    from legato.gateway.directory import Deployment
    from legato.routing.load.hedging import Hedging

    Once = Callable[[Call, Sink, Deployment], Awaitable[Reply]]
    Choose = Callable[[Deployment, list[Step]], Deployment | None]
    """Returns whom to ask beside one, and adds the steps of those that can't be."""

_ASKING: Final = frozenset(
    {
        Operation.CHAT,
        Operation.COMPLETIONS,
        Operation.EMBEDDINGS,
        Operation.MODERATIONS,
        Operation.RERANK,
    }
)
_CALLERS_TOOLS: Final = frozenset({None, "function", "custom"})
"""Tools that the caller runs; any other runs at the provider, and may do something there."""
_DOING: Final = ("store", "background", "mcp_servers", "container", "web_search_options")


def may_be_hedged(call: "Call") -> bool:
    """Tell whether asking twice can do no more than cost twice."""
    if call.surface.operation not in _ASKING or call.view.turn is not None:
        return False
    if call.kind is EntryKind.SHADOW or any(call.body.get(name) for name in _DOING):
        return False
    tools: Any = call.body.get("tools")
    if not tools:
        return True
    return isinstance(tools, Sequence) and all(
        isinstance(tool, dict) and tool.get("type") in _CALLERS_TOOLS for tool in tools
    )


class Race:
    """One call's two attempts."""

    def __init__(
        self, call: "Call", sink: "Sink", hedging: "Hedging", *, once: "Once", choose: "Choose"
    ) -> None:
        self._call = call
        self._sink = sink
        self._hedging = hedging
        self._once = once
        self._choose = choose
        self._winner = ""
        self._before = call.attempts
        self._passed = 0
        self._first: Deployment | None = None
        self._second: Deployment | None = None
        self._branch: Call | None = None
        self._caller = asyncio.current_task()
        self._owned: set[asyncio.Task[Any]] = set()
        self._task: asyncio.Task[Reply] | None = None
        self._begun_s = self._forked_s = perf_counter()

    async def run(self, deployment: "Deployment") -> "Reply":
        """Return the answer; who gave it is set on the call. Raises what an attempt raises."""
        reply, self._call.deployment = await self._run(deployment)
        return reply

    async def _run(self, deployment: "Deployment") -> "tuple[Reply, Deployment]":
        self._first = deployment
        after_s = self._hedging.wait_s(deployment.name, stream=self._call.view.stream)
        timer = None
        if after_s is not None:
            timer = asyncio.get_running_loop().call_later(after_s, self._fork)
        try:
            reply = await self._once(self._call, _Gate(self._sink, self._first_begins), deployment)
            self._first_begins()
        except asyncio.CancelledError:
            if not self._is_lost():
                raise
            return await self._won()
        except UpstreamError:
            if self._task is None or self._sink.began:
                raise
            other = await self._left_over(self._task)
            if other is None:
                raise
            return other
        else:
            return reply, deployment
        finally:
            if timer is not None:
                timer.cancel()
            if self._task is not None:
                await self._end(self._task)

    def _fork(self) -> None:
        """Start the second attempt, where the first was sent and there is another to ask."""
        if self._winner or self._call.attempts == self._before:
            return
        passed: list[Step] = []
        self._second = None if self._first is None else self._choose(self._first, passed)
        if self._second is None or not self._hedging.take():
            return
        branch = self._branch = branch_of(self._call, passed)
        self._passed = len(passed)
        self._call.hedged, branch.hedged = FIRST, SECOND
        self._forked_s = perf_counter()
        self._task = spawn(self._run_second(branch, self._second), owner=self._owned, name="hedge")

    async def _run_second(self, branch: "Call", deployment: "Deployment") -> "Reply":
        reply = await self._once(branch, _Gate(self._sink, self._second_begins), deployment)
        self._second_begins()
        return reply

    def _first_begins(self) -> None:
        if self._winner == SECOND:
            raise asyncio.CancelledError
        if not self._winner:
            self._winner = FIRST
            self._measure(self._first, self._begun_s)
            if self._task is not None and self._branch is not None:
                self._branch.overhead = EntryKind.HEDGE
                self._task.cancel()

    def _second_begins(self) -> None:
        if self._winner == FIRST:
            raise asyncio.CancelledError
        if not self._winner:
            self._winner = SECOND
            self._measure(self._first, self._begun_s)  # it took longer: so much is known
            self._measure(self._second, self._forked_s)
            self._call.overhead = EntryKind.HEDGE
            if self._caller is not None:
                self._caller.cancel()

    def _measure(self, deployment: "Deployment | None", since_s: float) -> None:
        if deployment is not None:
            time_s = perf_counter() - since_s
            self._hedging.began(deployment.name, time_s, stream=self._call.view.stream)

    def _is_lost(self) -> bool:
        """Tell, once cancelled, whether the second attempt's beginning alone was the reason."""
        return self._winner == SECOND and self._caller is not None and self._caller.uncancel() == 0

    async def _won(self) -> "tuple[Reply, Deployment]":
        if self._task is None or self._second is None:
            msg = "who won has run"
            raise AssertionError(msg)
        return await self._task, self._second

    async def _left_over(self, task: "asyncio.Task[Reply]") -> "tuple[Reply, Deployment] | None":
        """Return the second's answer after the first has failed; None where it failed, too."""
        self._caller = None  # there is nobody left to cancel
        try:
            reply = await task
        except LegatoError:
            if self._sink.began:
                raise
            return None
        return None if self._second is None else (reply, self._second)

    async def _end(self, task: "asyncio.Task[Reply]") -> None:
        """See the second attempt ended in the books, and take into the call what it came to."""
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # it was told, or is of no interest beside the first one's answer
        if self._branch is None:
            return
        if len(self._branch.steps) == self._passed:  # it was over before its task had begun
            self._call.hedged, self._call.overhead = "", EntryKind.RETRY
        else:
            merge(self._call, self._branch, self._winner)


def branch_of(call: "Call", passed: "Sequence[Step]") -> "Call":
    """Return what the second attempt is made on; `passed` are those that couldn't be asked."""
    branch = copy(call)
    branch.marks, branch.failures, branch.steps = [], [], tuple(passed)
    branch.cost, branch.lost, branch.upstream_ns = NanoUSD(0), (), 0
    return branch


def merge(call: "Call", branch: "Call", winner: str) -> None:
    """Take into a call what its second attempt came to, which is over."""
    call.attempts = max(call.attempts, branch.attempts)
    call.add_cost(branch.cost)
    call.lost += branch.lost
    call.steps += tuple(replace(step, flags=step.flags | HEDGED) for step in branch.steps)
    call.failures += branch.failures
    call.overhead = EntryKind.RETRY
    call.hedged = winner  # neither, where both failed
    if winner == SECOND:
        call.usage, call.model_served = branch.usage, branch.model_served
        call.baseline_cost, call.measures = branch.baseline_cost, branch.measures
        call.first_byte_ns = branch.first_byte_ns
        call.upstream_ns = max(call.upstream_ns, branch.upstream_ns)


class _Gate(SinkBehind):
    """The caller, as one of two attempts sees it: tells when it begins."""

    def __init__(self, sink: "Sink", begins: Callable[[], None]) -> None:
        super().__init__(sink)
        self._begins = begins

    async def reply(self, status: int, headers: "Headers", body: bytes) -> None:
        """Send a whole answer."""
        self._begins()
        await self._sink.reply(status, headers, body)

    async def start(self, headers: "Headers") -> None:
        """Begin a stream, unless the other one has."""
        self._begins()
        await self._sink.start(headers)
