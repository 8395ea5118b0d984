"""A tool used by a node: who may, whether a person is asked first, and what comes of it.

Rules decide, by names; nothing that a model says or a detector scores ever lets a tool be used.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from legato.connectors.tool import ToolContext, ToolSpec
from legato.core.errors import Forbidden, InvalidRequest, NotFound, NotGiven, ToolFailed
from legato.flow.definition import Human
from legato.workflows.nodes.contract import Child, NodeKind, RunFacts, Step
from legato.workflows.nodes.within import Within

WORKFLOW: Final = "workflow:"
_APPROVED: Final = "approved"
_TOLD_MAX: Final = 500
Against = Callable[[RunFacts, str], Awaitable[str]]
"""Says which rule keeps a run's key from using a tool, "" where none does."""
Described = Callable[[RunFacts, str], Awaitable[ToolSpec]]
"""Says what a workflow, by NAME@LABEL, is as a tool. Raises NotFound."""


class Toolbox(Protocol):
    """See `legato.connectors.catalogue.Toolbox`."""

    async def find(self, name: str, org: str) -> ToolSpec:
        """Return a tool. Raises NotFound, ToolFailed."""
        ...

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Call a tool. Raises NotFound, InvalidRequest, ToolFailed."""
        ...

    async def function(
        self, name: str, arguments: Mapping[str, Any], org: str
    ) -> Callable[[Any, str], Any]:
        """Return what calls a transactional tool. Raises NotFound, InvalidRequest."""
        ...


class Use(msgspec.Struct, frozen=True):
    """What is called, with what; `approval` as the definition has it."""

    tool: str
    arguments: Mapping[str, Any]
    approval: str = "by_policy"


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: `done`, `skipped`, `failed`, `denied` or `rejected`; `told` says why."""

    came_to: str = "done"
    answer: Any = None
    told: str = ""
    approved_by: tuple[str, ...] = ()


class Rejected(Forbidden):
    """A person who was asked first said no, or nobody answered in time."""


