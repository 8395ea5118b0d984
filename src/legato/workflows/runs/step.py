"""A node's step: what kinds of nodes work with, see `nodes/contract.py`."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import msgspec

from legato.core.errors import InvalidRequest, NotGiven
from legato.core.money import NanoUSD
from legato.flow.expressions import Bound, compile_expression, compile_template
from legato.storage.workflows.rows import (
    DONE,
    TOLD,
    Effect,
    MessageRow,
    RunRow,
    StepRow,
    WaitRow,
    Written,
    Wrote,
)
from legato.workflows.nodes.contract import (
    TASK_TOPICS,
    Child,
    ChildOutcome,
    News,
    NodeLeft,
    RunFacts,
    Waiting,
)
from legato.workflows.runs.sealing import Kept, step_context
from legato.workflows.runs.state import RunState

_CHARGE: Final = "charge:"
_NOW: Final = "now:"
_CHILD: Final = "child:"
_TOLD: Final = "told:"
_NEWS: Final = "news:"
UNREAD: Final = object()
Result = TypeVar("Result")


class Work(Protocol):
    """What a step needs of the activation that it is part of."""

    @property
    def state(self) -> RunState:
        """Its run."""
        ...

    def now_ns(self) -> int:
        """Return the time."""
        ...

    async def worked_out(self, work: Callable[[Bound], Result]) -> Result:
        """Work expressions out within a bound. Raises InvalidRequest."""
        ...

    def to_write(self) -> Written:
        """Return what is written next."""
        ...

    async def flush(self) -> Wrote:
        """Write all that is to be written; return once it is there."""
        ...

    async def new_child(self, node: str, name: str, child: Child) -> RunRow:
        """Return a child run's row, not written yet."""
        ...

    async def write_effect(self, effect: Effect) -> StepRow:
        """Write it apart from all else; return what is recorded of it. Raises what it raises."""
        ...

    async def children_ended(self, run_ids: list[str]) -> dict[str, str]:
        """Return which of these have ended, and how."""
        ...

    async def child_outcomes(self, run_ids: list[str]) -> dict[str, ChildOutcome]:
        """Return what ended ones came to."""
        ...

    def known_children(self) -> dict[str, str]:
        """Return the children there are with how they ended, "" for all that may go on."""
        ...


