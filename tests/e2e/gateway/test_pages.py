"""A workflow as a page: for whom it is, what it may cost, what it asks, and who sees what of it."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, Answer, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: dear, provider: up, model: d, price: {input_per_mtok: "1000", output_per_mtok: "2000"}}
routes:
  - {alias: chat, deployments: [small]}
"""
V1 = "/api/v1"
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}
GREET = {
    "input": SCHEMA,
    "nodes": [
        {"kind": "prompt", "id": "ask", "model": "chat", "user": "Greet ${input.name}",
         "max_tokens": 20}
    ],
}  # fmt: skip
SPEND = {**GREET, "nodes": [{**GREET["nodes"][0], "model": "dear"}]}
MINE, STAFF = "Is this right?", "May we send it?"
ASKING = {
    "input": SCHEMA,
    "nodes": [
        {"kind": "human", "id": "check", "subject": MINE,
         "assignees": {"accounts": ["${run.user}"]}},
        {"kind": "human", "id": "staff", "subject": STAFF, "after": ["check:approved"]},
    ],
}  # fmt: skip
TALK = {
    "input": {
        "type": "object",
        "properties": {"messages": {"type": "array", "items": {"type": "object"}}},
        "required": ["messages"],
    },
    "nodes": [
        {"kind": "prompt", "id": "answer", "model": "chat", "max_tokens": 20,
         "user": "${input.messages[size(input.messages) - 1].content}"}
    ],
}  # fmt: skip
RUNS_MAX = 20
OVER = {"done", "failed", "cancelled"}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("pages"), CONFIG)
    for name, spec in (("greet", GREET), ("spend", SPEND), ("asking", ASKING), ("talk", TALK)):
        body = {"spec": spec, "labels": ["production"]}
        made(running, f"/registry/objects/workflow/{name}/versions", body)
    yield running
    log = running.log.read_text()
    assert running.stop() == 0
    assert "Traceback" not in log


class Session:
    """Somebody who signed in by password, as a browser has it."""

    def __init__(self, legato: RunningLegato, login: str, role: str, org: str = "default") -> None:
        self._legato, self.login = legato, login
        account = made(legato, "/accounts", {"org": org, "email": login})
        self.id = account["account"]["id"]
        if role:
            wish = {"subject_kind": "account", "subject_id": self.id, "role": role, "org": org}
            made(legato, "/role-bindings", wish)
        invitation = made(legato, f"/accounts/{self.id}/invite", {})["invitation"]
        password = secrets.token_hex(12)
        kind = {"content-type": "application/json"}
        chosen = {"token": invitation, "password": password}
        body = json.dumps(chosen).encode()
        assert legato.send("POST", f"{V1}/login/invitation", body, kind).status == 200
        body = json.dumps({"email": login, "password": password}).encode()
        answer = legato.send("POST", f"{V1}/login", body, kind)
        assert answer.status == 200, answer.body
        self._headers = {
            "cookie": answer.headers["set-cookie"].partition(";")[0],
            "x-legato-csrf": answer.json["csrf_token"],
            **kind,
        }

    def get(self, path: str) -> Answer:
        return self._legato.send("GET", V1 + path, None, self._headers)

    def post(self, path: str, body: Any) -> Answer:
        return self._legato.send("POST", V1 + path, json.dumps(body).encode(), self._headers)

    def runs(self, page: str, given: Any) -> str:
        answer = self.post(f"/pages/{page}/runs", {"input": given})
        assert answer.status == 201, answer.body
        found: str = answer.json["id"]
        return found

    def ended(self, page: str, run_id: str) -> Any:
        path = f"/pages/{page}/runs/{run_id}"
        assert within(60, lambda: self.get(path).json["status"] in OVER), self.get(path).body
        return self.get(path).json


@pytest.fixture(scope="module")
def ann(legato: RunningLegato) -> Session:
    return Session(legato, "ann@example.org", "page-user")


@pytest.fixture(scope="module")
def ben(legato: RunningLegato) -> Session:
    return Session(legato, "ben@example.org", "page-user")


