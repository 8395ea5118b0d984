"""Every answer of the control API says how a browser must take it; what handlers refuse is audited,
attempts to sign in and what comes of budgets are counted."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, within

from legato.api.control.access import declared_routes
from legato.api.control.application import build_application

if TYPE_CHECKING:
    from running import Answer, RunningLegato

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
audit: {seal_every_s: 0.5}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: m, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "1"}}
routes: [{alias: chat, deployments: [m]}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
POLICY = "default-src 'none'; frame-ancestors 'none'"
ROUTES = sorted(
    {
        (method, re.sub(r"\{[^}]*\}", "0" * 32, path))
        for path, method, _ in declared_routes(build_application(None))  # type: ignore[arg-type]
    }
)


def api(
    legato: RunningLegato, method: str, path: str, body: Any = None, *, key: str = ADMIN
) -> Answer:
    headers = {"content-type": "application/json"}
    headers |= {"authorization": f"Bearer {key}"} if key else {}
    given = b"" if body is None else json.dumps(body).encode()
    return legato.send(method, path, given, headers)


def require_assured(answer: Answer) -> None:
    found = answer.headers
    assert found["x-content-type-options"] == "nosniff"
    if found["content-type"].startswith("text/html"):  # a page of its own: it runs no script
        policy = set(found["content-security-policy"].split("; "))
        assert policy >= {*POLICY.split("; "), "base-uri 'none'", "form-action 'self'"}
        assert not [one for one in policy if one.startswith("script-src")]
    else:
        assert found["content-security-policy"] == POLICY
    assert found["referrer-policy"] in {"no-referrer", "same-origin"}
    assert found["cache-control"] == "no-store"
    assert "server" not in found
    assert "strict-transport-security" not in found  # it isn't spoken by TLS here


def refusals(legato: RunningLegato, reason: str) -> list[dict[str, Any]]:
    events = api(legato, "GET", "/api/v1/audit/events?action=access.refuse&limit=100").json["data"]
    return [one for one in events if one["details"]["reason"] == reason]


def test_what_a_handler_refuses_is_audited_as_at_the_door(legato: RunningLegato) -> None:
    key = legato.create_key("--org", "acme", "--feature", "adm", "--org-admin")
    secret, foreign = key["secret"], legato.create_key("--feature", "theirs")["id"]
    assert api(legato, "GET", f"/api/v1/keys/{foreign}", key=secret).status == 404
    budget = {"name": "all", "org": "*", "usd": "1"}
    assert api(legato, "POST", "/api/v1/budgets", budget, key=secret).status == 403
    out = within(30, lambda: refusals(legato, "out_of_reach"))[0]
    assert out["actor"] == {"kind": "key", "id": key["id"]}
    assert out["subject"] == {"kind": "permission", "id": "control:key:read", "digest": ""}
    assert out["org"] == "acme"
    assert within(30, lambda: refusals(legato, "forbidden"))
    # who reaches everything isn't refused: it isn't there
    assert api(legato, "GET", f"/api/v1/keys/{'0' * 32}").status == 404
    assert {one["actor"]["id"] for one in refusals(legato, "out_of_reach")} == {key["id"]}


def test_every_route_of_the_control_api_assures(legato: RunningLegato) -> None:
    assert len(ROUTES) > 100
    for method, path in ROUTES:
        for key in (ADMIN, ""):
            require_assured(api(legato, method, path, {} if method != "GET" else None, key=key))
    for path in ("/api/v1/nothing", "/api/openapi.json"):
        require_assured(api(legato, "GET", path))


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/v1/models", "/nothing"])
def test_other_pages_are_taken_for_what_they_are(legato: RunningLegato, path: str) -> None:
    answer = legato.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers


def test_attempts_to_sign_in_and_budgets_are_counted(legato: RunningLegato) -> None:
    wrong = {"email": "nobody@acme.example", "password": "wrong-password-1"}
    statuses = [api(legato, "POST", "/api/v1/login", wrong, key="").status for _ in range(8)]
    failed, delayed = statuses.count(401), statuses.count(429)
    assert failed > 0
    assert delayed > 0
    told = legato.get("/metrics").body.decode()
    assert f'legato_sign_ins_total{{method="password",result="failed"}} {failed}.0' in told
    assert f'legato_sign_ins_total{{method="password",result="delayed"}} {delayed}.0' in told

    said = {"name": "one", "requests": 1, "where": {"key": "ci"}, "window": "total"}
    assert api(legato, "POST", "/api/v1/budgets", said).status == 201
    assert within(10, lambda: legato.chat().status == 429)
    line = 'legato_budget_events_total{budget="one",org="default",what="blocked"} 1.0'
    assert within(20, lambda: line in legato.get("/metrics").body.decode())
    assert CALLER not in told
