"""What the live stream tells of, by whose permission, and which changes concern it."""

from collections.abc import Iterable, Mapping
from typing import Final

from legato.core.permission import Permission
from legato.core.tenant import Reach, reaches
from legato.storage.changes import Change

TOPICS: Final[Mapping[str, Permission]] = {
    "accounts": Permission.ACCOUNT_READ,
    "alerts": Permission.OBJECTIVE_READ,
    "anomalies": Permission.ANOMALY_READ,
    "audit": Permission.AUDIT_READ,
    "budgets": Permission.BUDGET_READ,
    "books": Permission.BOOKS_READ,
    "cache": Permission.CACHE_READ,
    "compliance": Permission.COMPLIANCE_READ,
    "evaluations": Permission.EVALUATION_READ,
    "feedback": Permission.FEEDBACK_READ,
    "finance": Permission.FINANCE_READ,
    "guardrails": Permission.SAMPLE_READ,
    "incidents": Permission.INCIDENT_READ,
    "keys": Permission.KEY_READ,
    "notifications": Permission.NOTIFICATION_READ,
    "places": Permission.TEAM_READ,
    "proposals": Permission.PROPOSAL_READ,
    "registry": Permission.REGISTRY_READ,
    "reports": Permission.REPORT_READ,
    "requests": Permission.LEDGER_READ,
    "reviews": Permission.REVIEW_READ,
    "roles": Permission.ROLE_READ,
    "runs": Permission.WORKFLOW_RUN_READ,
    "spend": Permission.LEDGER_READ,
    "tasks": Permission.TASK_READ,
}
"""Each with what one must be allowed to read to hear of it."""
_OF_TABLES: Final = {
    "ledger_entry": ("requests", "spend"),
    "trace_block": ("requests",),
    "budget_event": ("budgets",),
    "burn_alert": ("alerts",),
    "anomaly": ("anomalies",),
    "notification": ("notifications",),
    "feedback": ("feedback",),
    "workflow_run": ("runs",),
}
_OF_ACTIONS: Final = {
    "access_rule": "roles", "account": "accounts", "accounting": "books", "alarm": "alerts",
    "anomaly": "anomalies", "assumption": "finance", "benefit": "finance", "budget": "budgets",
    "cache": "cache", "compliance": "compliance", "correction": "books", "cost_rules": "books",
    "dataset": "evaluations", "evaluation": "evaluations", "feature": "places",
    "floor": "registry", "guardrail": "guardrails", "holdout": "registry",
    "incident": "incidents", "invoice": "books", "judge": "reviews", "key": "keys",
    "kpi": "finance", "labour": "finance", "notification": "notifications",
    "objective": "alerts", "organisation": "places", "period": "books", "proposal": "proposals",
    "rates": "books", "registry": "registry", "report": "reports",
    "report_schedule": "reports", "revenue": "finance", "review": "reviews", "role": "roles",
    "rollout": "registry", "session": "accounts", "task": "tasks", "team": "places",
    "token": "accounts", "trigger": "runs", "vendor_key": "books", "workflow": "runs",
}  # fmt: skip
"""By the first word of an action of the audit log: who changes something writes it there."""
_READING: Final = ("read", "refuse", "export")
"""Acts by which nothing changes."""


def topics_of(change: Change) -> tuple[str, ...]:
    """Return what a change concerns."""
    if not change.action:
        return _OF_TABLES.get(change.table, ())
    kind, _, act = change.action.partition(".")
    topic = _OF_ACTIONS.get(kind)
    return ("audit",) if topic is None or act in _READING else ("audit", topic)


def heard(changes: Iterable[Change], reaching: Mapping[str, Reach]) -> list[str]:
    """Return the topics, of those somebody may hear of, that something within reach concerns."""
    found = {
        topic
        for change in changes
        for topic in topics_of(change)
        if (reach := reaching.get(topic)) is not None and reaches(reach, change.area)
    }
    return sorted(found)
