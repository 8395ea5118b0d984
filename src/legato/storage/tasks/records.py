"""What is kept of tasks for people. Content is sealed."""

from typing import Final

import msgspec

from legato.flow.definition import Assignees

OPEN: Final = "open"
DECIDED: Final = "decided"
ENDED_BY_TIME: Final = "expired"
WITHDRAWN: Final = "withdrawn"
STATES: Final = (OPEN, DECIDED, ENDED_BY_TIME, WITHDRAWN)
ANYBODY: Final = ("anybody", "")
DELEGATE: Final = "delegate"
Named = tuple[str, str]
"""How an assignee is kept: `account`, `role`, `team` or `delegate`, and the name."""


class NewTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task to be made. `path` is unique within its run: a second one of it isn't made."""

    org: str
    id: str
    team: str
    feature: str
    workflow: str
    run_id: str
    path: str
    ask: str
    approvals_needed: int
    sealed: bytes
    assignees: Assignees = Assignees()
    excluded: tuple[str, ...] = ()
    not_by: tuple[str, ...] = ()
    deadline_ns: int | None = None
    origin_user: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task as it is kept."""

    org: str
    id: str
    team: str
    feature: str
    workflow: str
    run_id: str
    path: str
    ask: str
    state: str
    port: str
    approvals_needed: int
    excluded: str
    not_by: str
    created_at_ns: int
    deadline_ns: int | None
    ended_at_ns: int | None
    sealed: bytes
    origin_user: str


class TaskVote(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said of a task."""

    person: str
    verdict: str
    port: str
    digest: str
    via: str
    sealed: bytes
    at_ns: int = 0


class TaskEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What else was done with a task: `whom` is to whom it was delegated, or what it was."""

    id: str
    what: str
    person: str
    whom: str
    sealed: bytes
    at_ns: int = 0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks are listed: all that is said must hold."""

    state: str = ""
    workflow: str = ""
    run_id: str = ""
    root: str = ""
    """Of this run, or of one below it."""
    team: str = ""
    named: tuple[Named, ...] = ()
    """Assigned to any of these; none: to whomever."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is told when a task of it has ended. No content: it is read where it is used."""

    org: str
    run_id: str
    path: str
    task_id: str
    state: str
    port: str
    by: str


def named_of(assignees: Assignees) -> list[Named]:
    """Return how assignees are kept: anybody, where none is named."""
    found: list[Named] = [
        *(("account", one) for one in assignees.accounts),
        *(("role", one) for one in assignees.roles),
        *(("team", one) for one in assignees.teams),
    ]
    return found or [ANYBODY]


def assignees_of(named: list[Named]) -> Assignees:
    """Return who is named, without delegates."""
    return Assignees(
        accounts=tuple(name for kind, name in named if kind == "account"),
        roles=tuple(name for kind, name in named if kind == "role"),
        teams=tuple(name for kind, name in named if kind == "team"),
    )
