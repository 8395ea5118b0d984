"""What one activation knows of its run: what is recorded, what isn't written yet, what has come."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.flow.definition import SKIPPED, AnyNode, Limits
from legato.flow.expressions import Bound, TooCostly, compile_template
from legato.flow.progress import Plan as Paths
from legato.flow.progress import Progress
from legato.storage.workflows.rows import (
    RECORDED,
    RETRYING,
    STARTED,
    STEP_FAILED,
    TOLD,
    MessageRow,
    RunRow,
    StepRow,
    WaitRow,
    Written,
)
from legato.storage.workflows.rows import SKIPPED as STEP_SKIPPED
from legato.storage.workflows.work import Recorded
from legato.workflows.nodes.contract import RunFacts
from legato.workflows.runs.sealing import Begin, Kept, Plan, RunContent, Tried, step_context

NO_LIMITS: Final = Limits()
Outer = Mapping[str, Any]
"""The steps of the run that a body belongs to."""


class NodeState(msgspec.Struct, kw_only=True):
    """What is known of a node."""

    started_at_ns: int = 0
    attempts: int = 0
    tried: tuple[Tried, ...] = ()
    begun: bool = False
    left: bool = False
    """It waits for news."""


class RunState:
    """One run's, in memory while an activation has it."""

    def __init__(self, run: RunRow, content: RunContent, plan: Plan, outer: Outer) -> None:
        self.run = run
        self.content = content
        self.plan = plan
        self.begin: Begin = content.begin(run)
        self.limits: Limits = plan.limits or NO_LIMITS
        self.nodes: dict[str, AnyNode] = {node.id: node for node in plan.graph.nodes}
        self.progress = Progress(Paths.of(plan.graph.nodes))
        self.at: dict[str, NodeState] = {}
        self.records: dict[tuple[str, str], Any] = {}
        self.waits: dict[tuple[str, str], WaitRow] = {}
        self.inbox: list[MessageRow] = []
        self.kept_digests: set[str] = set()
        """Of what its children run, as far as this activation kept it."""
        self.used: set[str] = set()
        """Ids of messages that were used, written so or not yet."""
        self.news = run.news
        self.begun = run.steps
        self.charged = run.charged
        self.outputs: dict[str, Any] = {}
        self.errors: dict[str, Kept] = {}
        self._outer = outer
        self._steps: dict[str, Any] = {}
        self._vars: dict[str, Any] | None = None
        self._vars_failed: InvalidRequest | None = None
        self.pending: Written | None = None
        self.facts = RunFacts(
            id=run.id,
            org=run.org,
            team=run.team,
            feature=run.feature,
            workflow=run.workflow,
            digest=run.digest,
            key_id=run.key_id,
            user=self.begin.user,
            root=run.root,
            parent=run.parent,
            test=run.test,
            rehearsal=self.begin.rehearsal,
        )

    def take_in(self, recorded: Recorded) -> None:
        """Know what is recorded. Raises Erased."""
        for wait in recorded.waits:
            self.waits[wait.node, wait.name] = wait
        for step in recorded.steps:
            if step.state == TOLD:
                continue
            kept = self.content.kept(self.run.id, step)
            if step.state == RECORDED:
                self.records[step.node, step.name] = kept.output
                continue
            node = self.node(step.node)
            node.started_at_ns, node.attempts = step.started_at_ns, step.attempts
            node.tried, node.begun = kept.tried, True
            if step.state not in {STARTED, RETRYING}:
                self.settled(step, kept)

    def node(self, node_id: str) -> NodeState:
        """Return what is known of a node."""
        return self.at.setdefault(node_id, NodeState())

    def settled(self, step: StepRow, kept: Kept) -> None:
        """Know what a node came to."""
        if step.state == STEP_SKIPPED:
            self.progress.record(step.node, SKIPPED)
            return
        seen: dict[str, Any] = {"port": step.port, "output": kept.output}
        if step.confidence is not None:
            seen["confidence"] = step.confidence
        if step.state == STEP_FAILED:
            seen["error"] = {"code": kept.code, "message": kept.message}
            self.errors[step.node] = kept
        self._steps[step.node] = seen
        self.outputs[step.node] = kept.output
        self.progress.record(step.node, step.port)

    # ---- what expressions see

    def values(self, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what expressions see."""
        return {**self._seen(), "vars": self.vars, **self.begin.extra, **(extra or {})}

    def _seen(self) -> dict[str, Any]:
        run = self.run
        return {
            "input": self.begin.input,
            "steps": _Steps(dict(self._steps), self._outer),  # as it is: a thread may read it
            "run": {
                "id": run.id,
                "workflow": run.workflow,
                "user": self.begin.user,
                "test": run.test,
            },
        }

    @property
    def vars(self) -> dict[str, Any]:
        """The definition's, worked out once. Raises InvalidRequest."""
        if self._vars is None:
            self.work_out_vars(Bound())
        if self._vars is None:
            raise self._vars_failed or InvalidRequest("vars: can't be worked out", param="vars")
        return self._vars

    def work_out_vars(self, bound: Bound) -> None:
        """Work out the definition's variables, or why they can't be. Raises TooCostly."""
        if self._vars is not None or self._vars_failed is not None:
            return
        self._vars = self.begin.vars
        if self._vars is not None:
            return
        try:
            self._vars = compile_template(self.plan.vars).value(self._seen(), bound)
        except TooCostly as error:
            if bound.quick_only:
                raise
            self._vars_failed = error
        except InvalidRequest as error:
            self._vars_failed = error

    @property
    def steps(self) -> Outer:
        """What steps came to, for a body's: its own and those around it."""
        return _Steps(self._steps, self._outer)

    # ---- what is to be written

    def written(self, now_ns: Callable[[], int]) -> Written:
        """Return what is to be written next, empty at first."""
        if self.pending is None:
            self.pending = Written(
                org=self.run.org,
                run_id=self.run.id,
                fence=self.run.fence,
                at_ns=now_ns(),
                end_user=self.run.end_user,
            )
        return self.pending

    def step_row(self, node_id: str, state: str, kept: Kept, **fields: Any) -> StepRow:
        """Return a node's row."""
        at = self.node(node_id)
        return StepRow(
            node=node_id,
            state=state,
            attempts=at.attempts,
            started_at_ns=at.started_at_ns,
            sealed=self.content.seal(kept, step_context(self.run.id, node_id, "")),
            **fields,
        )

    def record_row(self, node_id: str, name: str, value: Any, at_ns: int) -> StepRow:
        """Return the row of what a node did under a name."""
        return StepRow(
            node=node_id,
            name=name,
            state=RECORDED,
            started_at_ns=at_ns,
            ended_at_ns=at_ns,
            sealed=self.content.seal(Kept(output=value), step_context(self.run.id, node_id, name)),
        )

    def dues(self) -> Iterator[int]:
        """Yield the times that something waits for."""
        yield from (wait.due_ns for wait in self.waits.values() if wait.due_ns is not None)
        if self.limits.time_s_max is not None:
            yield self.ends_at_ns

    @property
    def ends_at_ns(self) -> int:
        """When its time is over."""
        return self.run.created_at_ns + int((self.limits.time_s_max or 0) * 1e9)


class _Steps(Mapping[str, Any]):
    """A graph's own steps before those around it."""

    def __init__(self, own: Mapping[str, Any], outer: Outer) -> None:
        self._own = own
        self._outer = outer

    def __getitem__(self, name: str) -> Any:
        return self._own[name] if name in self._own else self._outer[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self._outer), **dict.fromkeys(self._own)})

    def __len__(self) -> int:
        return len(set(self._own) | set(self._outer))
