"""Tools over the control API, and an agent's dangerous one, which a person approves."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from running import ADMIN, RunningLegato, within

from legato.flow.patterns import pattern_text

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
tools:
  - {name: machine, python: {function: "platform:node"}}
  - name: refund
    description: Pay money back.
    http: {url: "http://127.0.0.1:PORT/refund", method: POST}
    parameters: {type: object, properties: {amount: {type: integer}}, required: [amount]}
    approval: always
  - {name: secret_tool, python: {function: "platform:node"}}
  - {name: others, orgs: [elsewhere], python: {function: "platform:node"}}
  - {name: pets, openapi: {document: "pets.yaml", server: "http://127.0.0.1:PORT", operations: [getPet]}}
access:
  rules:
    - {name: no-secrets, who: {}, tools: {deny: [secret_tool]}}
providers:
  - name: up
    kind: simulated
    settings:
      script:
        - {asked: "lead the case", calls: [{tool: legato_hand_over, arguments: {to: law, task: "judge it"}}]}
        - {asked: "judge it", system: "the law", text: "It is lawful."}
        - {asked: "lead the case", result: "lawful", text: "Done: lawful."}
        - {system: "by the law", json: {verdict: accept, reason: "law"}}
        - {system: "cost and bring", json: {verdict: accept, reason: "money"}}
        - {system: "mean for people", json: {verdict: refuse, reason: "people"}}
        - {asked: "pay (?P<amount>[0-9]+)", calls: [{tool: refund, arguments: {amount: "#amount"}}]}
        - {asked: "pay", result: "error: .*rejected", text: "A person said no."}
        - {asked: "pay", result: "paid", text: "It is paid."}
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
"""  # noqa: E501 - lines of a configuration
TOOLS = "/api/v1/tools"
RUNS = "/api/v1/workflow-runs"


