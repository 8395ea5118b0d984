"""How long each table's rows are kept: by a rule of `retention`, or otherwise and why.

A test fails for a table that is in neither.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Table

from legato.storage.objectives.counting import DAY_MIN
from legato.storage.rollups.rolling import HOURS_KEPT_DAYS, RUNS_KEPT_DAYS, USERS_KEPT_DAYS
from legato.storage.runs.batches import OPEN
from legato.storage.tables.agents import agent_note
from legato.storage.tables.anomalies import anomaly
from legato.storage.tables.budgets import budget_event
from legato.storage.tables.captures import capture
from legato.storage.tables.evaluations import dataset_block, evaluation, evaluation_answer
from legato.storage.tables.feedback import feedback
from legato.storage.tables.finance import benefit_entry, labour_entry, revenue_entry
from legato.storage.tables.floors import route_comparison
from legato.storage.tables.guard_samples import guard_judgement, guard_sample
from legato.storage.tables.human_tasks import (
    human_task,
    human_task_assignee,
    human_task_event,
    human_task_link,
    human_task_vote,
)
from legato.storage.tables.imports import imported_usage, usage_import
from legato.storage.tables.kept_maps import kept_map
from legato.storage.tables.live_scores import live_score
from legato.storage.tables.notifications import notification, notification_delivery
from legato.storage.tables.objectives import burn_alert, incident, objective_count
from legato.storage.tables.proposals import proposal, proposal_event
from legato.storage.tables.reviews import review_claim, review_item, review_label
from legato.storage.tables.rollouts import arm_outcome, rollout, shadow_outcome
from legato.storage.tables.schedules import report_run
from legato.storage.tables.schema import (
    batch,
    batch_claim,
    batch_line,
    response_conversation,
    stored_file,
    stored_file_part,
    stored_response,
    trace_block,
)
from legato.storage.tables.subject_exports import subject_export
from legato.storage.tables.triggers import trigger_letter
from legato.storage.tables.twins import workflow_twin
from legato.storage.tables.workflows import (
    workflow_message,
    workflow_run,
    workflow_step,
    workflow_wait,
)

_NS_PER_S: Final = 1_000_000_000
_NS_PER_DAY: Final = 86_400 * _NS_PER_S


class Part(NamedTuple):
    """A table whose rows go with those of another: its columns, and the ones they equal."""

    table: Table
    own: tuple[str, ...]
    of: tuple[str, ...]


class Scale(NamedTuple):
    """What a column of time counts in: what a time (ns) is there, and when such a value began."""

    of: Callable[[int], int | str]
    ns: Callable[[Any], int]


NANOSECONDS: Final = Scale(int, int)
DAYS: Final = Scale(lambda ns: ns // _NS_PER_DAY, lambda day: int(day) * _NS_PER_DAY)
MONTHS: Final = Scale(
    lambda ns: datetime.fromtimestamp(ns // _NS_PER_S, UTC).strftime("%Y-%m"),
    lambda month: int(datetime.strptime(f"{month} +0000", "%Y-%m %z").timestamp()) * _NS_PER_S,
)
"""As `2026-08`: a month is older than a time once it has ended by then."""


class Keeping(NamedTuple):
    """Rows of one table that go by age, with their parts."""

    table: Table
    at: str
    """The column that says since when: NULL for what doesn't age yet."""
    parts: tuple[Part, ...] = ()
    only: ColumnElement[bool] | None = None
    """Which rows age at all."""
    scale: Scale = NANOSECONDS