@pytest.fixture(scope="module")
def feature_id(legato: RunningLegato) -> str:
    legato.create_key("--team", "service", "--feature", "letters")
    org = named(legato, "/organisations", "default")
    team = named(legato, f"/organisations/{org}/teams", "service")
    return named(legato, f"/teams/{team}/features", "letters")


def made(legato: RunningLegato, path: str, body: Any) -> Any:
    answer = legato.post(V1 + path, body, ADMIN)
    assert answer.status in {200, 201}, answer.body
    return answer.json


def named(legato: RunningLegato, path: str, name: str) -> str:
    listed = legato.get(f"{V1}{path}?limit=200", ADMIN).json["data"]
    return next(str(one["id"]) for one in listed if one["name"] == name)


def published(legato: RunningLegato, feature_id: str, name: str, **fields: Any) -> Any:
    body = {"name": name, "kind": "form", "workflow": name, "feature_id": feature_id,
            "budget": {"usd": "5"}, **fields}  # fmt: skip
    return made(legato, "/workflow-pages", body)


def test_a_form_is_run_and_charged_to_user_feature_and_team(
    legato: RunningLegato, ann: Session, ben: Session, feature_id: str
) -> None:
    page = published(legato, feature_id, "greet", title="Greetings", about="Greets.")
    shown = ann.get("/pages/greet").json
    assert shown["input_schema"] == SCHEMA
    assert (shown["title"], shown["kind"]) == ("Greetings", "form")
    assert [one["name"] for one in ann.get("/pages").json["data"]] == ["greet"]

    refused = ann.post("/pages/greet/runs", {"input": {"name": "Ada", "age": "old"}})
    assert refused.status == 400
    assert "age" in refused.error["message"]

    run_id = ann.runs("greet", {"name": "Ada"})
    ended = ann.ended("greet", run_id)
    assert (ended["status"], ended["steps"][0]["state"]) == ("done", "done")
    assert ended["output"]
    events = ann.get(f"/pages/greet/runs/{run_id}/events").body.decode()
    assert "event: run.done" in events
    assert "event: step.done" in events

    rows = within(30, lambda: legato.query(
        "SELECT team, feature, key_id, end_user, tags FROM ledger_entry WHERE key_id = ?",
        page["key_id"],
    ))  # fmt: skip
    (row,) = rows
    assert (row["team"], row["feature"]) == ("service", "letters")
    assert row["end_user"]
    tags = json.loads(row["tags"])
    assert (tags["page"], tags["run"]) == ("greet", run_id)

    assert ben.get(f"/pages/greet/runs/{run_id}").status == 404
    assert ben.get(f"/pages/greet/runs/{run_id}/events").status == 404


def test_who_may_use_pages_only_sees_nothing_else(ann: Session) -> None:
    held = set(ann.get("/me").json["permissions"])
    assert held == {"control:self:read", "control:self:update", "workflow:page:use"}
    for path in ("/workflow-pages", "/workflow-runs", "/keys", "/requests", "/tasks", "/workflows"):
        assert ann.get(path).status == 403, path


def test_a_page_is_for_whom_it_names(
    legato: RunningLegato, ann: Session, ben: Session, feature_id: str
) -> None:
    published(legato, feature_id, "anns", workflow="greet", audience={"accounts": [ann.login]})
    published(legato, feature_id, "staff", workflow="greet", audience={"roles": ["approver"]})
    assert ann.get("/pages/anns").status == 200
    assert ben.get("/pages/anns").status == 404
    assert ben.post("/pages/anns/runs", {"input": {"name": "x"}}).status == 404
    assert ann.get("/pages/staff").status == 404
    cyd = Session(legato, "cyd@example.org", "approver")
    assert cyd.get("/pages/staff").status == 200
    nobody = Session(legato, "dan@example.org", "")
    assert nobody.get("/pages/anns").status == 403
    told = legato.get(f"{V1}/pages/greet", ADMIN)
    assert told.status == 400
    assert "sign in" in told.error["message"]
    assert legato.get(f"{V1}/pages", ADMIN).json["data"] == []
    assert legato.send("GET", f"{V1}/pages/greet", None, {}).status == 401


