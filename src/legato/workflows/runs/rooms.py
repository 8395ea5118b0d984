"""What an activation needs of its process, and the process's way of giving it."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import lru_cache, partial
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec

from legato.core.clock import Clock
from legato.core.errors import InvalidRequest, NotFound, StorageUnavailable
from legato.flow.agent_tools import with_helpers
from legato.flow.definition import Definition, Graph, Limits, Outcome
from legato.flow.expressions import Bound, TooCostly
from legato.storage.workflows.rows import DONE, MessageRow, RunRow, StepRow, Written, Wrote
from legato.storage.workflows.work import RunWork, Turn
from legato.workflows.nodes.contract import Child, ChildOutcome
from legato.workflows.runs.sealing import (
    BEGIN,
    Begin,
    Plan,
    RunContent,
    Sealing,
    definition_context,
    run_context,
)
from legato.workflows.runs.state import Outer, RunState
from legato.workflows.runs.step import child_id
from legato.workflows.runs.writer import Together, Writer

DEPTH_MAX: Final = 16
"""Runs within runs."""
_AGAIN_S: Final = 0.5
_OUTER_CACHED: Final = 64
Result = TypeVar("Result")


class Resolved(NamedTuple):
    """A version of a workflow."""

    name: str
    definition: Definition
    arm: str = ""
    """Of the rollout that chose it: `ID/champion`, `ID/candidate`."""
    version: str = ""
    """As the registry and the ledger name it; "" for a definition that isn't kept there."""


class Definitions(Protocol):
    """Finds workflows by their references; blocking."""

    def resolve(self, org: str, ref: str, unit: str) -> Resolved:
        """Return what NAME, NAME@LABEL, NAME@NUMBER or NAME@DIGEST means.

        `unit` is who is assigned where a rollout is under way.

        Raises:
            NotFound: there is none; InvalidRequest: it can't run.
        """
        ...


class Spending(Protocol):
    """Knows what runs cost; blocking."""

    def spent(self, org: str, root: str, since_ns: int) -> int:
        """Return what the ledger has of a run's tree, nano-USD."""
        ...


def _unheard(*_told: object) -> None:
    """Who counts nothing."""


class Outside(NamedTuple):
    """What the app hands in."""

    work: RunWork
    sealing: Sealing
    clock: Clock
    definitions: Definitions
    spending: Spending
    ended: Callable[[RunRow, str], None]
    """Told of each run that ended, and how: counts it."""
    began: Callable[[RunRow], None] = _unheard
    """Told of each run when it begins."""
    stepped: Callable[[Sequence[StepRow]], None] = _unheard
    """Told of steps that were written."""
    queued: Callable[[], None] = _unheard
    """Told where a write may have made other runs want an activation."""


class Threads(NamedTuple):
    """Where an event loop has done what blocks."""

    reading: Executor
    writing: Executor
    """One thread: what one process writes doesn't wait for a lock of its own."""
    thinking: Executor
    """Works out what would hold up the loop."""


