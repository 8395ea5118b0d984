"""Every route that changes something has an event that the page on the audit log names."""

import re
from pathlib import Path

import pytest

from legato.api.control.access import declared_routes, shown_by
from legato.api.control.application import build_application

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "audit.md").read_text()
TOLD = set(re.findall(r"`([a-z_]+\.(?:[a-z]+|\*))`", PAGE))

# What the route's act leaves in the log; "" for a route that changes nothing.
EVENTS = {
    "POST /accounts": "account.*",
    "POST /accounts/{account_id}/invite": "account.*",
    "POST /accounts/{account_id}/sign-out": "session.end",
    "POST /accounts/{account_id}/tokens": "token.create",
    "POST /accounts/{account_id}/tokens/{token_id}/revoke": "token.revoke",
    "POST /accounts/{account_id}/{command}": "account.*",
    "POST /login": "login.succeed",
    "POST /login/invitation": "account.*",
    "POST /logout": "session.end",
    "POST /me/password": "account.*",
    "POST /me/invitations": "account.join",
    "POST /sessions/{session_id}/revoke": "session.end",
    "POST /tokens": "token.create",
    "POST /tokens/{token_id}/revoke": "token.revoke",
    "POST /access-rules": "access_rule.add",
    "POST /access-rules/{rule_id}/remove": "access_rule.remove",
    "POST /anomalies/{anomaly_id}/acknowledge": "anomaly.acknowledge",
    "POST /report-schedules": "report_schedule.add",
    "POST /report-schedules/{schedule_id}/remove": "report_schedule.remove",
    "POST /objectives": "objective.set",
    "POST /objectives/{objective}/remove": "objective.remove",
    "POST /incidents": "incident.open",
    "POST /incidents/{incident_id}/acknowledge": "incident.acknowledge",
    "POST /incidents/{incident_id}/resolve": "incident.resolve",
    "POST /budgets": "budget.create",
    "PATCH /budgets/{budget_id}": "budget.change",
    "POST /budgets/{budget_id}/delete": "budget.delete",
    "POST /usage-imports/{import_id}/delete": "usage_import.forget",
    "POST /compliance/looks": "compliance.change",
    "PATCH /books/terms": "accounting.terms",
    "POST /periods/{period}/close": "period.close",
    "POST /ledger/entries/{entry_id}/correct": "correction.post",
    "POST /ledger/corrections/{correction_id}/approve": "correction.post",
    "POST /ledger/corrections/{correction_id}/refuse": "correction.refuse",
    "POST /invoices": "invoice.import",
    "POST /invoices/{invoice_id}/accept": "invoice.accept",
    "POST /invoices/{invoice_id}/dispute": "invoice.dispute",
    "POST /vendor-keys": "vendor_key.set",
    "POST /rates": "rates.set",
    "POST /cost-rules": "cost_rules.set",
    "POST /cache/purge": "cache.purge",
    "POST /cache/what-if": "capture.read",
    "POST /cache/wrong": "cache.purge",
    "POST /erasures": "erasure.begin",
    "POST /evaluations": "evaluation.create",
    "POST /a2a/{workflow}": "workflow.run",
    "POST /mcp": "workflow.run",
    "POST /tools/{tool}/call": "tool.call",
    "POST /workflow-pages": "workflow_page.publish",
    "POST /workflow-pages/{page_id}/change": "workflow_page.change",
    "POST /workflow-pages/{page_id}/revoke": "workflow_page.revoke",
    "POST /pages/{name}/runs": "workflow.run",
    "POST /pages/{name}/runs/{run_id}/tasks/{task_id}/decide": "task.decide",
    "POST /workflow-runs": "workflow.run",
    "POST /workflow-runs/{run_id}/signals": "workflow.signal",
    "POST /workflow-events": "workflow.signal",
    "POST /triggers/{workflow}/{trigger}/pause": "trigger.pause",
    "POST /triggers/{workflow}/{trigger}/resume": "trigger.resume",
    "POST /triggers/{workflow}/{trigger}/backfill": "trigger.backfill",
    "POST /triggers/{workflow}/{trigger}/test": "",
    "POST /trigger-letters/{letter_id}/redrive": "trigger.redriven",
    "POST /trigger-letters/{letter_id}/dismiss": "trigger.dismissed",
    "POST /workflow-runs/{run_id}/cancel": "workflow.cancel",
    "POST /workflow-runs/{run_id}/resume": "workflow.resume",
    "POST /workflow-runs/{run_id}/replay": "workflow.run",
    "POST /workflow-dead-letters/redrive": "workflow.run",
    "POST /workflow-dead-letters/dismiss": "workflow.letter",
    "POST /evaluations/estimate": "",
    "POST /workflows/validate": "",
    "POST /workflows/read": "",
    "POST /workflows/evaluate": "",
    "POST /workflows/export": "",
    "POST /workflows/import": "",
    "POST /workflows/cost": "",
    "POST /evaluations/{evaluation_id}/cancel": "evaluation.change",
    "POST /evaluations/{evaluation_id}/resume": "evaluation.change",
    "POST /finance/assumptions": "assumption.set",
    "POST /finance/benefits": "benefit.*",
    "POST /finance/entries/{entry_id}/delete": "labour.*",
    "POST /finance/labour": "labour.*",
    "POST /finance/projection": "",
    "POST /finance/revenue": "revenue.*",
    "PATCH /features/{feature_id}": "feature.*",
    "POST /guardrails/preview": "",
    "POST /routes/{route}/what-if": "",
    "POST /guardrails/policies/{policy}/tune": "proposal.*",
    "POST /guardrails/requests/{request_id}/restore": "guardrail.restore",
    "POST /guardrails/samples/{sample_id}/{command}": "guardrail.judge",
    "POST /holdouts": "holdout.start",
    "POST /holdouts/{holdout_id}/end": "holdout.end",
    "POST /kpi-targets/{kpi}": "kpi.set",
    "POST /savings/baselines": "savings.freeze",
    "POST /keys": "key.create",
    "PATCH /keys/{key_id}": "key.change",
    "POST /keys/{key_id}/revoke": "key.revoke",
    "POST /keys/{key_id}/rotate": "key.rotate",
    "POST /notification-tests": "notification.test",
    "POST /notifications/{notification_id}/retry": "notification.retry",
    "POST /organisations": "organisation.*",
    "PATCH /organisations/{organisation_id}": "organisation.*",
    "POST /organisations/{organisation_id}/teams": "team.*",
    "POST /proposals/{proposal_id}/{command}": "proposal.*",
    "POST /registry/moves/{move_id}/approve": "registry.approve",
    "POST /registry/moves/{move_id}/reject": "registry.reject",
    "PATCH /registry/objects/{kind}/{name}": "registry.describe",
    "POST /registry/objects/{kind}/{name}/labels": "registry.move",
    "POST /registry/objects/{kind}/{name}/rollback": "registry.move",
    "POST /registry/objects/{kind}/{name}/versions": "registry.save",
    "POST /registry/rollouts": "rollout.*",
    "POST /registry/rollouts/{rollout_id}/steer": "rollout.*",
    "POST /registry/truth": "registry.truth",
    "POST /reviews": "review.add",
    "POST /reviews/collect": "review.add",
    "POST /reviews/next": "review.claim",
    "POST /tasks/{task_id}/decide": "task.decide",
    "POST /tasks/{task_id}/delegate": "task.delegate",
    "POST /tasks/{task_id}/comment": "task.comment",
    "POST /task-links/{token}": "task.decide",
    "POST /reviews/{review_id}/label": "review.label",
    "POST /reviews/{review_id}/skip": "review.label",
    "POST /role-bindings": "role.bind",
    "POST /role-bindings/{binding_id}/unbind": "role.unbind",
    "POST /roles": "role.create",
    "POST /roles/{role}/delete": "role.delete",
    "POST /scores/alarms/{alarm_id}/acknowledge": "alarm.acknowledge",
    "POST /subject-exports": "privacy.export",
    "POST /residency": "residency.set",
    "POST /retention": "retention.set",
    "POST /sample": "sample_data.add",
    "POST /sample/delete": "sample_data.remove",
    "PATCH /teams/{team_id}": "team.*",
    "POST /teams/{team_id}/features": "feature.*",
}

