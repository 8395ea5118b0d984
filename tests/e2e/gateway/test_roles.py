"""Roles through the running program: given, taken away, asked about, and never exceeded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from belongings import V1, made
from running import ADMIN, within

from legato.core.permission import Permission
from legato.core.roles import BUILT_IN, Role

if TYPE_CHECKING:
    from pathlib import Path

    from running import Answer, RunningLegato

CONFIG = """\
config_version: 1
retry: {attempts_max: 1}
storage: {ledger_poll_s: 0.1}
providers:
  - {name: up, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: gone, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}
deployments:
  - {name: us, provider: up, model: m, region: us, price: &p {input_per_mtok: "1"}}
  - {name: eu, provider: gone, model: m, region: eu, price: *p}
routes:
  - {alias: chat, deployments: [eu, us]}
  - {alias: lesser, deployments: [eu], degrade: [us]}
capture: {rules: [{retention_days: 1}]}
access:
  rules:
    - {name: eu-only, who: {teams: [health]}, require: {regions: [eu]}, models: [chat, lesser, us]}
    - {name: few-tools, who: {features: [strict]}, tools: {allow: ["weather*"]}}
    - {name: stripped, who: {features: [lax]}, tools: {deny: [shell], refused: strip}}
    - {name: interns, who: {tags: {group: interns}}, models: [chat]}
"""
WORKERS = 2
CANARY = "a canary that sings at dawn"
READS = {"captures:request:read", "control:feedback:read", "reviews:item:read"}
READS |= {"registry:object:read"}
NAMED = ("--permission", "control:ledger:read")


@pytest.fixture(scope="module")
def places(legato: RunningLegato) -> dict[str, str]:
    """The ids of features in an organisation, by team and name."""
    org = made(legato, "/organisations", {"name": "acme"})
    found = {}
    for team, names in (("health", ["bot"]), ("ops", ["bot", "strict", "lax"])):
        team_id = made(legato, f"/organisations/{org['id']}/teams", {"name": team})["id"]
        for name in names:
            path = f"/teams/{team_id}/features"
            found[f"{team}/{name}"] = made(legato, path, {"name": name})["id"]
    return found


def key(legato: RunningLegato, feature_id: str, **fields: Any) -> tuple[str, str]:
    """A key's id and secret, once all processes know it."""
    answer = made(legato, "/keys", {"feature_id": feature_id, **fields})
    secret = answer["secret"]
    assert within(3, lambda: legato.get(f"{V1}/me", secret).status == 200)
    return answer["key"]["id"], secret


def bind(legato: RunningLegato, key_id: str, role: str, by: str = ADMIN, **area: str) -> Answer:
    body = {"subject_kind": "key", "subject_id": key_id, "role": role, "org": "acme", **area}
    return legato.post(f"{V1}/role-bindings", body, by)


def test_a_role_holds_until_it_is_taken_away(legato: RunningLegato, places: dict[str, str]) -> None:
    key_id, secret = key(legato, places["ops/bot"])
    assert legato.get(f"{V1}/ledger/entries", secret).status == 403
    bound = bind(legato, key_id, "finance", team="ops")
    assert bound.status == 201, bound.body
    assert within(2, lambda: legato.get(f"{V1}/ledger/entries", secret).status == 200)
    roles = legato.get(f"{V1}/me", secret).json["roles"]
    assert roles == [{"role": "finance", "org": "acme", "team": "ops", "feature": None}]
    path = f"{V1}/role-bindings/{bound.json['id']}"
    assert legato.get(path, ADMIN).json["subject_id"] == key_id
    assert legato.post(f"{path}/unbind", b"", ADMIN).status == 200
    assert within(2, lambda: legato.get(f"{V1}/ledger/entries", secret).status == 403)
    acts = legato.command("audit", "list", "--action", "role.*", "--org", "acme")
    assert {"role.bind", "role.unbind"} <= set(acts.split())