RULES: Final[dict[str, tuple[Keeping, ...]]] = {
    "traces": (Keeping(trace_block, "last_at_ns"),),
    "outcomes": tuple(
        Keeping(
            table,
            "at_ns",
            only=table.c.rollout_id.not_in(
                rollout.select()
                .with_only_columns(rollout.c.id)
                .where(rollout.c.ended_at_ns.is_(None))
            ),
        )
        for table in (arm_outcome, shadow_outcome)
    ),
    "comparisons": (Keeping(route_comparison, "at_ns"),),
    "feedback": (Keeping(feedback, "changed_at_ns"),),
    "live_scores": (Keeping(live_score, "scored_at_ns"),),
    "captures": (Keeping(capture, "at_ns"),),
    "guard_samples": (
        Keeping(guard_sample, "at_ns", (Part(guard_judgement, ("sample_id",), ("id",)),)),
    ),
    "redaction_maps": (Keeping(kept_map, "at_ns"),),
    "agent_notes": (Keeping(agent_note, "at_ns"),),
    "reviews": (
        Keeping(
            review_item,
            "created_at_ns",
            tuple(
                Part(table, ("org", "item_id"), ("org", "id"))
                for table in (review_claim, review_label)
            ),
        ),
    ),
    "tasks": (
        Keeping(
            human_task,
            "ended_at_ns",
            tuple(
                Part(table, ("org", "task_id"), ("org", "id"))
                for table in (
                    human_task_assignee,
                    human_task_vote,
                    human_task_event,
                    human_task_link,
                )
            ),
        ),
    ),
    "evaluations": (
        Keeping(
            evaluation,
            "ended_at_ns",
            (Part(evaluation_answer, ("org", "evaluation_id"), ("org", "id")),),
        ),
    ),
    "traffic_cases": (Keeping(dataset_block, "created_at_ns", only=dataset_block.c.traffic),),
    "responses": (
        Keeping(
            response_conversation,
            "used_at_ns",
            (Part(stored_response, ("org", "conversation_id"), ("org", "id")),),
        ),
    ),
    "files": (
        Keeping(
            stored_file,
            "created_at_ns",
            (Part(stored_file_part, ("org", "file_id"), ("org", "id")),),
        ),
    ),
    "batches": (
        Keeping(
            batch,
            "created_at_ns",
            tuple(
                Part(table, ("org", "batch_id"), ("org", "id"))
                for table in (batch_line, batch_claim)
            ),
            only=batch.c.status.not_in(OPEN),
        ),
    ),
    "budget_events": (Keeping(budget_event, "at_ns"),),
    "notifications": (
        Keeping(
            notification, "at_ns", (Part(notification_delivery, ("notification_id",), ("id",)),)
        ),
    ),
    "anomalies": (Keeping(anomaly, "found_at_ns"),),
    "incidents": (Keeping(incident, "resolved_at_ns"),),
    "objectives": (
        Keeping(objective_count, "bucket", only=objective_count.c.minutes == DAY_MIN, scale=DAYS),
        Keeping(burn_alert, "closed_at_ns"),
    ),
    "finance": tuple(
        Keeping(table, "period", scale=MONTHS)
        for table in (labour_entry, revenue_entry, benefit_entry)
    ),
    "report_runs": (Keeping(report_run, "made_ns"),),
    "usage_imports": (
        Keeping(
            usage_import, "at_ns", (Part(imported_usage, ("org", "import_id"), ("org", "id")),)
        ),
    ),
    "proposals": (
        Keeping(proposal, "decided_at_ns", (Part(proposal_event, ("proposal_id",), ("id",)),)),
    ),
    "trigger_letters": (Keeping(trigger_letter, "at_ns"),),
    "workflow_twins": (Keeping(workflow_twin, "changed_at_ns"),),
    "subject_exports": (Keeping(subject_export, "at_ns"),),
    "workflow_runs": (
        Keeping(
            workflow_run,
            "ended_at_ns",
            tuple(
                Part(table, ("org", "run_id"), ("org", "id"))
                for table in (workflow_step, workflow_wait, workflow_message)
            ),
        ),
    ),
}
"""By the names in `retention.days`."""