SHOWS = {
    "/ledger/focus": "ledger.export",
    "/audit/export": "audit.export",
    "/captures/{request_id}": "capture.read",
    "/evaluations/{evaluation_id}/answers": "evaluation.read",
    "/a2a/{workflow}": "workflow.read",
    "/mcp": "workflow.read",
    "/tools/{tool}/call": "tool.call",
    "/workflow-runs": "workflow.read",
    "/workflow-runs/{run_id}": "workflow.read",
    "/workflow-runs/{run_id}/events": "workflow.read",
    "/workflow-runs/{run_id}/definition": "workflow.read",
    "/trigger-letters/{letter_id}": "workflow.read",
    "/workflow-dead-letters": "workflow.read",
    "/feedback": "feedback.read",
    "/guardrails/samples": "sample.read",
    "/guardrails/samples/{sample_id}": "sample.read",
    "/reviews/{review_id}": "review.read",
    "/tasks/{task_id}": "task.read",
}


def test_every_route_that_changes_something_is_decided_on() -> None:
    application = build_application(None)  # type: ignore[arg-type]
    changing = {
        f"{method} {re.sub(r':[a-z]+}', '}', path).removeprefix('/api/v1')}"
        for path, method, _ in declared_routes(application)
        if method != "GET"
    }
    assert changing == set(EVENTS)


@pytest.mark.parametrize("event", sorted(set(EVENTS.values()) - {""}))
def test_its_event_stands_on_the_page(event: str) -> None:
    assert event in TOLD


def test_every_route_that_shows_content_has_an_event() -> None:
    application = build_application(None)  # type: ignore[arg-type]
    shown = {
        re.sub(r":[a-z]+}", "}", path).removeprefix("/api/v1"): action
        for path, _, handler in declared_routes(application)
        if (action := shown_by(handler)) is not None
    }
    assert shown == SHOWS
    assert set(SHOWS.values()) <= TOLD


def test_every_action_that_is_named_stands_on_the_page() -> None:
    named = set()
    for file in (ROOT / "src" / "legato").rglob("*.py"):
        text = file.read_text()
        named |= set(re.findall(r'\bAct\([^()]*?"([a-z_]+\.[a-z]+)"', text))
        named |= set(re.findall(r'\breads\([^()]*?"([a-z_]+\.[a-z]+)"', text))
    assert len(named) > 8
    assert named <= TOLD
