"""Every operation of the control API, asked with a body that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from running import Answer, RunningLegato


def operations(document: dict[str, Any]) -> list[tuple[str, str]]:
    paths = document["paths"]
    return [(method.upper(), path) for path, item in paths.items() for method in item]


BODIES = {
    "tokens": b'{"name":"x","expires_at":"2030-01-01T00:00:00Z"}',
    "password": b'{"current":"x","new":"x"}',
    "login": b'{"email":"x@example.com","password":"x"}',
    "invitation": b'{"token":"x","password":"x"}',
    **dict.fromkeys(("rotate", "approve", "reject", "rollback", "cancel", "resume"), b"{}"),
    **dict.fromkeys(("skip", "acknowledge", "unbind", "delete", "remove", "resolve"), b"{}"),
    "what-if": b'{"strategy":"cheapest"}',
    "objectives": b'{"name":"x","measured":"errors","target":"99"}',
    "report-schedules": b'{"name":"x","report":"savings","cron":"@daily","channels":["x"]}',
    "incidents": b'{"title":"x"}',
    "correct": b'{"cost_usd":"1","reason":"x"}',
    **dict.fromkeys(("close", "refuse", "accept", "retry"), b"{}"),
    "dispute": b'{"reason":"x"}',
    "restore": b'{"reason":"x"}',
    "tune": b'{"rule":"x","precision":0.9}',
    "label": b'{"levels":{"right":5}}',
    "labels": b'{"label":"x","version":"1"}',
    "steer": b'{"command":"pause"}',
    "decide": b'{"verdict":"approve"}',
    "delegate": b'{"to":"x"}',
    "comment": b'{"comment":"x"}',
    "truth": b'{"truth":"database"}',
    "workflow-runs": b'{"workflow":"x"}',
    "workflow-pages": b'{"name":"x","kind":"form","workflow":"x","feature_id":"x",'
    b'"budget":{"usd":"1"}}',
    "runs": b'{"input":{}}',
    "workflow-events": b'{"id":"1","source":"x","type":"x"}',
    "mcp": b'{"jsonrpc":"2.0","id":1,"method":"ping"}',
    "signals": b'{"topic":"x"}',
    "call": b"{}",
    "replay": b"{}",
    "change": b"{}",
    **dict.fromkeys(("redrive", "dismiss"), b'{"all":true}'),
}

AGENT = b'{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"id":"x"}}'
WORKFLOW_BODIES = {
    "validate": b'{"definition":{}}',
    "export": b'{"format":"yaml","workflow":"x"}',
    "import": b'{"document":{"nodes":[{"kind":"set","id":"a","value":1}]}}',
    "cost": b'{"definition":{"nodes":[{"kind":"set","id":"a","value":1}]}}',
}


def ask(legato: RunningLegato, method: str, path: str, key: str | None) -> Answer:
    plain = AGENT if "/a2a/" in path else b'{"title":"x","name":"x","overlap_s":0}'
    body = None if method == "GET" else plain
    headers = {"content-type": "application/json", "if-match": '"1"'}
    ending = path.rpartition("/")[2]
    if "/workflows/" in path and ending in WORKFLOW_BODIES:
        body = WORKFLOW_BODIES[ending]
    elif ending in BODIES:
        body = BODIES[ending]
    elif path.endswith("/versions") and method == "POST":
        body = b'{"spec":{}}'
    elif path.endswith(("/rollouts", "/evaluations", "/estimate")):
        body = b'{"name":"x","candidate":"1","plan":{}}' if "/reg" in path else b'{"suite":"x"}'
    elif "/objects/" in path and method == "PATCH":
        body = b'{"owner":"x"}'
    elif "/budgets/" in path and method == "PATCH":
        body = b'{"name":"x"}'
    elif path.endswith("/difference"):
        path += "?since=1"
    elif path.endswith("/digests"):
        path += "?team=x"
    elif path.endswith("/uses"):
        path += "?kind=route&name=x"
    elif method == "POST":
        body = b'{"name":"x"}'
    elif method == "PATCH":
        body = b'{"tags":{}}' if "/keys/" in path else b'{"title":"x"}'
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return legato.send(method, path, body, headers)
