"""The registry through the control API of the running program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

CONFIG = """\
config_version: 1
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
registry: {approvals: [{environment: production, labels: [guarded]}]}
"""
V1 = "/api/v1"
OBJECTS = f"{V1}/registry/objects"
GREETING = f"{OBJECTS}/prompt/greeting"


def spec(text: str) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": text + " {{name}}."}],
        "variables": {"name": {"type": "string"}},
        "route": "chat",
    }


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("registry"), CONFIG)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def greeting(legato: RunningLegato) -> list[str]:
    """A prompt of two versions; their digests."""
    digests = []
    for text in ("Greet", "Welcome"):
        body = {"spec": spec(text), "labels": ["production"], "reason": text, "owner": "support"}
        answer = legato.post(f"{GREETING}/versions", body, ADMIN)
        assert answer.status == 201, answer.body
        digests.append(answer.json["version"]["digest"])
    return digests


def key(legato: RunningLegato, *permissions: str) -> str:
    team = legato.get(f"{V1}/organisations", ADMIN).json["data"][0]
    path = f"{V1}/organisations/{team['id']}/teams"
    teams = legato.get(path, ADMIN).json["data"]
    team_id = teams[0]["id"] if teams else legato.post(path, {"name": "t"}, ADMIN).json["id"]
    features = legato.get(f"{V1}/teams/{team_id}/features", ADMIN).json["data"]
    feature_id = features[0]["id"]
    made = legato.post(
        f"{V1}/keys", {"feature_id": feature_id, "permissions": list(permissions)}, ADMIN
    ).json
    secret: str = made["secret"]
    assert within(3, lambda: legato.get(f"{V1}/me", secret).status == 200)
    return secret


def test_a_version_is_shown_with_who_made_it(legato: RunningLegato, greeting: list[str]) -> None:
    shown = legato.get(GREETING, ADMIN).json
    assert (shown["owner"], shown["versions"]) == ("support", 2)
    assert shown["labels"]["production"] == 2
    for named in ("production", "2", greeting[1][:8], greeting[1]):
        version = legato.get(f"{GREETING}/versions/{named}", ADMIN).json
        assert version["spec"] == spec("Welcome")
        assert (version["number"], version["reason"]) == (2, "Welcome")
        assert version["author"].startswith("key:")
    lines = legato.get(f"{GREETING}/versions/2/difference?since=1", ADMIN).json["lines"]
    assert "-  content: Greet {{name}}." in lines
    (use,) = [
        one
        for one in legato.get(f"{V1}/registry/uses?kind=route&name=chat", ADMIN).json["data"]
        if one["labels"]
    ]
    assert use["digest"] == greeting[1]


def test_a_label_moves_and_goes_back(legato: RunningLegato, greeting: list[str]) -> None:
    def point(**body: Any) -> Answer:
        return legato.post(f"{GREETING}/labels", {"label": "staging", **body}, ADMIN)

    assert point(version="1").json["move"]["state"] == "applied"
    assert point(version="1").json["move"] is None
    assert point(version="2", expected="").status == 412
    assert point(version="2", expected=greeting[0]).status == 200
    assert point(version="9").status == 404
    back = legato.post(f"{GREETING}/rollback", {"label": "staging", "reason": "worse"}, ADMIN)
    assert back.json["to_digest"] == greeting[0]
    moves = legato.get(f"{V1}/registry/moves?limit=1", ADMIN).json["data"]
    assert (moves[0]["label"], moves[0]["reason"]) == ("staging", "worse")


def test_who_asks_does_not_approve(legato: RunningLegato, greeting: list[str]) -> None:
    path = f"{GREETING}/labels"
    move = legato.post(path, {"label": "guarded", "version": "1"}, ADMIN).json["move"]
    assert move["state"] == "pending"
    assert move["to_digest"] == greeting[0]
    approve = f"{V1}/registry/moves/{move['id']}/approve"
    assert legato.post(approve, {}, ADMIN).status == 403
    reader = key(legato, "registry:object:read")
    assert legato.post(approve, {}, reader).status == 403
    approver = key(legato, "registry:object:read", "registry:move:approve")
    approved = legato.post(approve, {"reason": "read it"}, approver)
    assert approved.json["state"] == "applied", approved.body
    said = legato.get(f"{V1}/registry/moves/{move['id']}", approver).json["verdicts"]
    assert [(one["approved"], one["reason"]) for one in said] == [(True, "read it")]
    assert legato.post(approve, {}, approver).status == 409
    assert legato.get(GREETING, reader).json["labels"]["guarded"] == 1


def test_saving_is_not_moving(legato: RunningLegato, greeting: list[str]) -> None:
    writer = key(legato, "registry:object:read", "registry:version:create")
    body = {"spec": spec("Salute"), "labels": ["production"]}
    assert legato.post(f"{GREETING}/versions", body, writer).status == 403
    made = legato.post(f"{GREETING}/versions", {"spec": spec("Salute")}, writer)
    assert (made.status, made.json["moves"]) == (201, [])
    assert legato.get(GREETING, writer).json["labels"]["production"] == len(greeting)


def test_who_answers_is_not_changed_by_saving(legato: RunningLegato, greeting: list[str]) -> None:
    assert len(greeting) == 2
    creator = key(legato, "registry:version:create")
    body = {"spec": spec("Take over"), "owner": "thieves"}
    refused = legato.post(f"{GREETING}/versions", body, creator)
    assert (refused.status, refused.error["field"]) == (403, "owner")
    assert "registry:object:update" in refused.error["message"]
    assert legato.get(GREETING, ADMIN).json["owner"] == "support"
    same = {"spec": spec("Take over"), "owner": "support"}
    assert legato.post(f"{GREETING}/versions", same, creator).status == 201
    begun = legato.post(f"{OBJECTS}/prompt/mine/versions", body, creator)
    assert begun.status == 201


def test_what_nests_too_deeply_is_the_callers_to_mend(legato: RunningLegato) -> None:
    deep = b'{"spec": ' + b'{"a": ' * 5_000 + b"1" + b"}" * 5_001
    refused = legato.post(f"{OBJECTS}/prompt/deep/versions", deep, ADMIN)
    assert (refused.status, refused.error["code"]) == (400, "invalid_request")
    assert refused.error["message"] == "The body is nested too deeply."


def test_bad_content_is_told_whole(legato: RunningLegato) -> None:
    wrong = {"messages": [{"role": "user", "content": "{{nmae}}"}], "route": "caht", "colour": 1}
    answer = legato.post(f"{OBJECTS}/prompt/wrong/versions", {"spec": wrong}, ADMIN)
    assert answer.status == 400
    for told in ("colour", "nmae"):
        assert told in answer.error["message"]
    nowhere = {**spec("Greet"), "route": "caht"}
    answer = legato.post(f"{OBJECTS}/prompt/wrong/versions", {"spec": nowhere}, ADMIN)
    assert "nothing here is called 'caht'" in answer.error["message"]
    assert legato.get(f"{OBJECTS}/prompt/wrong", ADMIN).status == 404
    assert legato.get(f"{OBJECTS}/workflow/wrong", ADMIN).status == 404
    assert legato.get(f"{OBJECTS}/prompt/%2e%2e", ADMIN).status in {400, 404}


def test_an_environment_in_a_directory_is_not_changed_here(
    legato: RunningLegato, greeting: list[str]
) -> None:
    path = f"{V1}/registry/truth?environment=kiosk"
    assert legato.post(path, {"truth": "directory"}, ADMIN).json["data"][0]["name"] == "kiosk"
    body = {"label": "production", "version": greeting[0]}
    refused = legato.post(f"{GREETING}/labels?environment=kiosk", body, ADMIN)
    assert refused.status == 409
    assert "legato apply" in refused.error["message"]
    assert legato.post(path, {"truth": "database"}, ADMIN).status == 200
    assert legato.post(f"{GREETING}/labels?environment=kiosk", body, ADMIN).status == 200


def test_the_same_change_elsewhere_is_not_the_same_request(legato: RunningLegato) -> None:
    path, once = f"{OBJECTS}/prompt/twice/versions", {"idempotency-key": "one-change"}
    body = {"spec": spec("Hi"), "labels": ["staging"]}
    assert legato.post(path, body, ADMIN, once).status == 201
    again = legato.post(path, body, ADMIN, once)
    assert (again.status, again.headers["idempotency-replayed"]) == (201, "true")
    assert legato.post(f"{path}?environment=testing", body, ADMIN, once).status == 409
