"""The kind `agent`: a model acts in turns, with tools, until it answers or is stopped.

Each turn and each call of a tool is a step of its own: taken up again, only the one that was cut is
done anew. A tool is used by its name alone, and only where the definition lists it and no rule of
access keeps the run's key from it: what a tool's answer asks for changes neither.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from legato.core.errors import (
    InputBlocked,
    InvalidRequest,
    OutputBlocked,
    OutputInvalid,
)
from legato.core.tasks import InThread
from legato.flow.definition import Agent, Memory, Specialist, ToolUse
from legato.guardrails.outputs.schemas import Schemas
from legato.workflows.nodes import agent_words as words
from legato.workflows.nodes.agent_limits import Ended, Result, Spent
from legato.workflows.nodes.contract import RunFacts, Step, StepOutcome
from legato.workflows.nodes.models import Call, Models, Reply, lineage_of
from legato.workflows.nodes.prompt import as_text, ask
from legato.workflows.nodes.structured import read_structured
from legato.workflows.nodes.tool_use import WORKFLOW, ToolUser, Use
from legato.workflows.nodes.within import Within

_DONE: Final = "done"
_NAME_MAX: Final = 64


class Memories(Protocol):
    """What agents noted; blocking."""

    def recall(self, run: RunFacts, memory: Memory, key: str) -> list[str]:
        """Return what was noted, oldest first. Raises StorageUnavailable."""
        ...

    def note(
        self, connection: Any, run: RunFacts, memory: Memory, *, key: str, text: str, once: str
    ) -> None:
        """Note a text within a transaction."""
        ...


class Role(NamedTuple):
    """Who acts: the agent itself, or a specialist."""

    name: str
    model: str
    system: str
    tools: Sequence[ToolUse]
    turns_max: int
    schema: Mapping[str, Any] | None = None
    specialists: Sequence[Specialist] = ()
    plans: bool = False
    memory: Memory | None = None


class AgentKind:
    """Runs nodes of the kind."""

    def __init__(
        self, models: Models, tools: ToolUser, memories: Memories, in_thread: InThread
    ) -> None:
        self.models = models
        self.tools = tools
        self.memories = memories
        self.in_thread = in_thread

    async def __call__(self, node: Agent, step: Step) -> StepOutcome:
        """Act until there is an answer. Ports: `done`, `limit`, `refused`."""
        spent = Spent(node, step, await step.now_ns("began"))
        role = Role(
            name=node.id,
            model=node.model,
            system=as_text(await step.value(node.system)),
            tools=node.tools,
            turns_max=node.turns_max,
            schema=node.output_schema,
            specialists=node.specialists,
            plans=node.plan,
            memory=node.memory,
        )
        try:
            loop = _Loop(self, node, role, step=step, spent=spent)
            result = await loop.run(as_text(await step.value(node.task)))
            port = _DONE
        except Ended as end:
            refused = end.why in {"stopped", "blocked"}
            result = Result(end.told or None, len(spent.replies), end.why)
            port = "refused" if refused else "limit"
        return StepOutcome(
            output={
                "answer": result.answer,
                "turns": result.turns,
                "tool_calls": len(spent.tool_calls),
                "stopped": result.stopped,
            },
            port=port,
            lineage={
                **lineage_of(spent.replies),
                "tools": spent.tool_calls,
                "cost_nano_usd": None if spent.unpriced else spent.cost,
            },
        )


class _Loop:
    """One role at work, in one conversation."""

    def __init__(
        self, kind: AgentKind, node: Agent, role: Role, *, step: Step, spent: Spent
    ) -> None:
        self._kind = kind
        self._node = node
        self._role = role
        self._step = step
        self._spent = spent
        self._schemas = Schemas()
        self._uses: dict[str, ToolUse] = {}
        self._memory_key = ""
        self._used: list[str] = []

    async def run(self, task: str) -> Result:
        """Return the answer. Raises Ended."""
        role = self._role
        tools = await self._declared()
        memories = await self._recalled()
        system = words.system_text(
            role.system, plans=role.plans, structured=role.schema is not None, memories=memories
        )
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": system},
            {"role": "user", "content": task},
        ]
        for turn in range(role.turns_max):
            await self._spent.require_room(self._step, f"turn{turn}/at")
            reply = await self._turn(turn, messages, tools)
            messages.append(words.assistant(reply))
            found = await self._acted(turn, reply, messages)
            if found is not None:
                return Result(found, turn + 1, "answered")
            if await self._is_enough(turn, reply):
                return Result(reply.text, turn + 1, "stop_when")
        raise Ended("turns")

    async def _turn(
        self, turn: int, messages: list[dict[str, Any]], tools: list[dict[str, Any]]
    ) -> Reply:
        role, step = self._role, self._step
        body: dict[str, Any] = {"model": role.model, "messages": [*messages], "tools": tools}
        if role.plans and turn == 0:
            body["tool_choice"] = {"type": "function", "function": {"name": words.PLAN}}
        try:
            reply = await ask(self._kind.models, step, f"turn{turn}/ask", body)
        except (InputBlocked, OutputBlocked) as error:
            raise Ended("blocked", error.message) from None
        self._spent.paid(reply)
        await step.tell(
            "agent.turn",
            {"by": role.name, "turn": turn + 1, "calls": [one.name for one in reply.calls]},
        )
        return reply

    async def _acted(self, turn: int, reply: Reply, messages: list[dict[str, Any]]) -> Any:
        """Do what the model asks for; return the answer once there is one, else None."""
        if not reply.calls:
            return self._plain_answer(reply, messages)
        for number, call in enumerate(reply.calls):
            if call.name == words.ANSWER and self._role.schema is not None:
                answer, told = self._structured(call)
                if not told:
                    return answer
                messages.append(words.observed(call, told))
            else:
                place = f"turn{turn}/call{number}"
                messages.append(words.observed(call, await self._called(place, call)))
        return None

    def _plain_answer(self, reply: Reply, messages: list[dict[str, Any]]) -> Any:
        if self._role.schema is None:
            return reply.text
        try:
            return read_structured(reply.text, dict(self._role.schema), self._schemas)
        except OutputInvalid as error:
            told = f"Call {words.ANSWER} with the result. ({error.told})"
            messages.append({"role": "user", "content": told})
            return None

    def _structured(self, call: Call) -> tuple[Any, str]:
        """Return the result that a model gives, or what is wrong with it."""
        schema = {
            "type": "object",
            "properties": {"result": dict(self._role.schema or {})},
            "required": ["result"],
        }
        try:
            return read_structured(call.arguments, schema, self._schemas)["result"], ""
        except OutputInvalid as error:
            return None, f"That doesn't follow the schema: {error.told}. Call it again."

    async def _called(self, place: str, call: Call) -> Any:
        """Return what a call comes to, for the model to see. Raises Ended."""
        try:
            arguments = msgspec.json.decode(call.arguments or "{}", type=dict[str, Any])
        except msgspec.DecodeError:
            return "error: the arguments are no JSON object; call it again"
        if call.name in words.OWN:
            return await self._own(place, call.name, arguments)
        self._spent.require_call()
        use = self._uses.get(call.name)
        if use is None:
            self._spent.called(self._role.name, call.name, "denied")
            return f"error: you have no tool {call.name[:_NAME_MAX]!r}"
        used = await self._kind.tools.observe(
            self._step, place, Use(use.tool, arguments, use.approval)
        )
        self._spent.called(self._role.name, use.tool, used.came_to)
        self._used.append(use.tool)
        return used.answer if used.came_to == "done" else f"error: {used.told}"

    async def _own(self, place: str, name: str, arguments: dict[str, Any]) -> Any:
        if name == words.STOP:
            raise Ended("stopped", str(arguments.get("reason", "")))
        if name == words.PLAN and self._role.plans:
            await self._step.tell("agent.plan", {"by": self._role.name, **arguments})
            return "noted"
        if name == words.REMEMBER and self._role.memory is not None:
            return await self._noted(place, str(arguments.get("text", "")))
        if name == words.HAND_OVER and self._role.specialists:
            return await self._handed_over(place, arguments)
        return f"error: you have no tool {name!r}"

    async def _handed_over(self, place: str, arguments: dict[str, Any]) -> Any:
        to = str(arguments.get("to", ""))
        found = next((one for one in self._role.specialists if one.name == to), None)
        if found is None:
            known = ", ".join(one.name for one in self._role.specialists)
            return f"error: there is no specialist {to[:_NAME_MAX]!r}; there are {known}"
        role = Role(
            name=found.name,
            model=found.model or self._role.model,
            system=as_text(await self._step.value(found.system)),
            tools=found.tools,
            turns_max=found.turns_max,
        )
        await self._step.tell("agent.handed_over", {"by": self._role.name, "to": found.name})
        within = Within(self._step, f"{place}/{found.name}")
        loop = _Loop(self._kind, self._node, role, step=within, spent=self._spent)
        try:
            result = await loop.run(str(arguments.get("task", "")))
        except Ended as end:
            if end.why in {"turns", "stopped", "blocked"}:
                return f"error: {found.name} ended without a result: {end.why}. {end.told}"
            raise
        return result.answer

    async def _declared(self) -> list[dict[str, Any]]:
        """Return the tools that the model is told of; those that rules refuse aren't among them."""
        role, run, tools = self._role, self._step.run, self._kind.tools

        async def look(_key: str) -> list[dict[str, Any]]:
            found = []
            for one in role.tools:
                if not await tools.against(run, one.tool):
                    spec = await tools.spec(run, one.tool)
                    found.append(words.declared(spec, _shown_name(one.tool), one.description))
            return found

        declared: list[dict[str, Any]] = await self._step.do("tools", look)
        by_name = {_shown_name(one.tool): one for one in role.tools}
        names = [one["function"]["name"] for one in declared]
        self._uses = {name: by_name[name] for name in names if name in by_name}
        return declared + words.own_tools(
            role.schema,
            role.specialists,
            plans=role.plans,
            remembers=role.memory is not None,
        )

    async def _recalled(self) -> list[str]:
        memory, step = self._role.memory, self._step
        if memory is None:
            return []
        own = as_text(await step.value(memory.key)) if memory.key else ""
        self._memory_key = own or {"run": step.run.id, "user": step.run.user}.get(memory.scope, "")
        if memory.scope == "user" and not self._memory_key:
            raise InvalidRequest("memory.key: the run has no user to remember for", param="memory")

        async def look(_key: str) -> list[str]:
            found: list[str] = await self._kind.in_thread(
                lambda: self._kind.memories.recall(step.run, memory, self._memory_key)
            )
            return found

        recalled: list[str] = await step.do("recall", look)
        return recalled

    async def _noted(self, place: str, text: str) -> str:
        memory, run = self._role.memory, self._step.run
        if memory is None or not text.strip():
            return "error: there is nothing to note"
        if run.test and memory.scope != "run":
            return "noted"  # a trial leaves nothing behind

        def note(connection: Any, key: str) -> str:
            self._kind.memories.note(
                connection, run, memory, key=self._memory_key, text=text, once=key
            )
            return "noted"

        noted: str = await self._step.transact(f"{place}/note", note)
        return noted

    async def _is_enough(self, turn: int, reply: Reply) -> bool:
        if self._node.stop_when is None:
            return False
        extra = {"turn": turn + 1, "output": reply.text, "tools": self._used}
        return await self._step.holds(self._node.stop_when, extra)


def _shown_name(tool: str) -> str:
    """Return a tool's name as models can say it."""
    name = tool.replace(WORKFLOW, "workflow_").replace("@", "_")
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in name)[:_NAME_MAX]
