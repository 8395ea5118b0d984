"""What is kept of runs, sealed for its organisation and bound to its place."""

from typing import Any, Final, Protocol

import msgspec

from legato.core.errors import Erased
from legato.flow.definition import Graph, Limits
from legato.flow.rehearsal import Rehearsal
from legato.storage.workflows.rows import RunRow, StepRow

BEGIN: Final = "begin"
END: Final = "end"


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class Begin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run begins with."""

    input: Any = None
    extra: dict[str, Any] = {}
    """What a body sees besides: `item` and `index`, or `last` and `index`."""
    vars: dict[str, Any] | None = None
    """Of whoever began it, for a body."""
    user: str = ""
    """As callers name users."""
    arm: str = ""
    """Of the rollout that chose what it runs."""
    version: str = ""
    """Of the workflow, as the registry names it."""
    path: str = ""
    """For people: which node's body it is."""
    context: str = ""
    """What callers elsewhere call the conversation it belongs to."""
    rehearsal: Rehearsal | None = None
    """Where an evaluation began it."""


class End(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run came to."""

    output: Any = None
    message: str = ""
    """Why it failed."""


class Tried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt of a node that failed."""

    at_ns: int
    code: str
    message: str


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a step."""

    output: Any = None
    code: str = ""
    message: str = ""
    lineage: dict[str, Any] = {}
    tried: tuple[Tried, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What runs run: a definition, or the body of one of its nodes."""

    graph: Graph
    vars: dict[str, Any] = {}
    limits: Limits | None = None
    accepted: str = ""
    input_schema: dict[str, Any] | None = None
    title: str = ""
    body: bool = False
    """Of a node: its expressions see the steps around it, too."""


def run_context(run_id: str, what: str) -> bytes:
    """Return what a run's content is bound to."""
    return f"workflow run\x00{run_id}\x00{what}".encode()


def step_context(run_id: str, node: str, name: str) -> bytes:
    """Return what a step's content is bound to."""
    return f"workflow step\x00{run_id}\x00{node}\x00{name}".encode()


def message_context(run_id: str, message_id: str) -> bytes:
    """Return what a message is bound to."""
    return f"workflow message\x00{run_id}\x00{message_id}".encode()


def definition_context(digest: str) -> bytes:
    """Return what a kept definition is bound to."""
    return f"workflow definition\x00{digest}".encode()


class RunContent:
    """Seals and opens one organisation's; blocking where a key is met for the first time."""

    def __init__(self, org: str, sealing: Sealing) -> None:
        self.org = org
        self._sealing = sealing

    def seal(self, value: Any, context: bytes) -> bytes:
        """Seal plain data or a struct as JSON."""
        return self._sealing.seal(self.org, msgspec.json.encode(value), context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Open it. Raises Erased."""
        msg = "id: what is kept of this run can't be read any more: it was erased, or its key is"
        if not sealed:
            raise Erased(msg, param="id")
        try:
            return self._sealing.open(self.org, sealed, context)
        except ValueError:
            raise Erased(msg, param="id") from None

    def begin(self, run: RunRow) -> Begin:
        """Return what a run begins with. Raises Erased."""
        return msgspec.json.decode(self.open(run.sealed, run_context(run.id, BEGIN)), type=Begin)

    def ended(self, run: RunRow) -> End:
        """Return what a run came to. Raises Erased."""
        if not run.sealed_end:
            return End()
        return msgspec.json.decode(self.open(run.sealed_end, run_context(run.id, END)), type=End)

    def kept(self, run_id: str, step: StepRow) -> Kept:
        """Return what is kept of a step. Raises Erased."""
        if not step.sealed and step.ended_at_ns is None:
            return Kept()
        context = step_context(run_id, step.node, step.name)
        return msgspec.json.decode(self.open(step.sealed, context), type=Kept)

    def message(self, run_id: str, message_id: str, sealed: bytes) -> Any:
        """Return a message. Raises Erased."""
        return msgspec.json.decode(self.open(sealed, message_context(run_id, message_id)))
