"""What the registry's stores take and give."""

from collections.abc import Mapping

import msgspec

from legato.core.money import NanoUSD
from legato.core.registry import MoveState, ObjectName, Truth
from legato.routing.assignment import Slices


class Details(msgspec.Struct, frozen=True):
    """Who answers for an object; may change without a new version."""

    owner: str = ""
    escalation: str = ""
    description: str = ""


class ObjectRecord(msgspec.Struct, frozen=True):
    """An object; `version` counts changes of its details, `newest` its versions."""

    name: ObjectName
    details: Details
    version: int
    created_at_ns: int
    newest: int


class NewVersion(msgspec.Struct, frozen=True):
    """Content to keep. Details that are None stay as they are."""

    name: ObjectName
    digest: str
    sealed: bytes
    references: frozenset[tuple[str, str]] = frozenset()
    """What the content names of others, as (kind, name)."""
    details: Details | None = None


class VersionRecord(msgspec.Struct, frozen=True):
    """A version that is kept."""

    name: ObjectName
    digest: str
    number: int
    sealed: bytes
    author: str
    reason: str
    created_at_ns: int


class Move(msgspec.Struct, frozen=True):
    """A wish to have a label point to a version; a digest of "" takes the label away.

    Where `expected` is set, the label must still point there, "" for nowhere.
    """

    name: ObjectName
    label: str
    digest: str
    expected: str | None = None
    approvals: int = 0
    """How many others must approve first."""


class Changes(msgspec.Struct, frozen=True):
    """What one person changes at once, all of it or nothing."""

    author: str
    reason: str
    environment: str
    through: Truth
    """The way it comes; refused where the environment's truth is the other one."""
    versions: tuple[NewVersion, ...] = ()
    moves: tuple[Move, ...] = ()


class MoveRecord(msgspec.Struct, frozen=True):
    """A move that was made or is wished for."""

    id: str
    environment: str
    name: ObjectName
    label: str
    from_digest: str
    to_digest: str
    author: str
    reason: str
    state: MoveState
    approvals_wanted: int
    asked_at_ns: int
    ended_at_ns: int | None
    rollout_digest: str = ""
    """Of the plan and candidates of the rollout with this id, which begins when it is approved."""


class Verdict(msgspec.Struct, frozen=True):
    """What one person says to a move."""

    approver: str
    approved: bool
    reason: str
    at_ns: int


class LabelRecord(msgspec.Struct, frozen=True):
    """Where a label points now."""

    name: ObjectName
    label: str
    digest: str
    number: int
    moved_at_ns: int


class EnvironmentRecord(msgspec.Struct, frozen=True):
    """An environment and who decides what its labels say."""

    name: str
    truth: Truth
    changed_by: str
    changed_at_ns: int


class LabelledVersion(msgspec.Struct, frozen=True):
    """A version under one of its labels, as a snapshot has it."""

    org: str
    label: str
    version: VersionRecord


class Use(msgspec.Struct, frozen=True):
    """A version that names something, and the labels it has, as (environment, label)."""

    name: ObjectName
    digest: str
    number: int
    labels: tuple[tuple[str, str], ...]


class RunningRollout(msgspec.Struct, frozen=True):
    """A rollout under way, as a snapshot has it: who gets which arm, and their versions."""

    org: str
    id: str
    name: ObjectName
    label: str
    slices: Slices
    candidates: Mapping[str, VersionRecord]
    """By the name of their arm: those that anybody gets."""
    shadow_budget: NanoUSD | None = None
    """Of a day, where the candidate is a shadow."""
