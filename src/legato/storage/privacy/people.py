"""Where each table stands to people: what kind of thing it holds about them, or why nothing.

One list for what is exported to a person and for what is erased of them, so that the two can't
drift apart: a test fails for a table that is in neither half, and for a kind that one of them
doesn't know.
"""

from typing import Final

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """One kind of thing that is held about people."""

    name: str
    about: str
    """For the person who reads an export."""
    tables: tuple[str, ...]
    stays: str = ""
    """Why an erasure leaves it; "" for what is erased."""


CONTENT: Final = (
    Kind(
        "evaluation answers",
        "Answers that models gave to your questions when versions were compared, and their scores.",
        ("evaluation_answer",),
    ),
    Kind(
        "live score reasons",
        "How answers to you were scored by a judge, and why.",
        ("live_score",),
    ),
    Kind(
        "guard samples",
        "Passages of your requests and answers in which a rule found something.",
        ("guard_sample", "guard_judgement"),
    ),
    Kind(
        "redaction maps",
        "Values that were redacted before your requests were sent, and who read them.",
        ("kept_map", "map_reading"),
    ),
    Kind(
        "notes of agents",
        "What agents of workflows noted about you, for later.",
        ("agent_note",),
    ),
    Kind(
        "states of twins",
        "What workflows keep as the state of you, under your name as the key.",
        ("workflow_twin",),
    ),
    Kind(
        "dataset cases",
        "Your requests as cases that versions are judged by.",
        ("dataset_block",),
    ),
    Kind(
        "reviews",
        "Answers to you that people reviewed, and what they said.",
        ("review_item", "review_label"),
    ),
    Kind(
        "tasks",
        "What people were asked about your runs of workflows, and what they said.",
        ("human_task", "human_task_vote", "human_task_event"),
    ),
    Kind(
        "notifications of runs",
        "What people were told of your runs of workflows.",
        ("notification",),
    ),
    Kind(
        "words on incidents",
        "What you said of incidents when you opened or resolved them.",
        ("incident",),
    ),
    Kind("feedback texts", "What you said of answers, and others of yours.", ("feedback",)),
    Kind("kept responses", "Turns of your conversations.", ("stored_response",)),
    Kind(
        "batch lines",
        "Lines of batches that name you, and the answers to them.",
        ("stored_file_part", "batch_line"),
    ),
    Kind(
        "router questions",
        "Which of your questions a router learned from; it keeps numbers made of them, no text.",
        ("router_model",),
    ),
    Kind(
        "semantic cache entries",
        "Questions of yours whose answers may serve others who ask the same.",
        ("semantic_entry",),
    ),
    Kind(
        "accounts",
        "Your account, its sessions, tokens and roles.",
        ("account", "account_session", "account_token", "account_invitation", "role_binding"),
    ),
    Kind(
        "workflow runs",
        "Runs of workflows that were begun for you: what they began with, did and came to.",
        ("workflow_run", "workflow_step", "workflow_message"),
    ),
    Kind("captures", "Your requests and their answers as they were captured.", ("capture",)),
    Kind(
        "reasons of exports",
        "Who was given such an export of yours before, when and why.",
        ("subject_export",),
    ),
)
"""What an erasure takes away."""

FIGURES: Final = (
    Kind(
        "ledger entries",
        "What each of your requests cost, which provider answered it, where and when.",
        ("ledger_entry",),
        "entries of the ledger name only the pseudonym, with tokens, cost and time; they hold no "
        "content, and without them the books could not be verified. The pseudonym is made with a "
        "key of this instance: who has that key and guesses the name can tell whose they were",
    ),
    Kind(
        "daily sums",
        "What your requests cost on each day, summed.",
        ("spend_user_day", "user_last_day"),
        "sums of the ledger's entries: the pseudonym, tokens, cost and counts",
    ),
    Kind(
        "traces",
        "How each of your requests went: its times, what was decided.",
        ("trace_block",),
        "traces name only the pseudonym, and go by telemetry.trace_retention_days",
    ),
    Kind(
        "figures of rollouts",
        "Which of two versions answered you, and how long it took.",
        ("arm_outcome", "shadow_outcome", "route_comparison"),
        "what versions were compared by: request, pseudonym, cost and time; it goes by retention",
    ),
    Kind(
        "limits",
        "Budgets and limits that count you alone.",
        ("limit_window", "budget_event", "budget_set", "budget"),
        "counters of budgets name only the pseudonym: without them a limit would begin anew",
    ),
    Kind(
        "erasures",
        "What was erased of you before, and when.",
        ("erasure", "capture_erasure", "erased_request", "tombstone"),
        "that an erasure was done has to be provable, and keeps what comes late from coming in",
    ),
    Kind(
        "audit events",
        "What the audit log says of you, by your pseudonym or your account's id.",
        ("audit_event",),
        "the audit log names pseudonyms and ids; without one event none could be verified",
    ),
)
"""What an erasure leaves, by pseudonym and without content."""

KINDS: Final = (*CONTENT, *FIGURES)