def test_case_25_nobody_changes_their_own_role_team_or_budget(
    legato: RunningLegato, places: dict[str, str]
) -> None:
    key_id, secret = key(legato, places["ops/bot"], budget={"usd": "5"})
    for role in ("owner", "viewer"):
        assert bind(legato, key_id, role, org="acme").status == 201
    assert within(2, lambda: legato.get(f"{V1}/roles", secret).status == 200)
    assert bind(legato, key_id, "admin", secret).status == 403
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
    for change in (
        {"role": "admin"},
        {"team": "health"},
        {"feature_id": places["health/bot"]},
        {"budget": {"usd": "50"}},
        {"budget": None},
        {"permissions": []},
        {},
    ):
        body = json.dumps(change).encode()
        answer = legato.send("PATCH", f"{V1}/keys/{key_id}", body, headers | {"if-match": '"1"'})
        assert (answer.status, answer.error["code"]) == (403, "forbidden"), change
    own = legato.get(f"{V1}/role-bindings?subject=key:{key_id}", ADMIN).json["data"]
    assert {one["role"] for one in own} == {"owner", "viewer"}
    for one in own:
        path = f"{V1}/role-bindings/{one['id']}/unbind"
        assert legato.post(path, b"", secret).status == 403
    body = {"feature_id": places["ops/bot"]}
    for more in ({}, {"budget": {"usd": "6"}}, {"budget": {"usd": "5", "window": "day"}}):
        refused = legato.post(f"{V1}/keys", {**body, **more}, secret)
        assert (refused.status, refused.error["field"]) == (403, "budget"), more
    made(legato, "/keys", {**body, "budget": {"usd": "5"}}, secret)
    # it is the last owner: neither its role nor the key itself goes
    (owner,) = [one for one in own if one["role"] == "owner"]
    assert legato.post(f"{V1}/role-bindings/{owner['id']}/unbind", b"", ADMIN).status == 409
    assert legato.post(f"{V1}/keys/{key_id}/revoke", b"", ADMIN).status == 409
    second, _ = key(legato, places["ops/bot"])
    assert bind(legato, second, "owner").status == 201
    assert legato.post(f"{V1}/keys/{key_id}/revoke", b"", ADMIN).status == 200


def test_nobody_gives_or_takes_a_role_beyond_their_own(
    legato: RunningLegato, places: dict[str, str]
) -> None:
    _, org_admin = key(legato, places["ops/bot"], role="org-admin")
    maker_id, maker = key(legato, places["ops/bot"])
    assert bind(legato, maker_id, "admin", team="ops").status == 201
    assert within(2, lambda: legato.get(f"{V1}/keys", maker).status == 200)
    subject, _ = key(legato, places["ops/bot"])
    outside, _ = key(legato, places["health/bot"])
    assert bind(legato, subject, "viewer", maker, team="ops").status == 201
    assert bind(legato, subject, "owner", maker, team="ops").status == 403
    for area in ({}, {"team": "health"}, {"org": "*"}, {"org": "elsewhere"}):
        assert bind(legato, subject, "viewer", maker, **area).status in {403, 404}, area
    assert bind(legato, outside, "viewer", maker, team="ops").status == 404
    assert bind(legato, subject, "viewer", org_admin, org="*").status in {403, 404}
    role = {"name": "books", "permissions": ["control:ledger:read"]}
    assert legato.post(f"{V1}/roles", role, maker).status == 403, "it is the organisation's"
    assert legato.post(f"{V1}/roles", role, org_admin).status == 201
    instances = {"name": "more", "permissions": ["control:gateway:read"]}
    assert legato.post(f"{V1}/roles", instances, org_admin).status == 400
    assert bind(legato, subject, "books", org_admin).status == 201
    assert legato.post(f"{V1}/roles/books/delete", b"", org_admin).status == 409
    other = bind(legato, outside, "viewer").json["id"]
    assert legato.post(f"{V1}/role-bindings/{other}/unbind", b"", maker).status == 404


