"""A part of a node as a step of its own: a question to a person, a specialist's work."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from legato.core.money import NanoUSD
from legato.workflows.nodes.contract import Child, ChildOutcome, News, RunFacts, Step, Waiting


class Within:
    """A `Step` within a step. Names of what it does begin with its own.

    Templates are taken as they stand: what it works with may have been written by a model, and no
    expression of a model's is ever worked out.
    """

    def __init__(self, step: Step, name: str) -> None:
        self._step = step
        self._name = name

    @property
    def run(self) -> RunFacts:
        """The run it belongs to."""
        return self._step.run

    @property
    def path(self) -> str:
        """The node, and the part of it."""
        return f"{self._step.path}/{self._name}"

    @property
    def idempotency_key(self) -> str:
        """`RUN/NODE/PART`."""
        return f"{self._step.idempotency_key}/{self._name}"

    async def value(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Return it as it is."""
        del extra
        return template

    def value_at_once(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Return it as it is."""
        del extra
        return template

    async def holds(self, condition: str, extra: Mapping[str, Any] | None = None) -> bool:
        """Return what a condition of the definition comes to."""
        return await self._step.holds(condition, extra)

    async def do(self, name: str, work: Callable[[str], Awaitable[Any]]) -> Any:
        """Do it within the step."""
        return await self._step.do(self._named(name), work)

    async def transact(self, name: str, work: Callable[[Any, str], Any]) -> Any:
        """Do it within the step's transaction."""
        return await self._step.transact(self._named(name), work)

    async def wait(self, name: str, waiting: Waiting) -> News:
        """Wait as the step."""
        return await self._step.wait(self._named(name), waiting)

    async def child(self, name: str, child: Child) -> ChildOutcome:
        """Run a child of the step."""
        return await self._step.child(self._named(name), child)

    async def children(
        self, named: Mapping[str, Child], at_once: int, *, stop_at_error: bool = False
    ) -> Mapping[str, ChildOutcome]:
        """Run children of the step."""
        own = {self._named(name): one for name, one in named.items()}
        found = await self._step.children(own, at_once, stop_at_error=stop_at_error)
        return {name: found[self._named(name)] for name in named if self._named(name) in found}

    async def now_ns(self, name: str) -> int:
        """Return the time, as the step has it."""
        return await self._step.now_ns(self._named(name))

    async def charge(self, name: str, cost: NanoUSD) -> None:
        """Count a cost of the step."""
        await self._step.charge(self._named(name), cost)

    async def tell(self, event: str, data: Mapping[str, Any]) -> None:
        """Tell it as the step."""
        await self._step.tell(event, {"part": self._name, **data})

    def _named(self, name: str) -> str:
        return f"{self._name}/{name}"


class Again(Within):
    """The same node done once more, under names of its own; its templates are the definition's."""

    @property
    def path(self) -> str:
        """The node."""
        return self._step.path

    async def value(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Return data with its expressions worked out, as the step does."""
        return await self._step.value(template, extra)

    def value_at_once(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Return data with its expressions worked out, within a transaction."""
        return self._step.value_at_once(template, extra)