class NodeStep:
    """One node's, within one activation."""

    def __init__(self, work: Work, node: str) -> None:
        self._work = work
        self._node = node

    @property
    def run(self) -> RunFacts:
        """The run it belongs to."""
        return self._work.state.facts

    @property
    def path(self) -> str:
        """The node within its run: its id."""
        return self._node

    @property
    def idempotency_key(self) -> str:
        """`RUN/NODE`: the same in every attempt."""
        return f"{self.run.id}/{self._node}"

    async def value(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Return plain data with its expressions worked out. Raises InvalidRequest."""
        compiled, values = compile_template(template), self._work.state.values(extra)
        return await self._work.worked_out(partial(compiled.value, values))

    def value_at_once(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Return it, within a transaction. Raises TooCostly, InvalidRequest."""
        return compile_template(template).value(self._work.state.values(extra), Bound.quick())

    async def holds(self, condition: str, extra: Mapping[str, Any] | None = None) -> bool:
        """Return what a condition comes to. Raises InvalidRequest."""
        compiled, values = compile_expression(condition), self._work.state.values(extra)
        return await self._work.worked_out(partial(compiled.holds, values))

    async def do(self, name: str, work: Callable[[str], Awaitable[Any]]) -> Any:
        """Do this now and record what came of it, or return what is recorded."""
        found = self._recorded(name)
        if found is not UNREAD:
            return found
        await self._work.flush()
        came = _plain(await work(f"{self.idempotency_key}/{name}"))
        self._record(name, came)
        return came

    async def transact(self, name: str, work: Callable[[Any, str], Any]) -> Any:
        """Do this in the transaction that records what came of it, or return what is recorded."""
        found = self._recorded(name)
        if found is not UNREAD:
            return found
        state, key, at_ns = self._work.state, f"{self.idempotency_key}/{name}", self._work.now_ns()
        effect = Effect(
            self._node,
            name,
            lambda connection: _plain(work(connection, key)),
            lambda came: state.record_row(self._node, name, came, at_ns),
        )
        row = await self._work.write_effect(effect)
        came = state.content.kept(self.run.id, row).output
        state.records[self._node, name] = came
        return came

    async def wait(self, name: str, waiting: Waiting) -> News:
        """Return the news, once there is some; until then this leaves the node."""
        found = self._recorded(_NEWS + name)
        if found is not UNREAD:
            return msgspec.convert(found, News)
        news = await self._news(name, waiting)
        if news is None:
            state = self._work.state
            if (self._node, name) not in state.waits:
                wait = WaitRow(
                    node=self._node,
                    name=name,
                    topic=waiting.topic,
                    event=waiting.event,
                    condition=waiting.match,
                    due_ns=waiting.due_ns,
                    created_at_ns=self._work.now_ns(),
                )
                state.waits[self._node, name] = wait
                self._work.to_write().waits.append(wait)
            raise NodeLeft
        self._over(name)
        self._record(_NEWS + name, msgspec.to_builtins(news))
        return news

    async def child(self, name: str, child: Child) -> ChildOutcome:
        """Return what a child run came to; until it has ended this leaves the node."""
        return (await self.children({name: child}, 1))[name]

    async def children(
        self, named: Mapping[str, Child], at_once: int, *, stop_at_error: bool = False
    ) -> Mapping[str, ChildOutcome]:
        """Return what several came to, so many of them running at a time."""
        ids = {name: child_id(self.run.id, self._node, name) for name in named}
        known = self._work.known_children()
        open_ = [one for one in ids.values() if known.get(one) == ""]
        if open_:
            ended = await self._work.children_ended(open_)
            known.update(ended)
            open_ = [one for one in open_ if one not in ended]
        new = [name for name, run_id in ids.items() if run_id not in known]
        if stop_at_error and any(known.get(one) not in {None, "", DONE} for one in ids.values()):
            new = []
        for name in new[: max(0, at_once - len(open_))]:
            row = await self._work.new_child(self._node, name, named[name])
            self._work.to_write().children.append(row)
            known[row.id] = ""
        if open_ or new:
            raise NodeLeft
        came = await self._work.child_outcomes([one for one in ids.values() if one in known])
        for one in came.values():
            if one.error is not None and one.error["code"] == NotGiven.code:
                raise NotGiven(one.error["message"])  # what collects errors doesn't collect it
        return {name: came[run_id] for name, run_id in ids.items() if run_id in came}

    async def now_ns(self, name: str) -> int:
        """Return the time when this was first asked under this name, in ns since the epoch."""
        found = self._recorded(_NOW + name)
        if found is not UNREAD:
            return int(found)
        at_ns = self._work.now_ns()
        self._record(_NOW + name, at_ns)
        return at_ns

    async def charge(self, name: str, cost: NanoUSD) -> None:
        """Count a cost that the ledger doesn't have under this run."""
        if self._recorded(_CHARGE + name) is not UNREAD:
            return
        self._work.state.charged += int(cost)
        self._record(_CHARGE + name, int(cost))

    async def tell(self, event: str, data: Mapping[str, Any]) -> None:
        """Tell whoever watches the run: the last of each kind is kept until the next."""
        state, now_ns = self._work.state, self._work.now_ns()
        name = _TOLD + event
        sealed = state.content.seal(
            Kept(output=dict(data)), step_context(self.run.id, self._node, name)
        )
        row = StepRow(
            node=self._node, name=name, state=TOLD, port=event, sealed=sealed, started_at_ns=now_ns
        )
        self._work.to_write().steps.append(row)
        await self._work.flush()

    def _recorded(self, name: str) -> Any:
        return self._work.state.records.get((self._node, name), UNREAD)

    def _record(self, name: str, came: Any) -> None:
        state = self._work.state
        state.records[self._node, name] = came
        row = state.record_row(self._node, name, came, self._work.now_ns())
        self._work.to_write().steps.append(row)

    async def _news(self, name: str, waiting: Waiting) -> News | None:
        state = self._work.state
        wait = state.waits.get((self._node, name))
        for message in tuple(state.inbox):
            if not _meant(message, waiting):
                continue
            if message.event and (wait is None or wait.created_at_ns > message.at_ns):
                continue  # it came before anybody waited for it
            said = state.content.message(self.run.id, message.id, message.sealed)
            if waiting.match and not await self._matches(waiting.match, said):
                continue
            if message.event == "":
                state.inbox.remove(message)
                state.used.add(message.id)
                self._work.to_write().taken.append(message.id)
            return News(due=False, message=said, by=message.sender)
        due_ns = waiting.due_ns if wait is None else wait.due_ns
        if due_ns is not None and due_ns <= self._work.now_ns():
            return News(due=True)
        return None

    async def _matches(self, condition: str, event: Any) -> bool:
        try:
            return await self.holds(condition, {"event": event})
        except InvalidRequest:
            return False  # what the condition reads isn't in this event

    def _over(self, name: str) -> None:
        if self._work.state.waits.pop((self._node, name), None) is None:
            return
        writing = self._work.to_write()
        pending = [one for one in writing.waits if (one.node, one.name) == (self._node, name)]
        for one in pending:
            writing.waits.remove(one)
        if not pending:
            writing.waited.append((self._node, name))


def child_id(run_id: str, node: str, name: str) -> str:
    """Return the id of a child run: always the same, and in the order of its parent's.

    Its first 12 digits are its parent's time, as those of every id of ours say when it was made.
    """
    digest = hashlib.blake2b(f"{run_id}/{node}/{name}".encode(), digest_size=10).hexdigest()
    return run_id[:12] + digest


def _meant(message: MessageRow, waiting: Waiting) -> bool:
    if waiting.event:
        wanted, named = waiting.event, message.event or message.topic
        if named.startswith(TASK_TOPICS) and not message.event:
            return False
        return named.startswith(wanted[:-1]) if wanted.endswith("*") else named == wanted
    return bool(waiting.topic) and not message.event and message.topic == waiting.topic


def _plain(value: Any) -> Any:
    """Return it as JSON has it, so that a recorded value is the one that was returned."""
    return msgspec.json.decode(msgspec.json.encode(value))