_WITH_ITS_THING: Final = "as many as there are of what it describes; people take it away"
_BOUNDED: Final = "one row for each thing there is, not for each request"
_BOOKS: Final = "for good: the books"
_SUMS: Final = "for good: the ledger summed, and made of it anew"
_PROOF: Final = "for good: it proves that something was done"
OTHERWISE: Final[dict[str, str]] = {
    "confidence_calibration": _BOUNDED,
    "work_claim": _BOUNDED,
    "trigger_state": _BOUNDED,
    "trigger_event": "30 days: what comes again after that begins a second run",
    "notification_source": _BOUNDED,
    "report_schedule": _WITH_ITS_THING,
    "workflow_page": _WITH_ITS_THING,
    "objective": _WITH_ITS_THING,
    "vendor_key": _BOOKS,
    "ledger_correction": _BOOKS,
    "invoice_line": _BOOKS,
    "invoice": _BOOKS,
    "fx_rate": _BOOKS,
    "cost_rules": _BOOKS,
    "accounting_terms": _BOOKS,
    "accounting_period": _BOOKS,
    "assumption": "for good: plans rest on its versions",
    "access_rule": _WITH_ITS_THING,
    "compliance_result": "compliance.retention_days: the instance's, of no organisation",
    "guard_day": _SUMS,
    "contract_baseline": _WITH_ITS_THING,
    "kpi_goal": _WITH_ITS_THING,
    "account": _WITH_ITS_THING,
    "account_invitation": "until it is used or has expired; a new one takes its place",
    "account_session": "until it ends: accounts.session_s",
    "account_token": "90 days after it has expired",
    "api_key": "for good: entries of the ledger name it",
    "api_key_secret": "with its key",
    "audit_event": "for good: without one event none could be verified",
    "audit_export": _BOUNDED,
    "audit_head": _BOUNDED,
    "audit_segment": "for good, its hashes of decisions as long as traces",
    "budget": _WITH_ITS_THING,
    "budget_set": "for good: entries of the ledger name it",
    "capture_erasure": "366 days: longer than anything may wait on a disk",
    "config_version": "for good: entries of the ledger name it",
    "credential": _WITH_ITS_THING,
    "custom_role": _WITH_ITS_THING,
    "data_key": "for good: it opens what was sealed; legato vault destroy ends it",
    "destroyed_data_key": _PROOF,
    "drift_alarm": "one for each drift that was found; no content",
    "erased_request": "366 days: longer than anything may wait on a disk",
    "erasure": _PROOF,
    "feature": _WITH_ITS_THING,
    "holdout": "for good: what savings rest on",
    "idempotent_call": "24 hours",
    "journal_alarm": "for good: what could not be read is evidence",
    "journal_offset": "until its segment is deleted",
    "judge_record": "for good: what judges are trusted by; figures only",
    "lease_holder": "until its journal is in the ledger",
    "lease_store": _BOUNDED,
    "ledger_entry": (
        "for good: the books. Its periods are never changed: what is corrected is reversed and "
        "entered anew, and erasing somebody leaves a pseudonym"
    ),
    "limit_lease": "until it is given back",
    "limit_used": "until its window is over",
    "limit_window": "until its window is over",
    "live_policy": _BOUNDED,
    "map_reading": _PROOF,
    "migration_marker": "while an upgrade is under way",
    "open_intent": "while a call is under way",
    "open_progress": "while a call is under way",
    "organisation": _WITH_ITS_THING,
    "price_version": "for good: entries of the ledger name it",
    "registry_approval": "for good: who let what go live",
    "registry_environment": _BOUNDED,
    "registry_label": _BOUNDED,
    "registry_move": "for good: who let what go live",
    "registry_object": _WITH_ITS_THING,
    "registry_price": "for good: entries of the ledger name it",
    "registry_reference": "with its version",
    "registry_version": "for good: decisions name it",
    "residency": _WITH_ITS_THING,
    "retention_term": _WITH_ITS_THING,
    "role_binding": _WITH_ITS_THING,
    "rollout": "for good: who let what go live",
    "rollout_event": "for good: who let what go live",
    "rollup_mark": _BOUNDED,
    "route_facts": "for good: decisions name it",
    "route_floor": _BOUNDED,
    "route_floor_move": "for good: what a share rests on; figures only",
    "router_model": _WITH_ITS_THING,
    "run_executor": _BOUNDED,
    "score_watch": _BOUNDED,
    "semantic_change": _BOUNDED,
    "semantic_entry": "until it expires: cache.semantic",
    "semantic_purge": "until no entry is left that it means, a day at least",
    "sign_in_delay": "30 days at most",
    "sign_in_flow": "until it is too late to come back, minutes",
    "spend_day": _SUMS,
    "spend_hour": f"{HOURS_KEPT_DAYS} days; what is older is summed by day",
    "spend_user_day": f"{USERS_KEPT_DAYS} days",
    "spend_run_day": f"{RUNS_KEPT_DAYS} days",
    "spend_workflow_day": _SUMS,
    "user_last_day": f"{USERS_KEPT_DAYS} days",
    "run_last_day": f"{RUNS_KEPT_DAYS} days",
    "store_version": _BOUNDED,
    "team": _WITH_ITS_THING,
    "tombstone": "for good: a backup of any age may be restored",
    "tombstone_copy": _BOUNDED,
    "voided_attempt": "as long as traces",
    "workflow_definition": "for good: runs name it",
}
"""Tables without a rule, and how long they are kept, or why for good."""


def tables_of(keeping: Keeping) -> tuple[Table, ...]:
    """Return a table with those of its parts."""
    return (keeping.table, *(part.table for part in keeping.parts))
