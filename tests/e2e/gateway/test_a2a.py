"""Workflows as agents: asked by our own client and by the official SDK's, at a running server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from a2a.client import A2ACardResolver, ClientConfig, create_client
from a2a.types import a2a_pb2 as a2a
from google.protobuf.json_format import MessageToDict
from running import ADMIN, RunningLegato, within

from legato.connectors.catalogue import Toolbox, World
from legato.connectors.tool import ToolContext
from legato.core.config_tools import AgentTool, Tool
from legato.core.egress import PERMISSIVE, Egress

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: up, kind: simulated, settings: {models: {m: {output_tokens: 4}}}}
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
"""
GREET = """\
kind: workflow
name: greet
spec:
  title: Greeter
  description: Greets people.
  input: {type: object, properties: {name: {type: string}}, required: [name]}
  nodes:
    - {id: asked, kind: prompt, model: small, user: "Greet ${input.name}"}
    - {id: told, kind: set, after: [asked], value: "Hello ${input.name}"}
"""
REFUND = """\
kind: workflow
name: refund
spec:
  description: Refunds what a person approves.
  nodes:
    - {id: ok, kind: human, subject: "Refund ${input.amount}?", deadline_s: 600}
    - {id: paid, kind: set, after: ["ok:approved"], value: {paid: "${input.amount}"}}
    - {id: kept, kind: set, after: ["ok:rejected", "ok:expired"], join: any, value: {paid: 0}}
"""
BOTH = """\
kind: workflow
name: both
spec:
  nodes:
    - {id: ann, kind: human, subject: "Ann, pay ${input.amount}?"}
    - {id: ben, kind: human, subject: "Ben, pay ${input.amount}?"}
    - {id: below, kind: workflow, workflow: refund, input: "${input}"}
    - id: said
      kind: set
      after: ["ann:approved", "ann:rejected", "ben:approved", "ben:rejected", below]
      value:
        {ann: "${steps.ann.port}", ben: "${steps.ben.port}", paid: "${steps.below.output.paid}"}
"""
A2A = "/api/v1/a2a"


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    place = tmp_path_factory.mktemp("a2a")
    running = RunningLegato(place, CONFIG)
    (place / "registry").mkdir()
    (place / "registry" / "greet.yaml").write_text(GREET)
    (place / "registry" / "refund.yaml").write_text(REFUND)
    (place / "registry" / "both.yaml").write_text(BOTH)
    running.command("apply", "-f", str(place / "registry"), "--yes")
    yield running
    assert running.stop() == 0


def rpc(
    legato: RunningLegato, name: str, method: str, params: Any, *, key: str = ADMIN
) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = legato.post(f"{A2A}/{name}", body, key)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json
    return found


def message(text: str = "", data: Any = None, **more: str) -> dict[str, Any]:
    part = {"kind": "text", "text": text} if data is None else {"kind": "data", "data": data}
    return {
        "message": {"messageId": more.pop("id", "m-1"), "role": "user", "parts": [part], **more}
    }


def key(legato: RunningLegato, *options: str) -> str:
    return legato.create_key(*options)["secret"]


async def test_our_own_client_uses_a_workflow_as_an_agent(legato: RunningLegato) -> None:
    tool = Tool(
        name="greeter",
        agent=AgentTool(url=f"{legato.url}{A2A}/greet"),
        headers={"authorization": f"Bearer {ADMIN}"},
    )
    tools = Toolbox([tool], World(Egress(PERMISSIVE), lambda _: "", {}))
    try:
        spec = await tools.find("greeter", "acme")
        assert spec.description.startswith("Greets people.")
        context = ToolContext("run-1/n/call", "acme")
        found = await tools.call("greeter", {"message": "Erika"}, context)
        assert (found["text"], found["state"]) == ("Hello Erika", "completed")
        again = await tools.call("greeter", {"message": "Erika"}, context)
        assert again["task"] == found["task"], "the same message begins one run"
    finally:
        await tools.close()


