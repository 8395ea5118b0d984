"""The control API through the running program: its routes, its rules, its document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from asking import ask, operations
from belongings import (
    V1,
    account,
    alarm,
    evaluation,
    guard_sample,
    holdout,
    kept_map,
    made,
    page,
    proposal,
    review,
    roles,
    spending,
)
from hypothesis import HealthCheck, Phase, given, settings
from running import ADMIN, CALLER, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
providers:
  - {name: up, kind: openai_compatible, base_url: "URL/v1", api_key: {env: UP_KEY}}
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
capture: {rules: [{retention_days: 1}]}
registry: {approvals: [{kinds: [prompt], labels: [production]}]}
keys:
  - {name: ci, team: t, feature: f, secret: {env: CALLER_KEY}}
"""
STEP = {"share_bp": 100, "for_s": 3600}
SPEC = {
    "messages": [{"role": "user", "content": "Greet {{name}}."}],
    "variables": {"name": {"type": "string"}},
    "route": "chat",
}
UP_KEY = "sk-canarycontrol-4c1d"
EXAMPLES_MAX = 12


@pytest.fixture(scope="module")
def legato(
    upstream_of_module: SimulatedChild, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("URL", upstream_of_module.url)
    running = RunningLegato(
        tmp_path_factory.mktemp("control"), config, workers=2, variables={"UP_KEY": UP_KEY}
    )
    yield running
    log = running.log.read_text()
    assert running.stop() == 0
    assert "a control request failed" not in log


@pytest.fixture(scope="module")
def document(legato: RunningLegato) -> dict[str, Any]:
    found: dict[str, Any] = legato.get("/api/openapi.json", ADMIN).json
    return found


@pytest.fixture(scope="module")
def acme(legato: RunningLegato) -> dict[str, Any]:
    """An organisation with a team, a feature, and a key that administers it."""
    return tenant(legato, "acme")


@pytest.fixture(scope="module")
def other(legato: RunningLegato) -> dict[str, Any]:
    return tenant(legato, "other")


def tenant(legato: RunningLegato, name: str) -> dict[str, Any]:
    org = made(legato, "/organisations", {"name": name})
    team = made(legato, f"/organisations/{org['id']}/teams", {"name": "support"})
    feature = made(legato, f"/teams/{team['id']}/features", {"name": "bot"})
    key = made(legato, "/keys", {"feature_id": feature["id"], "role": "org-admin"})
    assert within(3, lambda: legato.get(V1 + "/me", key["secret"]).status == 200)
    prompt = f"greeting-of-{name}"
    path = f"/registry/objects/prompt/{prompt}/versions"
    version = {"spec": SPEC, "labels": ["production", "draft"]}
    made(legato, path, version, key["secret"])
    move = legato.get(V1 + "/registry/moves?state=pending", key["secret"]).json["data"][0]
    body = {"spec": {**SPEC, "partials": {}, "parameters": {"seed": 1}}}
    made(legato, path, body, key["secret"])
    wish = {"name": prompt, "candidate": "2", "label": "draft", "plan": {"steps": [STEP]}}
    rollout = made(legato, "/registry/rollouts", wish, key["secret"])
    request_id = legato.chat("chat", key=key["secret"]).request_id
    legato.trace(request_id)
    kept_map(legato, name, request_id)
    captured = f"{V1}/captures/{request_id}"
    assert within(10, lambda: legato.get(captured, key["secret"]).status == 200)
    events = legato.get(f"{V1}/audit/events?action=registry.*", key["secret"]).json["data"]
    return {
        **dict.fromkeys(UNUSED, "0" * 32),
        "index": events[0]["index"],
        "level": "0",
        "place": "0",
        **roles(legato, org["name"], feature["id"], key["secret"]),
        "request_id": request_id,
        **evaluation(legato, name, key["secret"]),
        "review_id": review(legato, key["secret"]),
        "page_id": page(legato, name, feature["id"], key["secret"]),
        "alarm_id": alarm(legato, name),
        "holdout_id": holdout(legato, name),
        "proposal_id": proposal(legato, name),
        "command": "reject",
        "sample_id": guard_sample(legato, name),
        "policy": f"policy-of-{name}",
        "route": "chat",
        "rollout_id": rollout["id"],
        "kind": "prompt",
        "name": prompt,
        "version": "draft",
        "move_id": move["id"],
        "organisation_id": org["id"],
        "team_id": team["id"],
        "feature_id": feature["id"],
        "key_id": key["key"]["id"],
        **spending(legato, name, key["secret"]),
        **account(legato, name, key["secret"]),
        "secret": key["secret"],
    }


UNUSED = ("tool", "calibration", "token", "workflow", "trigger", "letter_id")  # tested elsewhere
NAMED, LINK = {f"{{{name}}}" for name in UNUSED}, "task-links/{token}"
COMMON = {"{period}", "{insight_id}", "{kpi}", "reports", "pages", *NAMED}  # pages: of people
OPEN = {(method, f"{V1}/{path}") for method, path in (
    ("GET", "sign-in"), ("POST", "login"), ("POST", "login/invitation"), ("GET", LINK),
    ("POST", LINK), ("GET", "login/oidc/{provider}"), ("GET", "login/oidc/{provider}/callback"),
)}  # fmt: skip
OWN = ("me", "live", "session", "sessions", "sessions/{session_id}/revoke", "me/password",
       "me/invitations", "logout", "tokens", "tokens/{token_id}/revoke")  # fmt: skip
"""What is about who asks, or tells each what is theirs: a key has neither sessions nor tokens."""


def test_case_27_no_route_answers_without_a_key(
    legato: RunningLegato, document: dict[str, Any]
) -> None:
    found = {*operations(document), ("GET", "/api/openapi.json")} - OPEN
    assert len(found) > 20
    for key in (None, "lg-nobody", "' OR 1=1--"):
        answers = {one: ask(legato, *one, key) for one in found}
        assert {answer.status for answer in answers.values()} == {401}
    for answer in answers.values():
        assert set(answer.error) == {"code", "message", "field", "remedy", "request_id"}
        assert answer.error["request_id"] == answer.headers["x-legato-request-id"]


def test_case_26_what_is_anothers_does_not_exist(
    legato: RunningLegato, document: dict[str, Any], acme: dict[str, Any], other: dict[str, Any]
) -> None:
    new_names = ("POST", f"{V1}/registry/objects/{{kind}}/{{name}}/versions")  # makes the object
    instances = ("POST", f"{V1}/proposals/{{proposal_id}}/{{command}}")  # an administrator's
    floor, what_if = (f"{V1}/routes/{{route}}/{one}" for one in ("floor", "what-if"))
    tiles = ("GET", f"{V1}/audit/tile/{{level}}/{{place}}")  # of every tenant's events
    others = (new_names, instances, ("GET", floor), ("POST", what_if), tiles, *OPEN)
    # periods and KPIs have the same names in every organisation, and figures of their own
    named = [one for one in operations(document) if "{" in one[1] and one not in others]
    with_ids = [one for one in named if not COMMON & set(one[1].split("/"))]
    assert len(with_ids) >= 12
    for method, path in with_ids:
        foreign, own = path.format_map(other), path.format_map(acme)
        assert ask(legato, method, foreign, acme["secret"]).status == 404, (method, path)
        nothing = dict.fromkeys(acme, "0" * 32) | {"command": acme["command"]}
        assert ask(legato, method, path.format_map(nothing), acme["secret"]).status == 404
        if method == "GET" and not path.endswith("{run_id}/events"):  # which goes on for a day
            assert ask(legato, method, own, acme["secret"]).status == 200, path
    assert legato.get(f"{V1}/ledger/entries?org=other", acme["secret"]).status == 404
    theirs = {"feature_id": other["feature_id"]}
    assert legato.post(f"{V1}/keys", theirs, acme["secret"]).status == 404
    for path, own_name in (("organisations", "acme"), ("keys", "acme")):
        rows = legato.get(f"{V1}/{path}", acme["secret"]).json["data"]
        assert {row["org"] for row in rows} == {own_name}


def test_case_26_what_is_another_teams_does_not_exist(
    legato: RunningLegato, document: dict[str, Any], acme: dict[str, Any], other: dict[str, Any]
) -> None:
    """Neither for a role over a team: what is kept by organisation says so, the rest is gone."""
    of_team = made(legato, "/keys", {"feature_id": acme["feature_id"]})
    bound = {"subject_kind": "key", "subject_id": of_team["key"]["id"], "org": "acme"}
    made(legato, "/role-bindings", {**bound, "role": "admin", "team": "support"})
    narrow = of_team["secret"]
    assert within(3, lambda: legato.get(f"{V1}/keys", narrow).status == 200)
    beside = made(legato, f"/organisations/{acme['organisation_id']}/teams", {"name": "sales"})
    feature = made(legato, f"/teams/{beside['id']}/features", {"name": "bot"})
    ids = {"team_id": beside["id"], "feature_id": feature["id"]}
    ids |= {"key_id": made(legato, "/keys", {"feature_id": feature["id"]})["key"]["id"]}
    bound = {**bound, "subject_id": ids["key_id"], "role": "viewer", "team": "sales"}
    ids |= {"binding_id": made(legato, "/role-bindings", bound)["id"]}
    named = [one for one in operations(document) if "{" in one[1]]
    for method, path in [one for one in named if not COMMON & set(one[1].split("/"))]:
        status = ask(legato, method, path.format_map(other), narrow).status
        assert status in {403, 404}, (method, path, status)
        if any(f"{{{name}}}" in path for name in ids):
            found = ask(legato, method, path.format_map(acme | ids), narrow).status
            assert found == 404, (method, path)
    for method, path in (("GET", "/teams/{team_id}"), ("GET", "/keys/{key_id}")):
        assert ask(legato, method, V1 + path.format_map(acme), narrow).status == 200
    # what lies around the team can be looked at, and nothing more
    around = f"{V1}/organisations/{acme['organisation_id']}"
    assert ask(legato, "GET", around, narrow).status == 200
    assert ask(legato, "PATCH", around, narrow).status == 403
    assert ask(legato, "POST", f"{around}/teams", narrow).status == 403
    seen = legato.get(f"{around}/teams", narrow).json["data"]
    assert [one["name"] for one in seen] == ["support"]
    keys = legato.get(f"{V1}/keys", narrow).json["data"]
    assert {one["team"] for one in keys} == {"support"}
    theirs = {"feature_id": ids["feature_id"]}
    assert legato.post(f"{V1}/keys", theirs, narrow).status == 404


def test_a_key_without_permissions_may_only_look_at_itself(
    legato: RunningLegato, document: dict[str, Any], acme: dict[str, Any]
) -> None:
    for method, path in operations(document):
        status = ask(legato, method, path.format_map(acme), CALLER).status
        if path.removeprefix(f"{V1}/") in OWN:
            assert status in {200, 400, 404}, (method, path)
        elif (method, path) not in OPEN:
            assert status == 403, (method, path)


def test_nobody_grants_what_he_has_not(legato: RunningLegato, acme: dict[str, Any]) -> None:
    feature = {"feature_id": acme["feature_id"]}
    for more in ({"role": "admin"}, {"permissions": ["control:gateway:read"]}):
        assert legato.post(f"{V1}/keys", {**feature, **more}, acme["secret"]).status == 403
    assert legato.post(f"{V1}/organisations", {"name": "third"}, acme["secret"]).status == 403
    reader = made(legato, "/keys", {**feature, "permissions": ["control:ledger:read"]})
    assert within(3, lambda: legato.get(f"{V1}/ledger/sums", reader["secret"]).status == 200)
    assert legato.get(f"{V1}/keys", reader["secret"]).status == 403


def test_a_key_lives_through_the_api(legato: RunningLegato, acme: dict[str, Any]) -> None:
    wanted = {
        "feature_id": acme["feature_id"],
        "name": "lived",
        "models": ["chat"],
        "budget": {"usd": "1.50", "window": "day"},
        "requests_per_minute": 50,
    }
    made_key = made(legato, "/keys", wanted, acme["secret"])
    key, secret = made_key["key"], made_key["secret"]
    assert (key["org"], key["team"], key["feature"]) == ("acme", "support", "bot")
    assert key["budget"] == {"usd": "1.500000000", "window": "day"}
    assert within(3, lambda: legato.chat("chat", key=secret).status == 200)
    assert secret not in legato.get(f"{V1}/keys/{key['id']}", acme["secret"]).body.decode()

    rotated = made(legato, f"/keys/{key['id']}/rotate", {"overlap_s": 0}, acme["secret"])
    assert within(3, lambda: legato.chat("chat", key=rotated["secret"]).status == 200)
    assert within(3, lambda: legato.chat("chat", key=secret).status == 401)
    revoked = made(legato, f"/keys/{key['id']}/revoke", b"", acme["secret"])
    assert revoked["state"] == "revoked"
    assert within(3, lambda: legato.chat("chat", key=rotated["secret"]).status == 401)

    query = f"{V1}/ledger/entries?key_id={key['id']}"
    assert within(10, lambda: len(legato.get(query, acme["secret"]).json["data"]) >= 2)
    entry = legato.get(query, acme["secret"]).json["data"][0]
    assert (entry["org"], entry["deployment"], entry["status"]) == ("acme", "small", "ok")
    sums = legato.get(f"{V1}/ledger/sums?by=team,feature", acme["secret"]).json["data"]
    assert [one["group"] for one in sums] == [{"team": "support", "feature": "bot"}]
    assert float(sums[0]["cost_usd"]) > 0


def patch(legato: RunningLegato, key_id: str, change: Any, key: str, *, tag: str = "") -> Answer:
    path = f"{V1}/keys/{key_id}"
    headers = {
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "if-match": tag or legato.get(path, ADMIN).headers["etag"],
    }
    return legato.send("PATCH", path, json.dumps(change).encode(), headers)


def test_a_key_is_changed_and_everything_else_of_it_stays(
    legato: RunningLegato, acme: dict[str, Any]
) -> None:
    budget = {"usd": "2.000000000", "window": "day"}
    wanted = {"feature_id": acme["feature_id"], "name": "changed", "budget": budget}
    answer = legato.post(f"{V1}/keys", wanted, acme["secret"])
    key, secret, tag = answer.json["key"], answer.json["secret"], answer.headers["etag"]
    assert within(3, lambda: legato.chat("small", key=secret).status == 200)
    require = {"regions": ["eu"], "no_training": False, "certifications": []}
    change = {
        "models": ["chat"],
        "tags": {"cost-centre": "4711"},
        "requests_per_minute": 1000,
        "concurrency_max": 7,
        "require": {**require, "retention_days_max": None},
        "expires_at": "2035-01-02T03:04:05.000000Z",
    }
    first = patch(legato, key["id"], change, acme["secret"], tag=tag)
    assert first.status == 200, first.body
    assert first.json == key | change
    assert within(3, lambda: legato.chat("small", key=secret).status == 403)
    stale = patch(legato, key["id"], {"budget": None}, acme["secret"], tag=tag)
    assert (stale.status, stale.error["code"]) == (412, "precondition_failed")
    nothing = dict.fromkeys(("requests_per_minute", "concurrency_max", "require", "expires_at"))
    second = patch(legato, key["id"], {**nothing, "budget": None}, acme["secret"])
    assert second.json == key | nothing | {"models": ["chat"], "tags": change["tags"]} | {
        "budget": None
    }
    assert second.json == legato.get(f"{V1}/keys/{key['id']}", acme["secret"]).json
    assert within(3, lambda: legato.chat("chat", key=secret).status == 200)
    assert patch(legato, key["id"], {}, acme["secret"]).json == second.json


def test_what_a_change_may_not_do(legato: RunningLegato, acme: dict[str, Any]) -> None:
    feature = {"feature_id": acme["feature_id"]}
    key_id = made(legato, "/keys", feature)["key"]["id"]
    for field in ("name", "org", "team", "feature_id", "role", "permissions", "secret"):
        refused = patch(legato, key_id, {field: "x"}, ADMIN)
        assert (refused.status, refused.error["code"]) == (400, "invalid_request"), field
    past = patch(legato, key_id, {"expires_at": "2020-01-01T00:00:00Z"}, ADMIN)
    assert (past.status, past.error["field"]) == (400, "expires_at")
    own = patch(legato, acme["key_id"], {"budget": None}, acme["secret"])
    assert (own.status, own.error["code"]) == (403, "forbidden")
    admin = made(legato, "/keys", {**feature, "role": "admin"})["key"]["id"]
    assert patch(legato, admin, {"expires_at": None}, acme["secret"]).status == 403
    keys = legato.get(f"{V1}/keys", ADMIN).json["data"]
    (declared,) = [one["id"] for one in keys if one["source"] == "config"]
    refused = patch(legato, declared, {"requests_per_minute": 5}, ADMIN)
    assert refused.status == 400
    assert refused.error["message"] == "ci is declared: change it in legato.yaml, under keys"
    made(legato, f"/keys/{key_id}/revoke", b"")
    assert "is revoked" in patch(legato, key_id, {"tags": {}}, ADMIN).error["message"]


def test_nobody_lets_a_key_call_what_his_own_may_not(
    legato: RunningLegato, acme: dict[str, Any]
) -> None:
    feature = {"feature_id": acme["feature_id"]}
    bound = {**feature, "role": "org-admin", "models": ["chat"], "require": {"no_training": True}}
    held = made(legato, "/keys", bound)["secret"]
    assert within(3, lambda: legato.get(f"{V1}/me", held).status == 200)
    every = made(legato, "/keys", {**feature, "require": {"no_training": True}})["key"]["id"]
    assert legato.post(f"{V1}/keys/{every}/rotate", {}, held).status == 403
    narrow = {"models": ["chat"], "require": {"no_training": True}}
    own = made(legato, "/keys", {**feature, **narrow}, held)["key"]["id"]
    assert patch(legato, own, {"requests_per_minute": 5}, held).status == 200
    assert patch(legato, every, {"requests_per_minute": 5}, held).status == 200
    for wider in ({"models": ["small"]}, {"models": ["*"]}, {"require": None}):
        (field,) = wider
        refused = patch(legato, own, wider, held)
        assert (refused.status, refused.error["field"]) == (403, field), wider
        refused = legato.post(f"{V1}/keys", {**feature, **narrow, **wider}, held)
        assert (refused.status, refused.error["field"]) == (403, field), wider


def test_the_same_call_again_has_no_second_effect(
    legato: RunningLegato, acme: dict[str, Any]
) -> None:
    path, once = f"{V1}/keys", {"idempotency-key": "make-it-once"}
    body = {"feature_id": acme["feature_id"], "name": "once"}
    first, again = (legato.post(path, body, acme["secret"], once) for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert again.headers["idempotency-replayed"] == "true"
    different = legato.post(path, {**body, "name": "else"}, acme["secret"], once)
    assert (different.status, different.error["code"]) == (409, "conflict")
    secret = first.json["secret"].encode()
    assert [file for file, content in legato.stored() if secret in content] == []


def test_a_change_names_the_version_it_is_made_to(
    legato: RunningLegato, acme: dict[str, Any]
) -> None:
    path = f"{V1}/teams/{acme['team_id']}"
    tag = legato.get(path, acme["secret"]).headers["etag"]

    def patch(if_match: str | None, body: bytes = b'{"title":"Support"}') -> Answer:
        headers = {
            "authorization": f"Bearer {acme['secret']}",
            "content-type": "application/json",
            **({} if if_match is None else {"if-match": if_match}),
        }
        return legato.send("PATCH", path, body, headers)

    assert patch(None).error["code"] == "precondition_required"
    assert patch('"999"').error["code"] == "precondition_failed"
    changed = patch(tag)
    assert (changed.status, changed.json["title"]) == (200, "Support")
    assert patch(tag).status == 412
    unknown = patch(changed.headers["etag"], b'{"title":"x","org":"other"}')
    assert (unknown.status, unknown.error["code"]) == (400, "invalid_request")


def test_pages_follow_each_other_to_the_end(legato: RunningLegato, acme: dict[str, Any]) -> None:
    path = f"{V1}/organisations/{acme['organisation_id']}/teams"
    for name in "abcd":
        made(legato, path.removeprefix(V1), {"name": name})
    whole = [row["id"] for row in legato.get(path, ADMIN).json["data"]]
    seen: list[str] = []
    cursor = ""
    while True:
        page = legato.get(f"{path}?limit=2{cursor}", ADMIN).json
        seen += [row["id"] for row in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == whole
    assert len(seen) == 6
    foreign = legato.get(f"{V1}/keys?{cursor[1:]}", ADMIN)
    assert (foreign.status, foreign.error["field"]) == (400, "cursor")


def test_head_answers_as_get_does_without_the_body(legato: RunningLegato) -> None:
    headers = {"authorization": f"Bearer {ADMIN}"}
    whole = legato.get(V1 + "/me", ADMIN)
    head = legato.send("HEAD", V1 + "/me", None, headers)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.body))


def test_the_gateway_is_shown_without_its_secrets(legato: RunningLegato) -> None:
    shown = [legato.get(f"{V1}/{name}", ADMIN) for name in ("providers", "deployments", "routes")]
    assert [answer.status for answer in shown] == [200, 200, 200]
    providers, deployments, routes = (answer.json["data"] for answer in shown)
    assert providers[0]["credential"] == "environment"
    assert (deployments[0]["breaker"], deployments[0]["priced"]) == ("closed", True)
    assert routes[0]["healthy"] is True
    assert not any(UP_KEY.encode() in answer.body or b"UP_KEY" in answer.body for answer in shown)


def test_bad_requests_have_the_one_shape(legato: RunningLegato) -> None:
    post = lambda body, path="/organisations": legato.post(V1 + path, body, ADMIN)  # noqa: E731
    for answer, status, code in (
        (post(b"{"), 400, "invalid_request"),
        (post({"name": "no spaces please"}), 400, "invalid_request"),
        (post({"name": "a", "unknown": 1}), 400, "invalid_request"),
        (post({"name": "default"}), 409, "conflict"),
        (post(b"x" * (2 * 1024 * 1024)), 413, "request_too_large"),
        (legato.get("/api/nowhere", ADMIN), 404, "not_found"),
        (legato.send("DELETE", f"{V1}/keys", None, {}), 405, "method_not_allowed"),
    ):
        assert (answer.status, answer.error["code"]) == (status, code), answer.body
        assert answer.error["remedy"] and answer.error["request_id"]  # noqa: PT018 - of one answer


@pytest.mark.timeout(300)
def test_the_document_is_what_the_program_does(
    legato: RunningLegato, document: dict[str, Any], acme: dict[str, Any]
) -> None:
    """Requests made up from the document, good and bad, get answers that it foretells."""
    import schemathesis  # takes seconds of whoever only collects tests

    assert document["openapi"].startswith("3.1")
    schema = schemathesis.openapi.from_dict(document)

    headers = {"authorization": f"Bearer {acme['secret']}"}
    for result in schema.get_all_operations():
        run(result.ok(), legato.url, headers)


def run(operation: Any, url: str, headers: dict[str, str]) -> None:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]

    @settings(
        max_examples=EXAMPLES_MAX,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        case.call_and_validate(base_url=url, headers=headers, checks=checks, timeout=20)

    call()