def test_a_page_is_for_others_once_it_says_so(
    legato: RunningLegato, ann: Session, ben: Session, feature_id: str
) -> None:
    page = published(
        legato, feature_id, "moved", workflow="greet", audience={"accounts": [ann.login]}
    )
    change = f"/workflow-pages/{page['id']}/change"
    run_id = ann.runs("moved", {"name": "Ada"})
    moved = made(legato, change, {"audience": {"accounts": [ben.login]}, "title": "Moved"})
    assert moved == {**page, "audience": moved["audience"], "title": "Moved"}
    assert ben.get("/pages/moved").json["title"] == "Moved"
    assert ann.get("/pages/moved").status == 404
    assert ann.get(f"/pages/moved/runs/{run_id}").status == 404
    assert made(legato, change, {"about": "For Ben"})["audience"] == moved["audience"]
    assert ben.post(change, {"title": "x"}).status == 403
    made(legato, f"/workflow-pages/{page['id']}/revoke", {})
    assert legato.post(V1 + change, {"title": "x"}, ADMIN).status == 404
    acts = f"{V1}/audit/events?action=workflow_page.change"
    newest, *_ = legato.get(acts, ADMIN).json["data"]
    assert (newest["details"]["for"], newest["details"]["accounts"]) == ("", 1)


def test_another_tenant_finds_no_page(legato: RunningLegato, feature_id: str) -> None:
    published(legato, feature_id, "ours", workflow="greet")
    made(legato, "/organisations", {"name": "elsewhere"})
    eve = Session(legato, "eve@elsewhere.org", "owner", "elsewhere")
    assert eve.get("/pages").json["data"] == []
    assert eve.get("/pages/ours").status == 404
    assert eve.get("/pages/ours?org=default").status == 404
    assert eve.post("/pages/ours/runs", {"input": {"name": "x"}}).status == 404
    listed = legato.get(f"{V1}/workflow-pages", ADMIN).json["data"]
    ours = next(one["id"] for one in listed if one["name"] == "ours")
    assert eve.get("/workflow-pages").json["data"] == []
    assert eve.post(f"/workflow-pages/{ours}/revoke", {}).status == 404


def test_a_role_held_elsewhere_opens_nothing(legato: RunningLegato, feature_id: str) -> None:
    published(legato, feature_id, "approvers", workflow="greet", audience={"roles": ["approver"]})
    made(legato, "/organisations", {"name": "beside"})
    fay = Session(legato, "fay@example.org", "page-user")
    wish = {"subject_kind": "account", "subject_id": fay.id, "role": "approver", "org": "beside"}
    made(legato, "/role-bindings", wish)
    assert fay.get("/pages/approvers").status == 404


def test_a_used_up_budget_refuses_and_says_so(
    legato: RunningLegato, ann: Session, feature_id: str
) -> None:
    page = published(legato, feature_id, "spend", budget={"usd": "0.5", "window": "total"})
    ended: list[Any] = []
    while len(ended) < RUNS_MAX and (not ended or ended[-1]["status"] == "done"):
        name = f"Ada {len(ended)} " * 30  # another each time: the same again is a cache's answer
        ended.append(ann.ended("spend", ann.runs("spend", {"name": name})))
    assert len(ended) > 1
    assert (ended[-1]["status"], ended[-1]["told"]) == ("failed", "budget_exceeded")
    assert "0.5" in ended[-1]["message"], ended[-1]["message"]
    sql = "SELECT SUM(cost) AS cost FROM ledger_entry WHERE key_id = ?"
    assert within(30, lambda: legato.query(sql, page["key_id"])[0]["cost"])
    assert legato.query(sql, page["key_id"])[0]["cost"] <= 500_000_000


