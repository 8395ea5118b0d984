"""Rows of runs as they are read and written; what is sealed in them stays sealed here."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row

from legato.core.records import ArmOutcome

QUEUED: Final = "queued"
"""Wants an activation."""
ENQUEUED: Final = "enqueued"
"""Has one in the engine's queue."""
RUNNING: Final = "running"
WAITING: Final = "waiting"
PAUSED: Final = "paused"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
OPEN: Final = (QUEUED, ENQUEUED, RUNNING, WAITING, PAUSED)
ENDED: Final = (DONE, FAILED, CANCELLED)

STARTED: Final = "started"
RETRYING: Final = "retrying"
STEP_FAILED: Final = "failed"
SKIPPED: Final = "skipped"
RECORDED: Final = "recorded"
TOLD: Final = "told"
"""Of what was told to whoever watches: the last of its kind."""

UNSETTLED: Final = (STARTED, RETRYING, TOLD)
"""States of steps that may still change."""

LETTER_OPEN: Final = "open"
LETTER_REDRIVEN: Final = "redriven"
LETTER_DISMISSED: Final = "dismissed"


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run; the fields are those of the table."""

    org: str
    id: str
    team: str
    feature: str
    workflow: str
    digest: str
    key_id: str
    author: str
    end_user: str = ""
    root: str
    parent: str = ""
    parent_node: str = ""
    parent_name: str = ""
    depth: int = 0
    origin: str = "api"
    origin_run: str = ""
    test: bool = False
    status: str = QUEUED
    told: str = ""
    failed_node: str = ""
    letter: str = ""
    sealed: bytes
    sealed_end: bytes = b""
    fence: int = 0
    activation: int = 1
    news: int = 0
    sequence: int = 0
    cancelling: bool = False
    executor: str = ""
    due_ns: int | None = None
    steps: int = 0
    charged: int = 0
    accepted: bool | None = None
    created_at_ns: int
    changed_at_ns: int
    ended_at_ns: int | None = None


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a node, or under a name of what it did."""

    node: str
    name: str = ""
    state: str
    port: str = ""
    attempts: int = 0
    confidence: float | None = None
    sealed: bytes = b""
    started_at_ns: int
    ended_at_ns: int | None = None
    sequence: int = 0


class WaitRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a node waits for."""

    node: str
    name: str
    topic: str = ""
    event: str = ""
    condition: str = ""
    due_ns: int | None = None
    created_at_ns: int


class MessageRow(msgspec.Struct, frozen=True, kw_only=True):
    """What has come for a run. `id` is its sender's: the same one comes once."""

    id: str
    number: int
    topic: str
    event: str = ""
    sender: str = ""
    taken: bool = False
    sealed: bytes
    at_ns: int


class RunEnd(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to."""

    status: str
    sealed_end: bytes
    told: str = ""
    failed_node: str = ""
    letter: str = ""
    accepted: bool | None = None
    outcome: ArmOutcome | None = None
    """For the rollout that chose what it ran."""


class Effect(msgspec.Struct, frozen=True, eq=False):
    """Writes of ours that belong to a step: in the transaction that records what they return."""

    node: str
    name: str
    work: Callable[[Connection], Any]
    row: Callable[[Any], StepRow]
    """The step, made of what `work` returned. Where it is recorded already nothing is done."""


class Written(msgspec.Struct, eq=False, kw_only=True):
    """What one activation has to write of its run: all of it, or nothing where it lost its fence.

    `leave` is how many news it knows: with more there it stays, and `Wrote.left` is false.
    """

    org: str
    run_id: str
    fence: int
    at_ns: int
    end_user: str = ""
    """Of the run: its steps are found by it when it is to be erased."""
    steps: list[StepRow] = msgspec.field(default_factory=list)
    waits: list[WaitRow] = msgspec.field(default_factory=list)
    waited: list[tuple[str, str]] = msgspec.field(default_factory=list)
    """Node and name of waits that are over."""
    taken: list[str] = msgspec.field(default_factory=list)
    """Ids of messages that were used."""
    children: list[RunRow] = msgspec.field(default_factory=list)
    definitions: list[tuple[str, bytes]] = msgspec.field(default_factory=list)
    """Digests and sealed contents that children run."""
    effects: list[Effect] = msgspec.field(default_factory=list)
    charged: int = 0
    """Nano-USD, of the whole run."""
    begun: int = 0
    """Steps that began, of the whole run."""
    end: RunEnd | None = None
    leave: int | None = None
    due_ns: int | None = None
    """With `leave`: when to look again, whatever comes."""


class Wrote(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it."""

    kept: bool
    """False: another has the run."""
    left: bool = False
    effects: tuple[StepRow, ...] = ()
    """What is recorded of each effect."""
    news: int = 0
    cancelling: bool = False


def run_row(row: Row[Any]) -> RunRow:
    """Return a run as it was read."""
    values = row._asdict()
    values["sealed"], values["sealed_end"] = bytes(row.sealed), bytes(row.sealed_end)
    return RunRow(**values)


def step_row(row: Row[Any]) -> StepRow:
    """Return a step as it was read."""
    fields = {name: getattr(row, name) for name in StepRow.__struct_fields__}
    return StepRow(**{**fields, "sealed": bytes(row.sealed)})


def wait_row(row: Row[Any]) -> WaitRow:
    """Return a wait as it was read."""
    return WaitRow(**{name: getattr(row, name) for name in WaitRow.__struct_fields__})


def message_row(row: Row[Any]) -> MessageRow:
    """Return a message as it was read."""
    fields = {name: getattr(row, name) for name in MessageRow.__struct_fields__}
    return MessageRow(**{**fields, "sealed": bytes(row.sealed)})