def test_can_tells_what_a_request_gets(legato: RunningLegato, places: dict[str, str]) -> None:
    """For each route without ids: 403 where the answer is no, and only there."""
    document = legato.get("/api/openapi.json", ADMIN).json["paths"]
    key_id, secret = key(legato, places["ops/bot"])
    bind(legato, key_id, "analyst")
    assert within(2, lambda: legato.get(f"{V1}/ledger/entries", secret).status == 200)
    asked = 0
    for path, item in document.items():
        if "{" in path or "get" not in item:
            continue
        said = item["get"]["description"]
        if "`" not in said:  # open to everybody
            continue
        permission = said.split("`")[1]
        query = f"{V1}/can?subject=key:{key_id}&action={permission}"
        said = legato.get(query, ADMIN).json
        assert said["allowed"] == (legato.get(path, secret).status != 403), (path, said)
        assert said["allowed"] == (permission in BUILT_IN[Role.ANALYST] - {"control:gateway:read"})
        asked += 1
    assert asked > 10
    missing = legato.get(f"{V1}/can?subject=key:{key_id}&action=control:made:up", ADMIN)
    assert (missing.status, missing.error["field"]) == (400, "action")
    for kind in ("key:" + "0" * 32, "ghost:x"):
        query = f"{V1}/can?subject={kind}&action={Permission.KEY_READ.value}"
        assert legato.get(query, ADMIN).status in {400, 404}


def test_content_is_masked_for_who_may_not_see_it(
    legato: RunningLegato, places: dict[str, str]
) -> None:
    _, secret = key(legato, places["ops/bot"], role="org-admin")
    seeing_id, seeing = key(legato, places["ops/bot"])
    masked_id, masked = key(legato, places["ops/bot"])
    reads = {"name": "reads", "permissions": [one for one in Permission if one in READS]}
    made(legato, "/roles", reads, secret)
    for key_id, role in ((masked_id, "reads"), (seeing_id, "reads"), (seeing_id, "security")):
        assert bind(legato, key_id, role).status == 201
    request_id = legato.chat("us", CANARY, key=secret).request_id
    said = {"request_id": request_id, "thumbs": "down", "comment": CANARY}
    assert legato.post("/v1/feedback", said, secret).status in {200, 201, 202}
    levels = [{"value": 1, "meaning": "wrong"}, {"value": 5, "meaning": "right"}]
    rubric = {"criteria": [{"name": "right", "question": "Is it?", "levels": levels}]}
    version = {"spec": {"model": "us", "rubric": rubric}, "labels": ["production"]}
    made(legato, "/registry/objects/judge/grader/versions", version, secret)
    item = {"judge": "grader", "items": [{"answer": CANARY}]}
    review = made(legato, "/reviews", item, secret)["ids"][0]
    assert within(10, lambda: legato.get(f"{V1}/captures/{request_id}", secret).status == 200)
    for path in (f"/captures/{request_id}", "/feedback", f"/reviews/{review}"):
        whole = within(5, lambda p=path: CANARY in legato.get(V1 + p, seeing).body.decode())
        assert whole, path
        answer = legato.get(V1 + path, masked)
        assert answer.status == 200, (path, answer.body)
        assert CANARY not in answer.body.decode()
        assert "[masked]" in answer.body.decode()
    listed = legato.get(f"{V1}/captures", masked)
    assert request_id in {one["request_id"] for one in listed.json["data"]}
    assert CANARY not in listed.body.decode()


def test_rules_hold_for_every_attempt_and_tell_their_name(
    legato: RunningLegato, places: dict[str, str]
) -> None:
    health_id, health = key(legato, places["health/bot"])
    _, ops = key(legato, places["ops/bot"])
    for model in ("chat", "lesser"):  # falls back, and degrades, to the other
        assert legato.chat(model, key=ops).status == 200
        cut = legato.chat(model, key=health)
        assert cut.status in {502, 503}, cut.body  # the only deployment left is away
    entries = legato.query("SELECT DISTINCT deployment FROM ledger_entry WHERE team = 'health'")
    assert "us" not in {one["deployment"] for one in entries}
    for model, action in (("us", "eu-only"), ("eu", "eu-only")):
        refused = legato.chat(model, key=health)
        assert refused.status == 403
        assert action in refused.error["message"]
        said = legato.get(f"{V1}/can?subject=key:{health_id}&action=call:{model}", ADMIN).json
        assert not said["allowed"]
        assert action in said["reason"]
    said = legato.get(f"{V1}/can?subject=key:{health_id}&action=call:chat", ADMIN).json
    assert said["allowed"]
    assert said["reason"] == ("chat: sent to eu; not to us: access rule 'eu-only': region us")


