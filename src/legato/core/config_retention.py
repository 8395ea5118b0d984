"""Configuration of how long what is stored is kept, for all and by organisation."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from legato.core.config_parts import Count, Name

DAYS_MIN: Final = {"objectives": 90, "finance": 365}
"""Kinds that figures rest on for so long: of an objective's longest period, of a plan's year."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class RetentionDays(_Strict, frozen=True):
    """Days by kind. What is None is as the kind's own setting says, else for good."""

    traces: Count | None = None
    """Stage timings and decisions."""
    outcomes: Count | None = None
    """Which version of a rollout answered whom."""
    comparisons: Count | None = None
    """Answers compared with a baseline's."""
    feedback: Count | None = None
    live_scores: Count | None = None
    captures: Count | None = None
    """At most, whatever their rules give them."""
    guard_samples: Count | None = None
    """Likewise, whatever their policies give them."""
    redaction_maps: Count | None = None
    """Likewise."""
    agent_notes: Count | None = None
    """Likewise, whatever workflows give them."""
    reviews: Count | None = None
    tasks: Count | None = None
    """What people were asked by workflows, after it ended."""
    evaluations: Count | None = None
    traffic_cases: Count | None = None
    """Cases of data sets that were made of captured traffic."""
    responses: Count | None = None
    """Conversations, after they were last used."""
    files: Count | None = None
    """Files of callers, after they were made."""
    batches: Count | None = None
    """Batches that have ended; their files are files."""
    budget_events: Count | None = None
    """What came of budgets."""
    notifications: Count | None = None
    """What people were told, sent or not."""
    anomalies: Count | None = None
    incidents: Count | None = None
    """After they were resolved."""
    objectives: Annotated[int, Meta(ge=DAYS_MIN["objectives"])] | None = None
    """Days of objectives, and alerts after they closed."""
    finance: Annotated[int, Meta(ge=DAYS_MIN["finance"])] | None = None
    """Labour, revenue and benefits that people brought, after their month."""
    report_runs: Count | None = None
    """Reports that were made by a schedule."""
    usage_imports: Count | None = None
    """What other reports say was used."""
    proposals: Count | None = None
    """What vendors changed, once it was decided."""
    trigger_letters: Count | None = None
    """Messages that never became runs."""
    workflow_twins: Count | None = None
    """States of things that workflows mirror, after they were last changed."""
    subject_exports: Count | None = None
    """Who was given what is held about whom."""
    workflow_runs: Count | None = None
    """Runs of workflows that have ended, with their steps."""


class Retention(_Strict, frozen=True):
    """One place for all that grows; an organisation may have less time, never more."""

    days: RetentionDays = RetentionDays()
    organisations: dict[Name, dict[str, Count]] = {}
    """By the names of `days`."""
