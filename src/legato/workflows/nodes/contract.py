"""Between the interpreter and the kinds of nodes: what a kind is given, and what it gives back.

A kind is a function of a node and its step. Everything that reaches outside, reads a clock or
draws chance it does through the step, which records what came of it under a name that is unique
within the node: when the run is taken up again, here or elsewhere, what is recorded is given back
and not done anew. Between these calls a kind must be deterministic. A kind that waits doesn't
block: `wait` leaves the node (and, when nothing else can go on, the run, which then holds neither
thread nor memory), and once there is news the kind is called again from its beginning.

Steps run at least once; their outcomes are recorded once. What goes outside carries
`Step.idempotency_key`, which is the same in every attempt. What a node writes to our own database
it writes by `Step.transact`: in the transaction that records it, so exactly once.

Leaving a node is an exception that is no `Exception` (`NodeLeft`): let it pass. What `do` came to
is recorded before the next thing that reaches outside begins, and with the node's end at the
latest; a node whose one effect is its last thing pays one transaction.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from legato.core.money import NanoUSD
from legato.flow.definition import DONE, AnyNode, Graph
from legato.flow.rehearsal import Rehearsal


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Of a run, what its steps may see; expressions have its id, workflow, user and test."""

    id: str
    org: str
    team: str
    feature: str
    workflow: str
    """The definition's name in the registry."""
    digest: str
    """Of the definition's version, which a run keeps to its end."""
    key_id: str
    """For which key calls are made: whose budgets, limits and rights hold."""
    user: str = ""
    """On whose behalf, as callers name users."""
    root: str = ""
    """The run that all of a tree belong to; its own id for most. Entries of the ledger have it as
    the tag `run`, with `node` (and `child`, of those below it): costs are summed by it."""
    parent: str = ""
    """The run that this one is a child of."""
    test: bool = False
    """A trial from the builder: nobody is notified, nothing outside is changed."""
    rehearsal: Rehearsal | None = None
    """Of a trial that an evaluation began: its case says what else the world would."""


class StepOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a node. JSON."""

    output: Any = None
    port: str = DONE
    confidence: float | None = None
    lineage: Mapping[str, Any] = {}
    """What made it, for those who ask: request ids, versions, verdicts, deciders."""


TASK_TOPICS: Final = "task/"
"""How topics begin on which runs hear of their own tasks: nobody else tells anything there."""


class News(msgspec.Struct, frozen=True, kw_only=True):
    """Why a wait is over."""

    due: bool
    """Its time has come; else there is a message."""
    message: Any = None
    by: str = ""
    """Who sent it, where that is known."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What a node waits for: a message on a topic, a time, or whichever is first."""

    topic: str = ""
    """Within the run, or with `event` any event of this type that `match` is true of; what a run
    is told on a topic of that name is such an event, for it alone, also before it waits."""
    due_ns: int | None = None
    event: str = ""
    match: str = ""
    """A condition of `event`, for waits for events."""


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A run within a run: a body, or a version of another workflow."""

    body: Graph | None = None
    workflow: str = ""
    input: Any = None
    extra: Mapping[str, Any] = {}
    """More names that expressions of a body see: `item`, `index`, `last`."""


class ChildOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a child run came to; exactly one of the two means something."""

    run_id: str
    output: Any = None
    error: Mapping[str, str] | None = None
    """`code` and `message`."""


class Step(Protocol):
    """One node of one run, at work."""

    @property
    def run(self) -> RunFacts:
        """The run it belongs to."""
        ...

    @property
    def path(self) -> str:
        """The node within its run: its id."""
        ...

    @property
    def idempotency_key(self) -> str:
        """`RUN/NODE`: the same in every attempt."""
        ...

    async def value(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Return plain data with its expressions worked out, over what the run has come to.

        What takes long is worked out in a thread: no run holds up the others.

        Raises:
            InvalidRequest: an expression fails; it names the place.
        """
        ...

    def value_at_once(self, template: Any, extra: Mapping[str, Any] | None = None) -> Any:
        """Return it for what `transact` does: others wait for that, so within some milliseconds.

        Raises:
            TooCostly: it takes longer.
            InvalidRequest: an expression fails; it names the place.
        """
        ...

    async def holds(self, condition: str, extra: Mapping[str, Any] | None = None) -> bool:
        """Return what a condition comes to. Raises InvalidRequest: it fails, or is no bool."""
        ...

    async def do(self, name: str, work: Callable[[str], Awaitable[Any]]) -> Any:
        """Do this now and record what came of it, or return what is recorded.

        `work` is given the idempotency key `RUN/NODE/NAME`. What it raises isn't recorded: the
        node's retries decide.
        """
        ...

    async def transact(self, name: str, work: Callable[[Any, str], Any]) -> Any:
        """Do this in the transaction that records what came of it, or return what is recorded.

        `work` blocks, in a thread; it is given a connection to the runs' database (SQLAlchemy's,
        within a transaction that it neither commits nor rolls back) and the idempotency key. What
        it writes there is written exactly once: with the record or not at all. Where it raises, or
        the run's fence is another's by now, nothing of it stays.
        """
        ...

    async def wait(self, name: str, waiting: Waiting) -> News:
        """Return the news, once there is some; until then this leaves the node."""
        ...

    async def child(self, name: str, child: Child) -> ChildOutcome:
        """Return what a child run came to; until it has ended this leaves the node."""
        ...

    async def children(
        self, named: Mapping[str, Child], at_once: int, *, stop_at_error: bool = False
    ) -> Mapping[str, ChildOutcome]:
        """Return what several came to, so many of them running at a time.

        With `stop_at_error` none begins any more once one has failed, and those that didn't are
        missing from what is returned.
        """
        ...

    async def now_ns(self, name: str) -> int:
        """Return the time when this was first asked under this name, in ns since the epoch."""
        ...

    async def charge(self, name: str, cost: NanoUSD) -> None:
        """Count a cost that the ledger doesn't have under this run: compute, a tool's price."""
        ...

    async def tell(self, event: str, data: Mapping[str, Any]) -> None:
        """Tell whoever watches the run; nothing is recorded (`agent.turn`, `tool.called`)."""
        ...


class NodeLeft(BaseException):
    """Leaves a node until there is news. Only the interpreter catches it."""


NodeKind = Callable[[Any, Step], Awaitable[StepOutcome]]
"""What a kind does: given the node of its type, and its step."""
NodeKinds = Mapping[type[AnyNode], NodeKind]