class Rooms:
    """One process's."""

    def __init__(self, outside: Outside, threads: Threads) -> None:
        self._outside = outside
        self._work = outside.work
        self._threads = threads
        self._writer = Writer(self._work, threads.writing)
        self._beginning = Together(self._work.begin, threads.writing)
        self._plan = lru_cache(256)(self._read_plan)
        self._outer: dict[str, Outer] = {}

    def now_ns(self) -> int:
        """Return the time."""
        return self._outside.clock.now_ns()

    async def worked_out(self, work: Callable[[Bound], Result]) -> Result:
        """Work expressions out, in a thread if they take long. Raises InvalidRequest."""
        try:
            return work(Bound.quick())
        except TooCostly:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads.thinking, work, Bound()
            )

    async def write(self, written: Written) -> Wrote:
        """Write, once the database is there. Raises what an effect raises."""
        wrote = await self._writer.write(written)
        self._outside.stepped(written.steps)
        if written.children or written.end is not None:
            self._outside.queued()
        return wrote

    async def inbox(self, run: RunRow) -> tuple[list[MessageRow], int, bool]:
        """Return what has come for a run, how many news there were, and whether to cancel it."""
        return await self.read(partial(self._work.inbox, run.org, run.id))

    async def ended(self, org: str, run_ids: list[str]) -> dict[str, str]:
        """Return which of some runs have ended, and how."""
        return await self.read(partial(self._work.ended, org, run_ids))

    async def outcomes(self, org: str, run_ids: list[str]) -> dict[str, ChildOutcome]:
        """Return what runs that have ended came to. Raises Erased."""
        return await self.read(partial(self._outcomes, org, run_ids))

    async def spent(self, run: RunRow) -> int:
        """Return what the ledger has of a run's tree, nano-USD."""
        look = partial(self._outside.spending.spent, run.org, run.root, run.created_at_ns)
        return await self.read(look)

    def ended_run(self, run: RunRow, status: str) -> None:
        """Tell that a run has ended."""
        self._outside.ended(run, status)

    async def child_of(
        self, state: RunState, place: tuple[str, str], child: Child
    ) -> tuple[RunRow, tuple[str, bytes] | None]:
        """Return a child's row and what it runs, where that may not be kept yet.

        Raises:
            NotFound, InvalidRequest: the workflow isn't there, can't run, or is too deep.
        """
        if state.run.depth >= DEPTH_MAX:
            msg = f"runs are within runs at most {DEPTH_MAX} deep: a workflow may call itself"
            raise InvalidRequest(msg)
        return await self.read(partial(self._child_of, state, place, child))

    async def begin(self, org: str, run_id: str, activation: int, executor: str) -> RunRow | None:
        """Take a run for an activation; None: it isn't its turn any more."""
        took = Turn(org, run_id, activation, executor=executor, at_ns=self.now_ns())
        found = await self._beginning.ask(took)
        if found is not None and found.activation == 1:
            self._outside.began(found)
        return found

    async def read(self, work: Callable[[], Result]) -> Result:
        """Do what blocks in a thread, once the database is there."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await loop.run_in_executor(self._threads.reading, work)
            except StorageUnavailable:
                await asyncio.sleep(_AGAIN_S)

    # ---- in threads

    def state_of(self, run: RunRow) -> tuple[RunState, dict[str, str]]:
        """Return what is known of a run, and its children. Raises Erased, NotFound."""
        content = RunContent(run.org, self._outside.sealing)
        state = RunState(run, content, self._plan(run.org, run.digest), self._around(run))
        state.take_in(self._work.recorded(run.org, run.id))
        return state, self._work.children(run.org, run.id)

    def _around(self, run: RunRow) -> Outer:
        """Return the steps around a body: those its expressions see beside its own.

        Kept for the next body of the same node: they had ended before it began.
        """
        if not run.parent or not self._is_body(run):
            return {}
        key = f"{run.parent}/{run.parent_node}"
        found = self._outer.get(key)
        if found is None:
            parent = self._work.runs(run.org, [run.parent])[0]
            state, _ = self.state_of(parent)
            found = dict(state.steps)
            while len(self._outer) >= _OUTER_CACHED:
                self._outer.pop(next(iter(self._outer)))
            self._outer[key] = found
        return found

    def _is_body(self, run: RunRow) -> bool:
        return self._plan(run.org, run.digest).body

    def _read_plan(self, org: str, digest: str) -> Plan:
        sealed = self._work.definition(org, digest)
        if sealed is None:
            raise NotFound(f"The definition {digest[:12]} isn't kept any more.", param="id")
        content = RunContent(org, self._outside.sealing)
        return msgspec.json.decode(content.open(sealed, definition_context(digest)), type=Plan)

    def _child_of(
        self, state: RunState, place: tuple[str, str], child: Child
    ) -> tuple[RunRow, tuple[str, bytes] | None]:
        run, workflow = state.run, state.run.workflow
        if child.body is not None:
            plan = Plan(graph=child.body, body=True)
            extra = {**state.begin.extra, **child.extra}
            begin = Begin(
                input=state.begin.input,
                extra=extra,
                vars=state.vars,
                user=state.begin.user,
                rehearsal=state.begin.rehearsal,
            )
        else:
            resolved = self._outside.definitions.resolve(
                run.org, child.workflow, state.begin.user or run.root
            )
            plan, workflow = plan_of(resolved.definition), resolved.name
            begin = Begin(
                input=child.input,
                user=state.begin.user,
                arm=resolved.arm,
                version=resolved.version,
                rehearsal=state.begin.rehearsal,
            )
        digest, encoded = digest_of(plan)
        run_id = child_id(run.id, *place)
        content = state.content
        now_ns = self.now_ns()
        row = RunRow(
            org=run.org,
            id=run_id,
            team=run.team,
            feature=run.feature,
            workflow=workflow,
            digest=digest,
            key_id=run.key_id,
            author=run.author,
            end_user=run.end_user,
            root=run.root,
            parent=run.id,
            parent_node=place[0],
            parent_name=place[1],
            depth=run.depth + 1,
            origin="child",
            test=run.test,
            sealed=content.seal(begin, run_context(run_id, BEGIN)),
            created_at_ns=now_ns,
            changed_at_ns=now_ns,
        )
        if digest in state.kept_digests:
            return row, None
        state.kept_digests.add(digest)
        context = definition_context(digest)
        return row, (digest, self._outside.sealing.seal(run.org, encoded, context))

    def _outcomes(self, org: str, run_ids: list[str]) -> dict[str, ChildOutcome]:
        content = RunContent(org, self._outside.sealing)
        found = {}
        for run in self._work.runs(org, run_ids):
            ended = content.ended(run)
            error: Mapping[str, str] | None = None
            if run.status != DONE:
                told = ended.message or f"the run {run.id} was {run.status}"
                error = {"code": run.told or run.status, "message": told}
            found[run.id] = ChildOutcome(run_id=run.id, output=ended.output, error=error)
        return found


def plan_of(definition: Definition) -> Plan:
    """Return what a run of a definition runs."""
    return Plan(
        graph=with_helpers(Graph(nodes=definition.nodes, output=definition.output)),
        vars=definition.vars,
        limits=definition.limits,
        accepted="" if definition.outcome is None else definition.outcome.accepted,
        input_schema=definition.input,
        title=definition.title,
    )


def definition_of(plan: Plan) -> Definition:
    """Return the definition that a run's plan was made of, without its triggers."""
    return Definition(
        title=plan.title,
        input=plan.input_schema,
        vars=plan.vars,
        nodes=plan.graph.nodes,
        output=plan.graph.output,
        limits=plan.limits or Limits(),
        outcome=Outcome(accepted=plan.accepted) if plan.accepted else None,
    )


def digest_of(plan: Plan) -> tuple[str, bytes]:
    """Return a plan's digest, 32 hex digits, and its JSON."""
    encoded = msgspec.json.encode(plan)
    return hashlib.blake2b(encoded, digest_size=16).hexdigest(), encoded
