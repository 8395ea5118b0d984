"""Case 26 for triggers and what they heard: another organisation's do not exist."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from asking import operations
from firing import ADMIN, Firing, within
from test_trigger_webhooks import PLAIN, TRIGGERS, stripe

if TYPE_CHECKING:
    from collections.abc import Iterator

V1 = "/api/v1"
BODIES = {
    "backfill": {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
    "test": {"data": {"n": 1}},
    "redrive": {},
    "runs": {"input": {"n": 1}},
}


@pytest.fixture(scope="module")
def firing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firing]:
    found = Firing(
        tmp_path_factory.mktemp("foreign"),
        {"webhook_secrets": [one for one in TRIGGERS["webhook_secrets"] if one["name"] == "plain"]},
        {"PLAIN_SECRET": PLAIN},
        workers=1,
    )
    yield found
    assert found.legato.stop() == 0


def made(firing: Firing, path: str, body: dict[str, Any]) -> Any:
    answer = firing.legato.post(V1 + path, body, ADMIN)
    assert answer.status == 201, answer.body
    return answer.json


@pytest.fixture(scope="module")
def foreign(firing: Firing) -> str:
    """The secret of a key that administers another organisation."""
    org = made(firing, "/organisations", {"name": "elsewhere"})
    team = made(firing, f"/organisations/{org['id']}/teams", {"name": "a"})
    feature = made(firing, f"/teams/{team['id']}/features", {"name": "b"})
    key = made(firing, "/keys", {"feature_id": feature["id"], "role": "org-admin"})
    secret: str = key["secret"]
    assert within(10, lambda: firing.legato.get(V1 + "/me", secret).status == 200)
    return secret


@pytest.fixture(scope="module")
def theirs(firing: Firing) -> dict[str, str]:
    """A workflow with a trigger, and a message that fitted no schema."""
    settings = {"style": "stripe", "secret": "plain"}
    firing.save("paid", {"name": "t", "kind": "webhook", "settings": settings})
    body = json.dumps({"id": "evt_bad", "n": "no number"}).encode()
    sent = firing.legato.send(
        "POST", firing.trigger("paid")["path"], body,
        {"content-type": "application/json"} | stripe(body, "", int(time.time())),
    )  # fmt: skip
    assert sent.json["result"] == "dead", sent.body
    (letter,) = firing.legato.get(f"{V1}/trigger-letters", ADMIN).json["data"]
    return {"workflow": "paid", "trigger": "t", "letter_id": letter["id"]}


def test_what_is_anothers_does_not_exist(
    firing: Firing, foreign: str, theirs: dict[str, str]
) -> None:
    legato = firing.legato
    document = legato.get("/api/openapi.json", ADMIN).json
    named = [
        (method, path) for method, path in operations(document)
        if "{trigger}" in path or "{letter_id}" in path
    ]  # fmt: skip
    assert len(named) >= 8
    shown = [path.format_map(theirs) for method, path in named if method == "GET"]
    before = [legato.get(path, ADMIN).json for path in shown]
    for method, path in named:
        at, body = path.format_map(theirs), BODIES.get(path.rpartition("/")[2])
        answer = legato.get(at, foreign) if method == "GET" else legato.post(at, body, foreign)
        assert answer.status == 404, (method, path, answer.body)
    assert [legato.get(path, ADMIN).json for path in shown] == before
    for path in ("triggers", "trigger-letters"):
        assert legato.get(f"{V1}/{path}", foreign).json["data"] == []
        assert len(legato.get(f"{V1}/{path}", ADMIN).json["data"]) == 1


def test_anothers_workflow_begins_no_run(
    firing: Firing, foreign: str, theirs: dict[str, str]
) -> None:
    before = firing.runs(theirs["workflow"])
    for body in (
        {"workflow": "paid", "input": {"n": 1}},
        {"workflow": "paid@1", "input": {"n": 1}},
    ):
        answer = firing.legato.post(f"{V1}/workflow-runs", body, foreign)
        assert answer.status == 404, answer.body
    answer = firing.legato.post("/v1/workflows/paid/runs", {"input": {"n": 1}}, foreign)
    assert answer.status == 404, answer.body
    assert firing.runs(theirs["workflow"]) == before
