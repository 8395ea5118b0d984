"""Legato as an MCP server, asked by the official SDK's client: workflows, agents and tools run."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from running import ADMIN, RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
tools:
  - {name: parse_version, python: {function: "platform:node"}}
providers:
  - name: up
    kind: simulated
    settings:
      script:
        - {asked: "machine", calls: [{tool: parse_version}, {tool: secret_tool}]}
        - {asked: "machine", result: ".+", text: "It is known."}
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
"""
WORKFLOW = """\
kind: workflow
name: where-is
spec:
  description: Tell which machine this is.
  input: {type: object, properties: {q: {type: string}}, required: [q]}
  nodes:
    - {id: solve, kind: agent, model: small, task: "${input.q}", tools: [{tool: parse_version}]}
"""


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    place = tmp_path_factory.mktemp("mcp")
    running = RunningLegato(place, CONFIG)
    (place / "registry").mkdir()
    (place / "registry" / "where-is.yaml").write_text(WORKFLOW)
    running.command("apply", "-f", str(place / "registry"), "--yes")
    yield running
    assert running.stop() == 0


async def asked(legato: RunningLegato, key: str) -> tuple[list[str], Any, Any]:
    """Return the tools, a run of the workflow, and a call of what isn't there."""
    headers = {"authorization": f"Bearer {key}"}
    url = f"{legato.url}/api/v1/mcp"
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as client,
        streamable_http_client(url, http_client=client) as (read, write, *_),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        names = [one.name for one in (await session.list_tools()).tools]
        ran = await session.call_tool("run_where-is", {"q": "which machine"})
        while ran.structured_content and ran.structured_content["status"] != "done":
            run_id = ran.structured_content["run_id"]
            ran = await session.call_tool("get_run", {"run_id": run_id})
        return names, ran, await session.call_tool("run_nothing", {})


def test_a_client_of_the_sdk_runs_a_workflow(legato: RunningLegato) -> None:
    names, ran, missing = asyncio.run(asked(legato, ADMIN))
    assert names == ["get_run", "insight", "run_where-is"]
    found = ran.structured_content
    assert found["output"]["answer"] == "It is known."
    assert missing.is_error
    run = legato.get(f"/api/v1/workflow-runs/{found['run_id']}", ADMIN)
    steps = json.loads(run.body)["steps"]
    lineage = next(one["lineage"] for one in steps if one["node"] == "solve" and not one["name"])
    assert [(one["tool"], one["came_to"]) for one in lineage["tools"]] == [
        ("parse_version", "done"),
        ("secret_tool", "denied"),
    ]


def test_case_34_no_command_is_taken_over_the_api(legato: RunningLegato, tmp_path: Path) -> None:
    """Tools are the operator's file's alone: neither a route nor a definition takes a command."""
    evil = tmp_path / "evil"
    body = json.dumps({"name": "evil", "mcp": {"command": ["/bin/touch", str(evil)]}}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {ADMIN}"}
    for method in ("POST", "PUT", "PATCH"):
        answer = legato.send(method, "/api/v1/tools", body, headers)
        assert answer.status in {404, 405}
    node = {"id": "x", "kind": "call", "tool": "x", "command": ["/bin/touch", str(evil)]}
    body = json.dumps({"definition": {"nodes": [node]}}).encode()
    answer = legato.send("POST", "/api/v1/workflow-runs", body, headers)
    assert answer.status == 400
    assert b"command" in answer.body
    assert not evil.exists()
