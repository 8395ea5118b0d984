"""What is told to people: that something happened that somebody should know of."""

from enum import StrEnum
from typing import Final

import msgspec


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


RANK: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}

TASK: Final = "workflow.task"
MESSAGE: Final = "workflow.message"
SEALED_KINDS: Final = frozenset({TASK, MESSAGE})
"""Their words are of runs: content, so they are kept sealed under the organisation's key."""

KINDS: Final[dict[str, str]] = {
    "budget.warn": "A budget has reached a step that warns",
    "budget.degrade": "A budget has reached a step from which a cheaper route answers",
    "budget.queue": "A budget has reached a step from which calls wait in the queue of batches",
    "budget.blocked": "A budget is used up: a call was refused",
    "budget.reset": "The window has ended in which a budget had reached a step",
    "ledger.alarm": "A record of the journal couldn't be read into the ledger",
    "audit.copy_failing": "The audit log hasn't been copied to a destination for a while",
    "audit.copy_differs": "A destination holds another history than our audit log",
    "rollout.rolled_back": "A rollout was taken back",
    "quality.drift": "The scores of live answers have moved",
    "key.expiring": "A key expires within a week",
    "erasure.unfinished": "An erasure was cut off and has to be asked for again",
    "anomaly.spend": "A feature spends what is unusual for the hour of the week",
    "objective.burning": "An objective's error budget burns too fast",
    "objective.recovered": "An objective's error budget burns no longer too fast",
    "incident.opened": "A breaker stays open, or somebody opened an incident",
    "incident.resolved": "An incident is over",
    "report.made": "A scheduled report was made",
    "report.failed": "A scheduled report couldn't be made",
    "workflow.task": "A run of a workflow waits for somebody to decide",
    "workflow.message": "A run of a workflow tells something",
    "digest.weekly": "The week of a team",
    "test": "Somebody tries a channel",
}
"""Every kind there is, and what it tells."""


class Attachment(msgspec.Struct, frozen=True):
    """What goes with a notification as a file."""

    name: str
    media_type: str
    content: bytes


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell. It holds names and figures, never content, secrets or users.

    What workflows tell is their authors' to say: its title and text are content.
    `org` is "" for what concerns the instance. `once` says what it is about: a second one of
    the same is not told. `facts` are for machines; amounts are nano-USD.
    """

    id: str
    kind: str
    severity: Severity
    title: str
    text: str
    at_ns: int
    once: str
    org: str = ""
    team: str = ""
    feature: str = ""
    html: str = ""
    facts: dict[str, str | int | None] = {}
    after_ns: int = 0
    """It isn't sent before."""
    channels: tuple[str, ...] = ()
    """By which channels it goes whatever the routes say."""
    about_user: str = ""
    """The pseudonym of the user whom what is sealed of it is about; it goes with them."""
    sealed: bool = False
    """Its words are somebody's, whatever its kind: they are kept sealed."""
    attachment: Attachment | None = None
    """It isn't in the outbox: who sends looks it up."""


class State(StrEnum):
    """How a delivery stands."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One notification on its way by one channel."""

    channel: str
    state: State
    attempts: int
    next_ns: int
    sent_at_ns: int | None = None
    told: str = ""
    """Why the last attempt failed."""
