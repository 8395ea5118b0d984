"""An activation: takes a run as far as it goes, then ends; nothing of it is needed afterwards.

Nodes that may begin run at once, each a task. What they come to is written before anything that
depends on it reaches outside. The activation leaves once every node that has begun waits, and only
where nothing has come that it doesn't know of.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from legato.core.errors import InvalidRequest, LegatoError, NotGiven, StorageUnavailable
from legato.core.records import ArmOutcome
from legato.core.tasks import spawn
from legato.flow.definition import ERROR, AnyNode
from legato.flow.expressions import Bound, compile_expression, compile_template
from legato.flow.progress import Ended
from legato.routing.assignment import unit_of
from legato.storage.workflows.rows import (
    CANCELLED,
    DONE,
    FAILED,
    LETTER_OPEN,
    RETRYING,
    SKIPPED,
    STARTED,
    STEP_FAILED,
    Effect,
    RunEnd,
    RunRow,
    StepRow,
    WaitRow,
    Written,
    Wrote,
)
from legato.workflows.nodes.contract import (
    Child,
    ChildOutcome,
    NodeKind,
    NodeKinds,
    NodeLeft,
    StepOutcome,
)
from legato.workflows.runs.attempts import NANO, attempt_s, nano_of, wait_before
from legato.workflows.runs.rooms import Rooms
from legato.workflows.runs.sealing import END, End, Kept, Tried, run_context
from legato.workflows.runs.state import RunState
from legato.workflows.runs.step import NodeStep

log = logging.getLogger(__name__)

RETRY: Final = "~retry"
"""The name of the wait between two attempts, where it is long."""
_LONG_S: Final = 2.0
_LINGER_S: Final = 0.5
"""How long a run with children at work waits for news before it leaves."""
_AGAIN_S: Final = 0.5
_ERROR_CHARACTERS_MAX: Final = 2_000
Result = TypeVar("Result")


class RunLost(BaseException):
    """Another has the run: nothing more may be written."""


class Activation:
    """One. `go` returns when it is over."""

    def __init__(self, state: RunState, kinds: NodeKinds, rooms: Rooms) -> None:
        self.state = state
        self._kinds = kinds
        self._rooms = rooms
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._owned: set[asyncio.Task[Any]] = set()
        self._news = asyncio.Event()
        self._lost = False
        self._cancelling = state.run.cancelling
        self._flushing = asyncio.Lock()
        self._children: dict[str, str] = {}
        self._failed: RunEnd | None = None
        self._leaving = False

    # ---- from outside

    def tell(self, fence: int, news: int) -> None:
        """Know how the run's row stands."""
        if fence != self.state.run.fence:
            self.lose()
        elif news > self.state.news:
            self._news.set()

    def lose(self) -> None:
        """Know that another has the run."""
        self._lost = True
        self._news.set()

    @property
    def leaving(self) -> bool:
        """Whether it has told the run's row that it ends, or is about to."""
        return self._leaving

    async def go(self, children: dict[str, str]) -> None:
        """Take the run as far as it goes."""
        self._children = children
        try:
            await self._go()
        except RunLost:
            log.info("a run was taken over", extra={"run": self.state.run.id})
        finally:
            for task in tuple(self._owned):
                task.cancel()
            if self._owned:
                await asyncio.wait(set(self._owned))

    # ---- the work of steps

    def now_ns(self) -> int:
        """Return the time."""
        return self._rooms.now_ns()

    async def worked_out(self, work: Callable[[Bound], Result]) -> Result:
        """Work expressions out within a bound. Raises InvalidRequest."""
        return await self._rooms.worked_out(work)

    def to_write(self) -> Written:
        """Return what is written next."""
        return self.state.written(self._rooms.now_ns)

    async def flush(self) -> Wrote:
        """Write all that is to be written; return once it is there."""
        async with self._flushing:
            writing, self.state.pending = self.state.pending, None
            if writing is None:
                return Wrote(kept=True, news=self.state.news)
            writing.begun, writing.charged = self.state.begun, self.state.charged
            wrote = await self._rooms.write(writing)
        if not wrote.kept:
            self.lose()
            raise RunLost
        self._cancelling = self._cancelling or wrote.cancelling
        if wrote.news > self.state.news:
            self._news.set()
        return wrote

    async def write_effect(self, effect: Effect) -> StepRow:
        """Write it apart from all else; return what is recorded of it. Raises what it raises."""
        await self.flush()
        async with self._flushing:
            state, kept = self.state, self.state.pending
            state.pending = None
            writing = self.to_write()
            state.pending = kept
            writing.effects.append(effect)
            writing.begun, writing.charged = state.begun, state.charged
            wrote = await self._rooms.write(writing)
        if not wrote.kept:
            self.lose()
            raise RunLost
        return wrote.effects[0]

    async def new_child(self, node: str, name: str, child: Child) -> RunRow:
        """Return a child run's row, not written yet."""
        row, definition = await self._rooms.child_of(self.state, (node, name), child)
        if definition is not None:
            self.to_write().definitions.append(definition)
        return row

    async def children_ended(self, run_ids: list[str]) -> dict[str, str]:
        """Return which of these have ended, and how."""
        return await self._rooms.ended(self.state.run.org, run_ids)

    async def child_outcomes(self, run_ids: list[str]) -> dict[str, ChildOutcome]:
        """Return what ended ones came to."""
        return await self._rooms.outcomes(self.state.run.org, run_ids)

    def known_children(self) -> dict[str, str]:
        """Return the children there are with how they ended, "" for all that may go on."""
        return self._children

    # ---- how it goes

    async def _go(self) -> None:
        await self.worked_out(self.state.work_out_vars)
        await self._look()
        while True:
            if self._lost:
                raise RunLost
            over = await self._over()
            if over is not None:
                await self._end(over)
                return
            self._begin_ready()
            await asyncio.sleep(0)
            if self._at_work():
                await self._wait()
            elif self._failed is not None:
                continue
            elif await self._leave():
                return
            if self._news.is_set():
                await self._look()

    async def _look(self) -> None:
        """Take in what has come; nodes that wait look whether it is for them."""
        self._news.clear()
        state = self.state
        found, state.news, cancelling = await self._rooms.inbox(state.run)
        state.inbox = [one for one in found if one.id not in state.used]
        self._cancelling = self._cancelling or cancelling
        for node in state.at.values():
            node.left = False

    async def _over(self) -> RunEnd | None:
        """Return how the run ended; None: it goes on."""
        state = self.state
        if self._cancelling:
            return RunEnd(status=CANCELLED, sealed_end=b"", told=CANCELLED)
        if self._failed is not None:
            return self._failed
        ended = state.progress.ended
        if ended is not None:
            if ended.failed is None:
                return await self._done(ended)
            kept = state.errors[ended.failed]
            return self._ended_badly(kept.code, kept.message, node=ended.failed)
        if state.limits.time_s_max is not None and self.now_ns() >= state.ends_at_ns:
            msg = f"the run took longer than its {state.limits.time_s_max:g} s"
            return self._ended_badly("time_limit", msg)
        return None

    async def _done(self, ended: Ended) -> RunEnd:
        state = self.state
        try:
            output = ended.output(state.outputs)
            if state.plan.graph.output is not msgspec.UNSET:
                template, values = compile_template(state.plan.graph.output), state.values()
                output = await self.worked_out(partial(template.value, values))
            accepted = None
            if state.plan.accepted:
                seen = state.values({"output": output})
                condition = compile_expression(state.plan.accepted)
                accepted = await self.worked_out(partial(condition.holds, seen))
        except InvalidRequest as error:
            return self._ended_badly("output", f"output: {error.message}")
        sealed = state.content.seal(End(output=output), run_context(state.run.id, END))
        return RunEnd(status=DONE, sealed_end=sealed, accepted=accepted)

    def _ended_badly(self, code: str, message: str, *, node: str = "") -> RunEnd:
        state = self.state
        sealed = state.content.seal(End(message=message), run_context(state.run.id, END))
        letter = "" if state.run.parent or state.run.test else LETTER_OPEN
        return RunEnd(status=FAILED, sealed_end=sealed, told=code, failed_node=node, letter=letter)

    async def _end(self, ended: RunEnd) -> None:
        for task in tuple(self._owned):
            task.cancel()
        if self._owned:
            await asyncio.wait(set(self._owned))
        if (outcome := await self._arm_outcome(ended)) is not None:
            ended = msgspec.structs.replace(ended, outcome=outcome)
        self.to_write().end = ended
        self._leaving = True
        await self.flush()
        self._rooms.ended_run(self.state.run, ended.status)

    async def _arm_outcome(self, ended: RunEnd) -> ArmOutcome | None:
        """Return what the rollout is told that chose what this ran; trials and cuts don't count."""
        run, now_ns = self.state.run, self.now_ns()
        if not self.state.begin.arm or run.test or ended.status == CANCELLED:
            return None
        cost = await self._rooms.spent(run) + self.state.charged
        return ArmOutcome(
            request_id=run.id,
            org=run.org,
            arm=self.state.begin.arm,
            at_ns=run.created_at_ns,
            unit=unit_of(run.end_user, run.root),
            ok=ended.status == DONE,
            cost=cost,
            total_us=(now_ns - run.created_at_ns) // 1_000,
        )

    def _begin_ready(self) -> None:
        for node_id in self.state.progress.ready:
            at = self.state.node(node_id)
            if node_id not in self._tasks and not at.left:
                if not at.begun and self._no_room():
                    return
                self._tasks[node_id] = spawn(
                    self._node(node_id), owner=self._owned, name=f"node {node_id}"
                )

    def _no_room(self) -> bool:
        """Whether no further step may begin; where none is at work that ends the run."""
        state = self.state
        about_to = sum(not state.node(one).begun for one in self._tasks)
        if state.begun + about_to < state.limits.steps_max:
            return False
        if not self._tasks:
            msg = f"the run would begin more than its {state.limits.steps_max} steps"
            self._failed = self._ended_badly("step_limit", msg)
            self._news.set()
        return True

    def _at_work(self) -> bool:
        return bool(self._tasks)

    async def _wait(self) -> None:
        """Wait for a node, for news or for a time; what others wrote is written meanwhile."""
        if self.state.pending is not None and not self._flushing.locked():
            await self.flush()
        news = spawn(self._news.wait(), owner=self._owned, name="news")
        dues = list(self.state.dues())
        timeout = None if not dues else max(0.0, (min(dues) - self.now_ns()) / NANO)
        try:
            await asyncio.wait(
                {*self._tasks.values(), news},
                timeout=timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            news.cancel()
        if dues and min(dues) <= self.now_ns():
            self._news.set()
        for node_id, task in tuple(self._tasks.items()):
            if task.done():
                del self._tasks[node_id]
                task.result()

    async def _leave(self) -> bool:
        """Leave, where nothing has come meanwhile; return whether that was so."""
        await self.flush()
        dues = list(self.state.dues())
        if dues and min(dues) <= self.now_ns():
            self._news.set()
            return False
        if self._children and not all(self._children.values()) and not self._news.is_set():
            try:
                await asyncio.wait_for(self._news.wait(), _LINGER_S)
            except TimeoutError:
                pass
            else:
                return False
        writing = self.to_write()
        writing.taken += [one.id for one in self.state.inbox if one.event]
        writing.leave, writing.due_ns = self.state.news, min(dues, default=None)
        self._leaving = True
        wrote = await self.flush()
        self._leaving = wrote.left
        if not wrote.left:
            self._news.set()
        return wrote.left

    # ---- one node

    async def _node(self, node_id: str) -> None:
        node, at = self.state.nodes[node_id], self.state.node(node_id)
        if not at.begun and not await self._may_begin(node):
            return
        if not self._retry_is_due(node_id):
            at.left = True
            return
        if not at.begun:
            at.begun, at.started_at_ns, at.attempts = True, self.now_ns(), 1
            self.state.begun += 1
            self._write_step(node_id, STARTED, Kept())
        try:
            outcome = await self._attempt(node)
        except NodeLeft:
            at.left = True
        except TimeoutError as error:
            told = (
                error.args[0] if error.args else f"an attempt took longer than {node.timeout_s:g} s"
            )
            await self._failed_attempt(node, "timeout", told, retryable=True)
        except NotGiven as error:  # no branch catches it: the case is wrong, not the workflow
            self._failed = self._ended_badly(error.code, error.message, node=node_id)
            self._news.set()
            at.left = True
        except LegatoError as error:
            await self._failed_attempt(node, error.code, error.message, retryable=error.retryable)
        except Exception as error:
            log.exception("a node failed", extra={"run": self.state.run.id, "node": node_id})
            told = f"Legato failed ({type(error).__name__}); the log has the details"
            await self._failed_attempt(node, "internal_error", told, retryable=False)
        else:
            self._settle(node_id, outcome)

    async def _attempt(self, node: AnyNode) -> StepOutcome:
        """Do it; what ends because our database is away is done again, and isn't a failure."""
        while True:
            try:
                async with asyncio.timeout(attempt_s(node)):
                    return await self._kind_of(node)(node, NodeStep(self, node.id))
            except StorageUnavailable as error:
                told = {"run": self.state.run.id, "node": node.id, "reason": error.message}
                log.warning("a node waits", extra=told)
            await asyncio.sleep(_AGAIN_S)

    def _kind_of(self, node: AnyNode) -> NodeKind:
        kind = self._kinds.get(type(node))
        if kind is None:
            told = f"nodes of the kind {type(node).__struct_config__.tag!r} don't run here"
            raise InvalidRequest(told, param="kind")
        return kind

    async def _may_begin(self, node: AnyNode) -> bool:
        state = self.state
        try:
            if node.when is not None and not await NodeStep(self, node.id).holds(node.when):
                state.node(node.id).started_at_ns = self.now_ns()
                self._write_step(node.id, SKIPPED, Kept(), ended_at_ns=self.now_ns())
                return False
        except InvalidRequest as error:
            at = state.node(node.id)
            at.begun, at.started_at_ns, at.attempts = True, self.now_ns(), 1
            self._fail(node.id, error.code, f"when: {error.message}")
            return False
        limit = state.limits.cost_usd_max
        if limit is not None:
            spent = await self._rooms.spent(state.run)
            if spent + state.charged >= nano_of(limit):
                msg = f"the run reached its cost limit of {limit} USD"
                self._failed = self._ended_badly("cost_limit", msg, node=node.id)
                self._news.set()
                state.node(node.id).left = True
                return False
        return True

    def _retry_is_due(self, node_id: str) -> bool:
        wait = self.state.waits.get((node_id, RETRY))
        if wait is None:
            return True
        if wait.due_ns is not None and wait.due_ns > self.now_ns():
            return False
        del self.state.waits[node_id, RETRY]
        self.to_write().waited.append((node_id, RETRY))
        return True

    async def _failed_attempt(
        self, node: AnyNode, code: str, message: str, *, retryable: bool
    ) -> None:
        at, retry = self.state.node(node.id), node.retry
        message = message[:_ERROR_CHARACTERS_MAX]
        at.tried = (*at.tried, Tried(at_ns=self.now_ns(), code=code, message=message))
        tells = code in retry.on if retry is not None and retry.on else retryable
        if retry is None or at.attempts >= retry.attempts_max or not tells:
            self._fail(node.id, code, message)
            return
        wait_s = wait_before(retry, at.attempts)
        at.attempts += 1
        self._write_step(node.id, RETRYING, Kept(code=code, message=message, tried=at.tried))
        if wait_s < _LONG_S:
            await self.flush()
            await asyncio.sleep(wait_s)
            return
        now_ns = self.now_ns()
        due_ns = now_ns + int(wait_s * NANO)
        wait = WaitRow(node=node.id, name=RETRY, due_ns=due_ns, created_at_ns=now_ns)
        self.state.waits[node.id, RETRY] = wait
        self.to_write().waits.append(wait)
        at.left = True

    def _fail(self, node_id: str, code: str, message: str) -> None:
        at = self.state.node(node_id)
        kept = Kept(code=code, message=message, tried=at.tried)
        self._write_step(node_id, STEP_FAILED, kept, port=ERROR, ended_at_ns=self.now_ns())

    def _settle(self, node_id: str, outcome: StepOutcome) -> None:
        at = self.state.node(node_id)
        output = msgspec.json.decode(msgspec.json.encode(outcome.output))
        lineage = msgspec.to_builtins(dict(outcome.lineage))
        kept = Kept(output=output, lineage=lineage, tried=at.tried)
        state = STEP_FAILED if outcome.port == ERROR else DONE
        self._write_step(
            node_id,
            state,
            kept,
            port=outcome.port,
            confidence=outcome.confidence,
            ended_at_ns=self.now_ns(),
        )

    def _write_step(self, node_id: str, state: str, kept: Kept, **fields: Any) -> None:
        row: StepRow = self.state.step_row(node_id, state, kept, **fields)
        self.to_write().steps.append(row)
        if state not in {STARTED, RETRYING}:
            self._forget_waits(node_id)
            self.state.settled(row, kept)

    def _forget_waits(self, node_id: str) -> None:
        """Let go of what a node that has ended still waited for."""
        for place in [one for one in self.state.waits if one[0] == node_id]:
            del self.state.waits[place]
            self.to_write().waited.append(place)