OF_NOBODY: Final[dict[str, str]] = {
    "work_claim": "which process does what",
    "notification_source": "up to where news were looked for",
    "notification_delivery": "to which channel something was told",
    "anomaly": "figures of a feature by hour",
    "report_schedule": "which report goes where; who added it is named like in the audit log",
    "report_run": "reports: sums by team and feature, as they were delivered",
    "objective": "targets of routes and features",
    "objective_count": "sums over many people",
    "burn_alert": "figures of a route or feature",
    "vendor_key": "vendors' names of keys",
    "ledger_correction": "what was corrected in the books, by the id of an entry",
    "invoice_line": "what vendors charged",
    "invoice": "what vendors charged",
    "fx_rate": "rates of exchange",
    "cost_rules": "whom costs are laid on",
    "accounting_terms": "how periods are closed",
    "accounting_period": "periods of the books",
    "revenue_entry": "sums that people brought, by team and feature",
    "labour_entry": "hours by role, of nobody by name",
    "benefit_entry": "sums that people brought, by team and feature",
    "assumption": "figures that plans rest on",
    "access_rule": "rules over keys, by name",
    "guard_day": "sums over many people",
    "spend_run_day": "sums of a workflow's run; who began it stands with the run",
    "run_last_day": "on which day a workflow's run spent last",
    "spend_workflow_day": "sums over many people",
    "kpi_goal": "targets of figures, by feature and workflow",
    "contract_baseline": "agreements on what a baseline is",
    "api_key": "a key is of a feature, not of a person",
    "api_key_secret": "digests of keys",
    "audit_export": "where the audit log is copied to",
    "audit_head": "how large the audit log is",
    "audit_segment": "hashes of rows",
    "batch": "what callers ordered; its lines are of people",
    "batch_claim": "which process hands a batch over",
    "compliance_result": "what live checks of controls came to",
    "config_version": "configurations, without secrets",
    "credential": "secrets of providers",
    "custom_role": "names of roles",
    "data_key": "wrapped keys of organisations",
    "destroyed_data_key": "that a key of an organisation was destroyed",
    "confidence_calibration": "figures of many outcomes together",
    "drift_alarm": "figures of many answers together",
    "evaluation": "plans of evaluations; their answers are of people",
    "feature": "names of features",
    "human_task_assignee": "who is asked: names of accounts, roles and teams",
    "human_task_link": "digests of links, until they expire",
    "trigger_state": "counts of what triggers heard",
    "trigger_event": "digests of what triggers heard",
    "trigger_letter": "messages that became no run, sealed: whose they are nobody knows",
    "holdout": "which share of a route's callers has its baseline",
    "idempotent_call": "answers to keys of the control API, sealed, for a day",
    "imported_usage": "sums of what others counted, by day",
    "journal_alarm": "damaged frames of the journal, as they were found",
    "journal_offset": "up to where the journal was read",
    "judge_record": "figures of how judges agree with people",
    "lease_holder": "processes that hold leases",
    "lease_store": "which store of leases is used",
    "limit_lease": "what processes hold of limits",
    "limit_used": "what processes used of limits",
    "live_policy": "up to where live answers were scored",
    "migration_marker": "that an upgrade is under way",
    "open_intent": "calls that are under way; entries when they end",
    "open_progress": "calls that are under way; entries when they end",
    "organisation": "names of organisations",
    "price_version": "prices",
    "proposal": "what a vendor changes",
    "proposal_event": "what was done with a proposal",
    "registry_approval": "who approved a version: a key or an account by its id",
    "registry_environment": "names of environments",
    "registry_label": "which version a label points to",
    "registry_move": "who moved a label: a key or an account by its id",
    "registry_object": "prompts, routes and the like, by name",
    "registry_price": "prices",
    "registry_reference": "which version names which",
    "registry_version": "prompts, routes and the like, as people wrote them",
    "retention_term": "how long kinds of rows are kept",
    "residency": "regions that tenants' calls may go to",
    "response_conversation": "when a conversation was last used; its turns are of people",
    "review_claim": "which reviewer has an item before them, for minutes",
    "rollout": "which versions are compared",
    "rollout_event": "what was done with a rollout",
    "rollup_mark": "up to which entry sums were made",
    "route_facts": "routes as workers had them",
    "route_floor": "figures of many answers together",
    "route_floor_move": "figures of many answers together",
    "run_executor": "processes that run batches",
    "score_watch": "figures of many answers together",
    "semantic_change": "one counter",
    "semantic_purge": "what the semantic cache forgot; a pseudonym, until no such entry is left",
    "sign_in_delay": "keyed digests of names and addresses, for a day",
    "sign_in_flow": "sealed, for minutes",
    "spend_day": "sums over many people",
    "spend_hour": "sums over many people",
    "store_version": "counts changes",
    "stored_file": "names and sizes of files; their lines are of people",
    "team": "names of teams",
    "tombstone_copy": "up to where tombstones were copied",
    "usage_import": "which usage report was imported",
    "workflow_definition": "workflows, as people wrote them",
    "workflow_page": "which workflow is a page, and for whom: names of accounts, roles and teams",
    "workflow_wait": "what runs of workflows wait for: topics and times",
    "voided_attempt": "ids of attempts that came to nothing",
}
"""Tables that hold nothing about people, and why."""
