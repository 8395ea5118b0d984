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
    "POST /sessions/{session_id}/revoke": "session.end",
    "POST /tokens": "token.create",
    "POST /tokens/{token_id}/revoke": "token.revoke",
    "POST /budgets": "budget.create",
    "PATCH /budgets/{budget_id}": "budget.change",
    "POST /budgets/{budget_id}/delete": "budget.delete",
    "POST /cache/purge": "cache.purge",
    "POST /cache/wrong": "cache.purge",
    "POST /erasures": "erasure.begin",
    "POST /evaluations": "evaluation.create",
    "POST /evaluations/estimate": "",
    "POST /evaluations/{evaluation_id}/cancel": "evaluation.change",
    "POST /evaluations/{evaluation_id}/resume": "evaluation.change",
    "PATCH /features/{feature_id}": "feature.*",
    "POST /guardrails/policies/{policy}/tune": "proposal.*",
    "POST /guardrails/requests/{request_id}/restore": "guardrail.restore",
    "POST /guardrails/samples/{sample_id}/{command}": "guardrail.judge",
    "POST /holdouts": "holdout.start",
    "POST /holdouts/{holdout_id}/end": "holdout.end",
    "POST /keys": "key.create",
    "PATCH /keys/{key_id}": "key.change",
    "POST /keys/{key_id}/revoke": "key.revoke",
    "POST /keys/{key_id}/rotate": "key.rotate",
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
    "POST /reviews/{review_id}/label": "review.label",
    "POST /reviews/{review_id}/skip": "review.label",
    "POST /role-bindings": "role.bind",
    "POST /role-bindings/{binding_id}/unbind": "role.unbind",
    "POST /roles": "role.create",
    "POST /roles/{role}/delete": "role.delete",
    "POST /scores/alarms/{alarm_id}/acknowledge": "alarm.acknowledge",
    "PATCH /teams/{team_id}": "team.*",
    "POST /teams/{team_id}/features": "feature.*",
}

SHOWS = {
    "/audit/export": "audit.export",
    "/captures/{request_id}": "capture.read",
    "/evaluations/{evaluation_id}/answers": "evaluation.read",
    "/feedback": "feedback.read",
    "/guardrails/samples": "sample.read",
    "/guardrails/samples/{sample_id}": "sample.read",
    "/reviews/{review_id}": "review.read",
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
