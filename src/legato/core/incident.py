"""Incidents: what somebody has to deal with, from when it began until it was over."""

from enum import StrEnum
from typing import Final

import msgspec

from legato.core.errors import InvalidRequest

TITLE_MAX: Final = 200
NOTE_MAX: Final = 2_000
BY_ITSELF: Final = "process:legato"
"""Who resolves what recovered."""


class Source(StrEnum):
    """What opened it."""

    BURN = "burn"  # an objective's error budget burnt too fast
    ANOMALY = "anomaly"  # a feature's spend was unusual
    BREAKER = "breaker"  # a deployment's breaker stayed open
    PERSON = "person"


class Cause(StrEnum):
    """What was wrong, by who has to mend it."""

    UNKNOWN = ""
    INTEGRATION = "integration"  # a provider, a network, a credential, our own set-up
    MODEL = "model"  # what a model answers, or how fast
    DATA = "data"  # what was asked, retrieved or imported


class Standing(StrEnum):
    """How far it is."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One. `org` is "" for what concerns the instance; times are ns, None while they are to come.

    `source_id` names what it was opened by: the alert, the anomaly, "" for a person.
    """

    id: str
    org: str
    source: Source
    subject: str
    severity: str
    title: str
    began_at_ns: int
    opened_at_ns: int
    source_id: str = ""
    team: str = ""
    feature: str = ""
    cause: Cause = Cause.UNKNOWN
    runbook: str = ""
    state: Standing = Standing.OPEN
    acknowledged_at_ns: int | None = None
    acknowledged_by: str = ""
    resolved_at_ns: int | None = None
    resolved_by: str = ""
    note: str = ""

    @property
    def detected_ns(self) -> int:
        """How long it went on unseen."""
        return max(0, self.opened_at_ns - self.began_at_ns)

    @property
    def acknowledged_ns(self) -> int | None:
        """How long it took until somebody took it on."""
        at_ns = self.acknowledged_at_ns
        return None if at_ns is None else at_ns - self.opened_at_ns

    @property
    def resolved_ns(self) -> int | None:
        """How long it took from the alert until it was over."""
        return None if self.resolved_at_ns is None else self.resolved_at_ns - self.opened_at_ns


def checked(said: Incident) -> Incident:
    """Return it as it is. Raises InvalidRequest naming the field."""
    for field, text, most in (
        ("title", said.title, TITLE_MAX),
        ("note", said.note, NOTE_MAX),
        ("subject", said.subject, TITLE_MAX),
    ):
        if len(text) > most:
            raise InvalidRequest(f"{field}: up to {most:,} characters", param=field)
    if not said.title.strip():
        raise InvalidRequest("title: say what is wrong", param="title")
    if said.began_at_ns > said.opened_at_ns:
        raise InvalidRequest("began_at: it can't begin later than now", param="began_at")
    if said.runbook and not said.runbook.startswith(("http://", "https://")):
        raise InvalidRequest("runbook: write an http or https address", param="runbook")
    return said