def test_tools_are_refused_or_taken_out(legato: RunningLegato, places: dict[str, str]) -> None:
    _, strict = key(legato, places["ops/strict"])
    _, lax = key(legato, places["ops/lax"])
    shell = {"type": "function", "function": {"name": "shell", "parameters": {}}}
    weather = {"type": "function", "function": {"name": "weather_now", "parameters": {}}}
    assert legato.chat("us", key=strict, tools=[weather]).status == 200
    refused = legato.chat("us", key=strict, tools=[weather, shell])
    assert (refused.status, refused.error["param"]) == (403, "tools[1]")
    assert "'few-tools'" in refused.error["message"]
    assert legato.chat("us", key=lax, tools=[weather, shell]).status == 200
    choice = {"type": "function", "function": {"name": "shell"}}
    assert legato.chat("us", key=lax, tools=[shell], tool_choice=choice).status == 200


def test_keys_that_a_key_makes_share_its_limits(
    legato: RunningLegato, places: dict[str, str]
) -> None:
    """However many it makes: all of them, and it, spend what it has."""
    budget = {"usd": "0.0002", "window": "total"}
    maker_id, maker = key(legato, places["ops/bot"], budget=budget, name="limited-maker")
    assert bind(legato, maker_id, "admin", team="ops").status == 201
    assert within(2, lambda: legato.get(f"{V1}/keys", maker).status == 200)
    body = {"feature_id": places["ops/bot"], "budget": budget}
    made_keys = [legato.post(f"{V1}/keys", body, maker).json for _ in range(3)]
    assert {one["key"]["made_by"] for one in made_keys} == {maker_id}
    secrets = [one["secret"] for one in made_keys]
    assert within(3, lambda: all(legato.get(f"{V1}/me", one).status == 200 for one in secrets))
    spenders = [*secrets, maker]
    answers = [legato.chat("us", f"number {n}", key=spenders[n % 4]) for n in range(60)]
    assert {one.status for one in answers} == {200, 429}
    refused = [one.error for one in answers if one.status == 429]
    assert {one["code"] for one in refused} == {"budget_exceeded"}
    assert any("limited-maker" in one["message"] for one in refused)
    spent = "SELECT SUM(cost) AS nano FROM ledger_entry WHERE key_id IN (?, ?, ?, ?)"
    ids = [maker_id, *(one["key"]["id"] for one in made_keys)]
    assert within(5, lambda: (legato.query(spent, *ids)[0]["nano"] or 0) > 0)
    assert legato.query(spent, *ids)[0]["nano"] <= 200_000
    # nor does it raise what another has
    other_id, _ = key(legato, places["ops/bot"], budget={"usd": "0.0001", "window": "total"})
    headers = {"authorization": f"Bearer {maker}", "content-type": "application/json"}
    headers["if-match"] = legato.get(f"{V1}/keys/{other_id}", ADMIN).headers["etag"]
    change = json.dumps({"budget": budget}).encode()
    raised = legato.send("PATCH", f"{V1}/keys/{other_id}", change, headers)
    assert (raised.status, raised.error["field"]) == (403, "budget")


def test_no_key_gets_rid_of_a_rule_by_making_another(
    legato: RunningLegato, places: dict[str, str]
) -> None:
    maker_id, maker = key(legato, places["ops/bot"], tags={"group": "interns"})
    assert bind(legato, maker_id, "admin", team="ops").status == 201
    assert within(2, lambda: legato.get(f"{V1}/keys", maker).status == 200)
    plain = legato.post(f"{V1}/keys", {"feature_id": places["ops/bot"], "tags": {}}, maker).json
    assert within(3, lambda: legato.get(f"{V1}/me", plain["secret"]).status == 200)
    refused = legato.chat("us", key=plain["secret"])
    assert refused.status == 403
    assert "'interns'" in refused.error["message"]
    path = f"{V1}/keys/{maker_id}"
    headers = {"authorization": f"Bearer {ADMIN}", "content-type": "application/json"}
    headers["if-match"] = legato.get(path, ADMIN).headers["etag"]
    untagged = legato.send("PATCH", path, b'{"tags":{"group":"staff"}}', headers)
    assert (untagged.status, untagged.error["field"]) == (403, "tags")
    more = legato.send("PATCH", path, b'{"tags":{"group":"interns","desk":"4"}}', headers)
    assert more.status == 200