class ToolUser:
    """Uses tools for nodes. `human` asks people, as human nodes do."""

    def __init__(
        self,
        toolbox: Toolbox,
        human: NodeKind,
        *,
        against: Against,
        described: Described,
        approval_deadline_s: float = 7 * 86_400.0,
    ) -> None:
        self._toolbox = toolbox
        self._human = human
        self._against = against
        self._described = described
        self._approval_deadline_s = approval_deadline_s

    async def spec(self, run: RunFacts, tool: str) -> ToolSpec:
        """Return what a tool is. Raises NotFound, ToolFailed."""
        if tool.startswith(WORKFLOW):
            return await self._described(run, tool.removeprefix(WORKFLOW))
        return await self._toolbox.find(tool, run.org)

    async def against(self, run: RunFacts, tool: str) -> str:
        """Say which rule keeps a run from using a tool, "" where none does."""
        return await self._against(run, tool)

    async def use(self, step: Step, name: str, use: Use) -> Used:
        """Use a tool, once: what came of it is recorded under `name`.

        Raises:
            Forbidden: a rule keeps the run's key from it.
            Rejected: a person said no.
            NotFound, InvalidRequest, ToolFailed: as the tool has it.
            NotGiven: see `_instead`.
        """
        asks, transactional = await step.do(f"{name}/policy", lambda _key: self._decided(step, use))
        if (instead := _instead(step.run, use)) is not None:
            return instead
        deciders = await self._approved(step, name, use) if asks else ()
        if use.tool.startswith(WORKFLOW):
            return Used(answer=await self._ran(step, name, use), approved_by=deciders)
        await step.tell("tool.called", {"tool": use.tool})
        if transactional:
            function = await self._toolbox.function(use.tool, use.arguments, step.run.org)
            return Used(answer=await step.transact(name, function), approved_by=deciders)
        answer = await step.do(name, lambda key: self._called(step.run, use, key))
        return Used(answer=answer, approved_by=deciders)

    async def observe(self, step: Step, name: str, use: Use) -> Used:
        """Use a tool as `use` does, with its failures recorded instead of raised.

        So an agent that is taken up again meets the same ones, and doesn't call anew what it was
        told had failed.
        """

        async def decide(_key: str) -> Any:
            return await _recorded(self._decided(step, use))

        policy = await step.do(f"{name}/policy", decide)
        if "told" in policy:
            return msgspec.convert(policy, Used)
        asks, transactional = policy["value"]
        if (instead := _instead(step.run, use)) is not None:
            return instead
        try:
            deciders = await self._approved(step, name, use) if asks else ()
        except Rejected as error:
            return Used(came_to="rejected", told=error.message)
        await step.tell("tool.called", {"tool": use.tool})
        if use.tool.startswith(WORKFLOW):
            said = await _recorded(self._ran(step, name, use))
        elif transactional:
            said = await self._transacted(step, name, use)
        else:
            said = await step.do(name, lambda key: _recorded(self._called(step.run, use, key)))
        if "told" in said:
            return msgspec.convert({**said, "approved_by": deciders}, Used)
        return Used(answer=said["value"], approved_by=deciders)

    async def _transacted(self, step: Step, name: str, use: Use) -> dict[str, Any]:
        async def find(_key: str) -> Any:
            async def checked() -> bool:
                await self._toolbox.function(use.tool, use.arguments, step.run.org)
                return True

            return await _recorded(checked())

        found: dict[str, Any] = await step.do(f"{name}/check", find)
        if "told" in found:
            return found
        function = await self._toolbox.function(use.tool, use.arguments, step.run.org)

        def work(connection: Any, key: str) -> dict[str, Any]:
            try:
                with connection.begin_nested():  # what a failed one wrote is taken back
                    return {"value": function(connection, key)}
            except Exception as error:  # noqa: BLE001 - a stranger's function: the model is told
                return {"came_to": "failed", "told": f"{type(error).__name__}: {error}"[:_TOLD_MAX]}

        said: dict[str, Any] = await step.transact(name, work)
        return said

    async def _called(self, run: RunFacts, use: Use, key: str) -> Any:
        if told := await self._against(run, use.tool):  # a rule made while somebody was asked
            raise Forbidden(told)
        return await self._toolbox.call(
            use.tool, use.arguments, ToolContext(key, run.org, run.user)
        )

    async def _decided(self, step: Step, use: Use) -> tuple[bool, bool]:
        """Return whether somebody is asked first, and whether it writes with the step."""
        if told := await self._against(step.run, use.tool):
            raise Forbidden(told)
        spec = await self.spec(step.run, use.tool)
        by_policy = spec.approval == "always" and use.approval == "by_policy"
        return use.approval == "always" or by_policy, spec.transactional

    async def _approved(self, step: Step, name: str, use: Use) -> tuple[str, ...]:
        node = Human(
            id="approval",
            title=f"Use of {use.tool}",
            subject=f"May {use.tool} be used by {step.run.workflow}?",
            data={"tool": use.tool, "arguments": dict(use.arguments)},
            deadline_s=self._approval_deadline_s,
        )
        outcome = await self._human(node, Within(step, f"{name}/approval"))
        if outcome.port != _APPROVED:
            raise Rejected(f"{use.tool}: a person was asked, and it ended as {outcome.port}")
        return tuple(map(str, outcome.lineage.get("deciders", ())))

    async def _ran(self, step: Step, name: str, use: Use) -> Any:
        child = Child(workflow=use.tool.removeprefix(WORKFLOW), input=dict(use.arguments))
        outcome = await step.child(name, child)
        if outcome.error is not None:
            raise ToolFailed(f"{use.tool} failed: {outcome.error.get('message', '')}")
        return outcome.output


_SKIPPED: Final = Used(came_to="skipped", told="a trial changes nothing outside: it wasn't called")


def _instead(run: RunFacts, use: Use) -> Used | None:
    """Return what a trial has instead of a call, None where the tool is called.

    Raises:
        NotGiven: an evaluation's case gives no answer, and its suite doesn't let the tool be used.
    """
    if not run.test or use.tool.startswith(WORKFLOW):
        return None
    if run.rehearsal is None:
        return _SKIPPED
    given = run.rehearsal.given.tools
    if use.tool in given:
        return Used(answer=given[use.tool], told="the case says what it answers")
    if use.tool in run.rehearsal.tools:
        return None
    msg = f"given.tools.{use.tool}: say what it answers, or let the suite's `tools` name it"
    raise NotGiven(msg)


async def _recorded(work: Awaitable[Any]) -> dict[str, Any]:
    """Return what work comes to, or why it failed, as a step records it."""
    try:
        return {"value": await work}
    except Forbidden as error:
        return {"came_to": "denied", "told": error.message}
    except (InvalidRequest, NotFound, ToolFailed) as error:
        return {"came_to": "failed", "told": error.message}