class Till(ThreadingHTTPServer):
    """Pays, and keeps what it paid."""

    def __init__(self) -> None:
        self.paid: list[tuple[Any, str]] = []
        till = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                till.paid.append((json.loads(body), self.headers["idempotency-key"]))
                answer = b'{"state":"paid"}'
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def till() -> Iterator[Till]:
    server = Till()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def legato(till: Till, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("PORT", str(till.server_port))
    running = RunningLegato(tmp_path_factory.mktemp("tools"), config)
    yield running
    assert running.stop() == 0


def problems(legato: RunningLegato, *nodes: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong with a definition, by its place."""
    body = {"definition": {"nodes": list(nodes)}}
    checked = legato.post("/api/v1/workflows/validate", body, ADMIN).json
    return {one["place"]: one["message"] for one in checked["problems"]}


def agent(id_: str, *tools: str, **more: Any) -> dict[str, Any]:
    uses = [{"tool": one} for one in tools]
    return {"kind": "agent", "id": id_, "model": "small", "task": "t", "tools": uses, **more}


def test_tools_are_checked_when_a_definition_is_saved(legato: RunningLegato) -> None:
    specialist = {"name": "s", "description": "d", "tools": [{"tool": "gone"}]}
    found = problems(
        legato,
        {"kind": "call", "id": "c", "tool": "machin"},
        agent("a", "machine", "secret_tool", "others", "pets__getPet", "pets__dropPet"),
        agent("b", "workflow:none@live", specialists=[specialist]),
    )
    assert "there is no tool 'machin'" in found["nodes.c.tool"]
    assert "machine, refund" in found["nodes.c.tool"], "what there is instead"
    assert "access rule 'no-secrets'" in found["nodes.a.tools[1].tool"]
    assert "no tool 'others'" in found["nodes.a.tools[2].tool"]
    assert "no tool 'pets__dropPet'" in found["nodes.a.tools[4].tool"]
    assert "no workflow none" in found["nodes.b.tools[0].tool"]
    assert "no tool 'gone'" in found["nodes.b.specialists[0].tools[0].tool"]
    assert len(found) == 6
    wish = {"spec": {"nodes": [agent("a", "nothing")]}, "labels": ["live"]}
    made = legato.post("/api/v1/registry/objects/workflow/w/versions", wish, ADMIN)
    assert made.status == 400, "what can't run isn't made live"
    assert "nodes.a.tools[0].tool" in made.body.decode()
    ran = legato.post(RUNS, {"definition": wish["spec"]}, ADMIN)
    assert (ran.status, "nodes.a.tools[0].tool" in ran.body.decode()) == (400, True)


def test_tools_are_listed_shown_and_called_by_hand(legato: RunningLegato, till: Till) -> None:
    listed = legato.get(TOOLS, ADMIN).json
    by_name = {one["name"]: one for one in listed["data"]}
    assert set(by_name) == {"machine", "refund", "secret_tool"}
    assert [one["dangerous"] for one in by_name.values()].count(True) == 1
    assert by_name["refund"]["dangerous"]
    assert "no-secrets" in by_name["secret_tool"]["refused"]
    assert [one["source"] for one in listed["problems"]] == ["pets"]
    shown = legato.get(f"{TOOLS}/refund", ADMIN).json
    assert shown["parameters"]["required"] == ["amount"]
    assert legato.get(f"{TOOLS}/nothing", ADMIN).status == 404
    called = legato.post(f"{TOOLS}/machine/call", {}, ADMIN)
    assert (called.status, called.json["tool"]) == (200, "machine")
    assert called.json["answer"]
    events = legato.get("/api/v1/audit/events?action=tool.call", ADMIN).json["data"]
    assert [one["subject"]["id"] for one in events] == ["machine"]
    wrong = legato.post(f"{TOOLS}/machine/call", {"arguments": {"x": 1}}, ADMIN)
    assert wrong.status == 400
    assert legato.post(f"{TOOLS}/secret_tool/call", {}, ADMIN).status == 403
    body = {"arguments": {"amount": 1}}
    refused = legato.post(f"{TOOLS}/refund/call", body, ADMIN)
    assert (refused.status, "person" in refused.body.decode()) == (403, True)
    assert till.paid == []
    reader = legato.create_key("--permission", "workflow:tool:read")["secret"]
    assert legato.get(TOOLS, reader).status == 200
    assert legato.post(f"{TOOLS}/machine/call", {}, reader).status == 403
    assert legato.get("/api/v1/calibrations", ADMIN).json == {"data": []}
    assert "machine" in legato.command("tools", "list")
    assert json.loads(legato.command("workflow", "calibrations", "--json")) == []


def asked(legato: RunningLegato, amount: int) -> tuple[str, str]:
    """Begin a run whose agent wants to pay; return its id and that of what a person is asked."""
    solve = {**agent("solve", "refund"), "task": f"pay {amount}"}
    body = {"workflow": "pay", "definition": {"nodes": [solve]}}
    run_id = legato.post(RUNS, body, ADMIN).json["id"]
    path = f"/api/v1/tasks?run={run_id}"
    (task,) = within(30, lambda: legato.get(path, ADMIN).json["data"])
    return run_id, task["id"]


def ended(legato: RunningLegato, run_id: str) -> dict[str, Any]:
    def look() -> Any:
        run = legato.get(f"{RUNS}/{run_id}", ADMIN).json["run"]
        return run if run["status"] in {"done", "failed"} else None

    found: dict[str, Any] = within(30, look)
    return found


def test_an_agents_dangerous_tool_runs_once_a_person_approves(
    legato: RunningLegato, till: Till
) -> None:
    run_id, task_id = asked(legato, 40)
    question = legato.get(f"/api/v1/tasks/{task_id}", ADMIN).json["question"]
    assert question["data"] == {"tool": "refund", "arguments": {"amount": 40}}
    assert till.paid == []
    assert "decided" in legato.command("tasks", "approve", task_id)
    assert ended(legato, run_id)["output"]["answer"] == "It is paid."
    assert [body for body, _ in till.paid] == [{"amount": 40}]
    assert till.paid[0][1].startswith(run_id), "its idempotency key is the run's"


def test_what_a_person_denies_is_told_to_the_model(legato: RunningLegato, till: Till) -> None:
    before = len(till.paid)
    run_id, task_id = asked(legato, 41)
    no = legato.post(f"/api/v1/tasks/{task_id}/decide", {"verdict": "reject"}, ADMIN)
    assert no.status == 200
    assert ended(legato, run_id)["output"]["answer"] == "A person said no."
    assert len(till.paid) == before


def test_an_agent_is_a_tool_of_a_supervisor(legato: RunningLegato) -> None:
    lead = {**agent("lead", "agent:law"), "task": "lead the case"}
    law = {**agent("law"), "title": "Knows the law", "system": "You know the law."}
    body = {"workflow": "lead", "definition": {"nodes": [lead, law]}}
    run = ended(legato, legato.post(RUNS, body, ADMIN).json["id"])
    assert (run["status"], run["output"]["answer"]) == ("done", "Done: lawful.")
    odd = problems(legato, agent("lead", "agent:nobody"), agent("law"))
    assert "agents of this graph: law" in odd["nodes.lead.tools[0].tool"]


def test_a_panel_of_specialists_votes(legato: RunningLegato) -> None:
    definition = msgspec.yaml.decode(pattern_text("panel", "small"))
    body = {"workflow": "panel", "definition": definition, "input": {"case": "A new shop."}}
    run = ended(legato, legato.post(RUNS, body, ADMIN).json["id"])
    assert run["status"] == "done", run
    assert "accept" in json.dumps(run["output"])