def test_a_run_asks_its_user_what_is_theirs_and_no_more(
    legato: RunningLegato, ann: Session, ben: Session, feature_id: str
) -> None:
    published(legato, feature_id, "asking")
    run_id = ann.runs("asking", {"name": "Ada"})
    path = f"/pages/asking/runs/{run_id}"
    (task,) = within(60, lambda: ann.get(path).json["tasks"])
    assert task["question"]["subject"] == MINE
    decide = f"{path}/tasks/{task['id']}/decide"
    assert ben.post(decide, {"verdict": "approve"}).status == 404
    wrong = ann.post(decide, {"verdict": "choose", "port": "x"})
    assert wrong.status == 400, wrong.body
    assert ann.post(decide, {"verdict": "approve"}).status == 200

    def staffs() -> Any:
        return legato.get(f"{V1}/tasks?run={run_id}&state=open", ADMIN).json["data"]

    (staff,) = within(60, staffs)
    assert ann.get(path).json["tasks"] == []
    beyond = f"{path}/tasks/{staff['id']}/decide"
    assert ann.post(beyond, {"verdict": "approve"}).status == 404
    made(legato, f"/tasks/{staff['id']}/decide", {"verdict": "approve"})
    assert ann.ended("asking", run_id)["status"] == "done"


def test_a_chat_gives_the_conversation(
    legato: RunningLegato, ann: Session, feature_id: str
) -> None:
    published(legato, feature_id, "talk", kind="chat")
    said = [{"role": "user", "content": "Hello"}]
    ended = ann.ended("talk", ann.runs("talk", {"messages": said}))
    assert ended["status"] == "done"
    assert isinstance(ended["output"], str)
    body = {"name": "no-talk", "kind": "chat", "workflow": "greet", "feature_id": feature_id,
            "budget": {"usd": "1"}}  # fmt: skip
    refused = legato.post(f"{V1}/workflow-pages", body, ADMIN)
    assert (refused.status, refused.error["field"]) == (400, "workflow")
    assert "messages" in refused.error["message"]


def test_commands_publish_list_and_end_a_page(
    legato: RunningLegato, ann: Session, feature_id: str
) -> None:
    assert feature_id
    told = legato.command(
        "workflow", "publish", "greet", "--as", "form", "--name", "by-command", "--key", ADMIN,
        "--feature", "service/letters", "--budget", "2", "--role", "page-user",
    )  # fmt: skip
    assert "/ui/p/by-command" in told
    run_id = ann.runs("by-command", {"name": "Ada"})
    assert "by-command" in legato.command("workflow", "pages", "--key", ADMIN)
    body = {"name": "by-command", "kind": "form", "workflow": "greet", "feature_id": feature_id,
            "budget": {"usd": "1"}}  # fmt: skip
    assert legato.post(f"{V1}/workflow-pages", body, ADMIN).status == 409
    change = ("workflow", "change-page", "by-command", "--key", ADMIN)
    assert "'Letters'" in legato.command(*change, "--title", "Letters", "--everybody")
    (listed,) = [
        one
        for one in json.loads(legato.command("workflow", "pages", "--json", "--key", ADMIN))
        if one["name"] == "by-command"
    ]
    assert (listed["title"], listed["audience"]["roles"]) == ("Letters", [])
    legato.command("workflow", "unpublish", "by-command", "--key", ADMIN)
    assert ann.get("/pages/by-command").status == 404
    assert ann.get(f"/pages/by-command/runs/{run_id}").status == 404
    acts = legato.query("SELECT action FROM audit_event WHERE action LIKE 'workflow_page.%'")
    assert {one["action"] for one in acts} == {
        "workflow_page.publish",
        "workflow_page.change",
        "workflow_page.revoke",
    }


def test_a_page_whose_key_was_revoked_says_so(
    legato: RunningLegato, ann: Session, feature_id: str
) -> None:
    page = published(legato, feature_id, "keyless", workflow="greet")
    made(legato, f"/keys/{page['key_id']}/revoke", {})
    refused = ann.post("/pages/keyless/runs", {"input": {"name": "Ada"}})
    assert refused.status == 409
    assert "published again" in refused.error["message"]