@pytest.mark.parametrize("streaming", [True, False])
async def test_the_official_client_speaks_with_a_workflow(
    legato: RunningLegato, *, streaming: bool
) -> None:
    headers = {"authorization": f"Bearer {ADMIN}", "a2a-version": "1.0"}
    async with httpx.AsyncClient(headers=headers, timeout=60) as web:
        card = await A2ACardResolver(web, f"{legato.url}{A2A}/greet").get_agent_card()
        assert (card.name, [one.id for one in card.skills]) == ("Greeter", ["greet"])
        assert {one.protocol_version for one in card.supported_interfaces} == {"1.0", "0.3"}
        client = await create_client(card, ClientConfig(httpx_client=web, streaming=streaming))
        said = a2a.Message(
            message_id=f"official-{streaming}",
            role=a2a.Role.ROLE_USER,
            context_id="talk-7",
            parts=[a2a.Part(text="Otto")],
        )
        seen = [one async for one in client.send_message(a2a.SendMessageRequest(message=said))]
        first = seen[0].task
        assert first.context_id == "talk-7"
        if streaming:
            made = [one.artifact_update for one in seen if one.HasField("artifact_update")]
            assert [part.text for one in made for part in one.artifact.parts] == ["Hello Otto"]
            last = seen[-1].status_update.status.state
            assert last == a2a.TaskState.TASK_STATE_COMPLETED
        task = await client.get_task(a2a.GetTaskRequest(id=first.id))
        assert task.status.state == a2a.TaskState.TASK_STATE_COMPLETED
        assert [part.text for one in task.artifacts for part in one.parts] == ["Hello Otto"]
        MessageToDict(task)


async def test_what_a_person_is_asked_is_input_that_is_required(legato: RunningLegato) -> None:
    sent = message(data={"amount": 40}, id="refund-1", contextId="talk")
    task = rpc(legato, "refund", "message/send", sent)["result"]
    assert (task["kind"], task["contextId"]) == ("task", "talk")
    assert task["status"]["state"] == "input-required"
    parts = task["status"]["message"]["parts"]
    assert parts[0]["text"] == "Refund 40?"
    assert parts[1]["data"]["ask"] == "approve"
    odd = rpc(legato, "refund", "message/send", message("perhaps", taskId=task["id"]))
    assert odd["error"]["code"] == -32602
    said = message("approve", taskId=task["id"])
    done = rpc(legato, "refund", "message/send", said)["result"]
    assert done["status"]["state"] == "completed"
    assert done["artifacts"][0]["parts"] == [{"kind": "data", "data": {"paid": 40}}]
    late = rpc(legato, "refund", "message/send", said)
    assert late["error"]["code"] == -32002
    opinions = legato.get(f"/api/v1/tasks/{parts[1]['data']['task']}", ADMIN).json["opinions"]
    assert [one["via"] for one in opinions] == ["a2a"]


def test_all_questions_of_a_task_are_told_and_each_is_answered(legato: RunningLegato) -> None:
    sent = message(data={"amount": 7}, id="both-1")
    task = rpc(legato, "both", "message/send", sent)["result"]
    asked: dict[str, str] = {}

    def three() -> bool:
        found = rpc(legato, "both", "tasks/get", {"id": task["id"]})["result"]["status"]
        parts = found["message"]["parts"]
        asked.update(zip([one["text"] for one in parts[::2]], parts[1::2], strict=True))
        return len(asked) == 3

    assert within(10, three)
    assert set(asked) == {"Ann, pay 7?", "Ben, pay 7?", "Refund 7?"}
    ids = {told: part["data"]["task"] for told, part in asked.items()}
    for told, verdict in (("Refund 7?", "approve"), ("Ben, pay 7?", "reject")):
        answer = message(data={"verdict": verdict, "task": ids[told]}, taskId=task["id"])
        stands = rpc(legato, "both", "message/send", answer)["result"]
        assert told not in json.dumps(stands["status"])
    nobody = message(data={"verdict": "approve", "task": ids["Refund 7?"]}, taskId=task["id"])
    assert ids["Ann, pay 7?"] in rpc(legato, "both", "message/send", nobody)["error"]["message"]
    last = rpc(legato, "both", "message/send", message("approve", taskId=task["id"]))["result"]
    assert last["status"]["state"] == "completed"
    said = {"ann": "approved", "ben": "rejected", "paid": 7}
    assert last["artifacts"][0]["parts"] == [{"kind": "data", "data": said}]