def test_rules_are_made_and_removed_while_it_runs(
    legato: RunningLegato, places: dict[str, str], tmp_path: Path
) -> None:
    _, org_admin = key(legato, places["ops/bot"], role="org-admin")
    _, bot = key(legato, places["ops/bot"], name="ruled-bot", tags={"desk": "7"})
    assert legato.chat("us", "before", key=bot).status == 200
    rule = {"name": "desk-seven", "who": {"tags": {"desk": "7"}}, "models": ["chat"]}
    for wrong, status in (
        ({**rule, "org": "*"}, 403),
        ({**rule, "org": "elsewhere"}, 404),
        ({**rule, "who": {"orgs": ["default"]}}, 400),
        ({"name": "says-nothing"}, 400),
        ({**rule, "models": []}, 400),
    ):
        assert legato.post(f"{V1}/access-rules", wrong, org_admin).status == status, wrong
    kept = legato.post(f"{V1}/access-rules", rule, org_admin)
    assert kept.status == 201, kept.body
    refused = within(2, lambda: (a := legato.chat("us", "after", key=bot)).status == 403 and a)
    assert "'desk-seven'" in refused.error["message"]
    assert legato.post(f"{V1}/access-rules", rule, org_admin).status == 409
    listed = legato.get(f"{V1}/access-rules", org_admin).json["data"]
    assert "desk-seven" in {one["rule"]["name"] for one in listed}
    assert legato.get(f"{V1}/access-rules/{kept.json['id']}", org_admin).json == kept.json
    for name in ("desk-seven", "eu-only"):  # of the database, and of the configuration
        assert name in legato.command("access", "list")
    assert "desk-seven" in legato.command("access", "explain", "ruled-bot", "--model", "chat")
    with pytest.raises(AssertionError):
        legato.command("access", "explain", "ruled-bot", "--model", "us")
    path = f"{V1}/access-rules/{kept.json['id']}/remove"
    _, own = key(legato, places["ops/bot"], role="org-admin", tags={"desk": "7"})
    assert legato.post(path, b"", own).status == 403, "it means whoever asks"
    assert legato.post(path, b"", org_admin).status == 200
    assert within(2, lambda: legato.chat("us", "again", key=bot).status == 200)
    file = tmp_path / "rule.yaml"
    file.write_text("name: by-file\nwho: {keys: [ruled-bot]}\ntools: {deny: [shell]}\n")
    legato.command("access", "add", str(file), "--org", "acme")
    shell = {"type": "function", "function": {"name": "shell", "parameters": {}}}
    assert within(2, lambda: legato.chat("us", "x", key=bot, tools=[shell]).status == 403)
    assert legato.command("access", "remove", "by-file").startswith("rule by-file of acme")
    assert within(2, lambda: legato.chat("us", "x", key=bot, tools=[shell]).status == 200)
    acts = legato.command("audit", "list", "--action", "access_rule.*", "--org", "acme")
    assert {"access_rule.add", "access_rule.remove"} <= set(acts.split())


def test_the_commands_do_the_same(legato: RunningLegato, places: dict[str, str]) -> None:
    _, secret = key(legato, places["ops/bot"], name="commanded")
    assert "finance" in legato.command("roles", "list")
    assert "control:ledger:read" in legato.command("roles", "show", "finance")
    legato.command("roles", "create", "ledgers", "--org", "acme", *NAMED)
    legato.command("roles", "bind", "commanded", "ledgers", "--org", "acme", "--team", "ops")
    assert within(2, lambda: legato.get(f"{V1}/ledger/entries", secret).status == 200)
    over = ("control:ledger:read", "--org", "acme")
    yes = legato.command("can", "commanded", *over, "--team", "ops")
    assert yes.startswith("yes: control:ledger:read: role ledgers over organisation acme, team ops")
    with pytest.raises(AssertionError):
        legato.command("can", "commanded", *over)
    assert "acme/ops" in legato.command("roles", "bindings", "--subject", "commanded")
    legato.command("roles", "unbind", "commanded", "ledgers", "--org", "acme", "--team", "ops")
    legato.command("roles", "delete", "ledgers", "--org", "acme")
    assert within(2, lambda: legato.get(f"{V1}/ledger/entries", secret).status == 403)
