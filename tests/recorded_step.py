"""A step in memory, faithful to `legato.workflows.nodes.contract.Step`, for tests of kinds.

Outcomes are recorded under their names; a wait without news leaves the node by `Left`, and the
kind is then called again from its beginning, as the interpreter does.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import msgspec

from legato.storage.database.engine import writing
from legato.workflows.nodes.contract import (
    Child,
    ChildOutcome,
    News,
    NodeKind,
    RunFacts,
    StepOutcome,
    Waiting,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sqlalchemy import Engine

    from legato.core.money import NanoUSD

RUN = RunFacts(
    id="0199" + "0" * 28,
    org="default",
    team="claims",
    feature="payout",
    workflow="refund",
    digest="d" * 64,
    key_id="k1",
    user="ann",
)


class Left(BaseException):
    """The node waits."""


class RecordedStep:
    """One node of one run. `messages` are what has come, by topic or type of event."""

    def __init__(
        self,
        path: str,
        *,
        run: RunFacts = RUN,
        engine: Engine | None = None,
        values: Mapping[str, Any] | None = None,
        now_ns: int = 1_000_000_000_000,
    ) -> None:
        self.run = run
        self.path = path
        self.idempotency_key = f"{run.id}/{path}"
        self.recorded: dict[str, Any] = {}
        self.done: list[str] = []
        self.messages: list[tuple[str, Any, str]] = []
        self.waiting: Waiting | None = None
        self.clock_ns = now_ns
        self.charged: dict[str, NanoUSD] = {}
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self._engine = engine
        self._values = dict(values or {})

    async def value(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        return self.value_at_once(template, extra)

    def value_at_once(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Replace `${ ... }` by the value given for what stands within."""
        values = self._values | dict(extra or {})
        if isinstance(template, str):
            whole = re.fullmatch(r"\$\{\s*(.*?)\s*\}", template)
            if whole:
                return copy.deepcopy(values[whole[1]])
            return re.sub(r"\$\{\s*(.*?)\s*\}", lambda found: str(values[found[1]]), template)
        if isinstance(template, dict):
            return {name: self.value_at_once(one, extra) for name, one in template.items()}
        if isinstance(template, list | tuple):
            return [self.value_at_once(one, extra) for one in template]
        return template

    async def holds(self, condition: str, extra: Mapping[str, Any] | None = None) -> bool:
        return bool((self._values | dict(extra or {}))[condition])

    async def do(self, name: str, work: Callable[[str], Awaitable[Any]]) -> Any:
        if name not in self.recorded:
            self._record(name, await work(f"{self.idempotency_key}/{name}"))
        return copy.deepcopy(self.recorded[name])

    async def transact(self, name: str, work: Callable[[Any, str], Any]) -> Any:
        if name not in self.recorded:
            assert self._engine is not None, "give it an engine"
            with writing(self._engine) as connection:
                self._record(name, work(connection, f"{self.idempotency_key}/{name}"))
        return copy.deepcopy(self.recorded[name])

    async def wait(self, name: str, waiting: Waiting) -> News:
        if name in self.recorded:
            return msgspec.convert(self.recorded[name], News)
        for message in self.messages:
            topic, content, by = message
            if topic in {waiting.topic, waiting.event}:
                self.messages.remove(message)
                return self._news(name, News(due=False, message=content, by=by))
        if waiting.due_ns is not None and self.clock_ns >= waiting.due_ns:
            return self._news(name, News(due=True))
        self.waiting = waiting
        raise Left

    async def child(self, name: str, child: Child) -> ChildOutcome:
        raise NotImplementedError

    async def children(
        self, named: Mapping[str, Child], at_once: int
    ) -> Mapping[str, ChildOutcome]:
        raise NotImplementedError

    async def now_ns(self, name: str) -> int:
        found: int = self.recorded.setdefault(name, self.clock_ns)
        return found

    async def charge(self, name: str, cost: NanoUSD) -> None:
        self.charged.setdefault(name, cost)

    async def tell(self, event: str, data: Mapping[str, Any]) -> None:
        self.told.append((event, data))

    def _news(self, name: str, news: News) -> News:
        self._record(name, msgspec.to_builtins(news))
        return news

    def _record(self, name: str, outcome: Any) -> None:
        self.recorded[name] = msgspec.json.decode(msgspec.json.encode(outcome))
        self.done.append(name)


async def activated(kind: NodeKind, node: Any, step: RecordedStep) -> StepOutcome | None:
    """Call a kind as an activation does; None where the node waits."""
    try:
        return await kind(node, step)
    except Left:
        return None