def test_a_task_is_cancelled_and_its_question_withdrawn(legato: RunningLegato) -> None:
    sent = message(data={"amount": 1}, id="refund-2")
    task = rpc(legato, "refund", "SendMessage", sent)["result"]["task"]
    assert task["status"]["state"] == "TASK_STATE_INPUT_REQUIRED"
    ended = rpc(legato, "refund", "CancelTask", {"id": task["id"]})["result"]
    assert ended["status"]["state"] == "TASK_STATE_CANCELED"
    open_ones = legato.get(f"/api/v1/tasks?run={task['id']}&state=open", ADMIN).json["data"]
    assert open_ones == []


def test_keys_and_tenants_hold(legato: RunningLegato) -> None:
    may = ("--permission", "workflow:run:read", "--permission", "workflow:run:create")
    able = key(legato, *may, "--models", "*", "--name", "able")
    sent = message("Ida", id="by-key")
    own = rpc(legato, "greet", "message/send", sent, key=able)["result"]
    assert own["artifacts"][0]["parts"][0]["text"] == "Hello Ida", "what is one's own isn't masked"
    reader = key(legato, "--permission", "workflow:run:read", "--name", "reader")
    other = rpc(legato, "greet", "tasks/get", {"id": own["id"]}, key=reader)["result"]
    assert other["artifacts"][0]["parts"][0]["text"] == "[masked]"
    body = {"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": sent}
    assert legato.post(f"{A2A}/greet", body, reader).status == 403
    assert legato.send("POST", f"{A2A}/greet", json.dumps(body), {}).status == 401
    gone = rpc(legato, "refund", "tasks/get", {"id": own["id"]})
    assert gone["error"]["code"] == -32001, "a task of another agent isn't this one's"
    cost = within(
        20, lambda: legato.get(f"/api/v1/workflow-runs/{own['id']}", ADMIN).json["cost"]["calls"]
    )
    assert cost == 1
    narrow = key(legato, *may, "--models", "small", "--name", "narrow")
    assert legato.post(f"{A2A}/greet", body, narrow).status == 403, "it may call one model only"
    run = legato.get(f"/api/v1/workflow-runs/{own['id']}", ADMIN).json["run"]
    assert (run["origin"], run["author"]) == ("a2a", "key:able"), "its limits and budget hold"


def test_what_a_run_will_cost_is_measured_by_those_before(legato: RunningLegato) -> None:
    rpc(legato, "greet", "message/send", message("Uwe", id="measured"))

    def foreseen() -> Any:
        found = legato.post("/api/v1/workflows/cost", {"workflow": "greet"}, ADMIN).json
        return found if found["nodes"][0]["basis"] == "history" else None

    found = within(30, foreseen)
    assert found["nodes"][0]["calls"]["likely"] == 1
    assert found["nodes"][0]["output_tokens"]["high"] == 4
    assert any("runs" in one for one in found["assumptions"])
    told = json.loads(legato.command("workflow", "cost", "greet", "--json"))
    assert told["nodes"][0]["basis"] == "history"


def test_anothers_agents_are_not_there(legato: RunningLegato) -> None:
    legato.command("tenants", "create", "other")
    secret = json.loads(
        legato.command(
            "keys", "create", "--json", "--org", "other", "--team", "t", "--feature", "f",
            "--permission", "workflow:run:read", "--permission", "workflow:run:create",
        )
    )["secret"]  # fmt: skip
    assert within(3, lambda: legato.get("/api/v1/me", secret).status == 200)
    card = f"{A2A}/greet/.well-known/agent-card.json"
    assert legato.get(card, ADMIN).status == 200
    assert legato.get(card, secret).status == 404
    body = {"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": message("Eva")}
    assert legato.post(f"{A2A}/greet", body, secret).status == 404
