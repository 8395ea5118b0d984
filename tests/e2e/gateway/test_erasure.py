"""One act erases all that was kept of a user, wherever it was copied to; others keep theirs."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI
from running import ADMIN, CALLER, LEDGER_S, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small], cache: {enabled: false}}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
capture: {rules: [{}]}
live_scoring:
  - name: answers
    key: ci
    route: chat
    share: 1
    scorers: [{use: regex, pattern: "nowhere to be found"}]
    usd_per_day: "1"
"""
V1 = "/api/v1"
LEVELS = [{"value": 1, "meaning": "wrong"}, {"value": 5, "meaning": "right"}]
RUBRIC = {"criteria": [{"name": "right", "question": "Is it right?", "levels": LEVELS}]}
SAME = ("captures", "kept-responses", "feedback-texts", "reviews", "ledger-entries", "traces")
SUITE = {"dataset": "replies", "models": ["chat"], "scorers": [{"use": "exact"}]}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("erasure"), CONFIG)
    body = {"spec": {"model": "small", "rubric": RUBRIC}, "labels": ["production"]}
    path = f"{V1}/registry/objects/judge/grader/versions"
    assert running.post(path, body, ADMIN).status == 201
    policies = "SELECT count(*) AS n FROM live_policy"
    assert within(15, lambda: running.query(policies)[0]["n"] == 1)
    yield running
    assert running.stop() == 0


def count(legato: RunningLegato, table: str, where: str = "1 = 1") -> int:
    return int(legato.query(f"SELECT count(*) AS n FROM {table} WHERE {where}")[0]["n"])  # noqa: S608


def evaluated(legato: RunningLegato, dataset: str = "replies") -> dict[str, Any]:
    started = legato.post(f"{V1}/evaluations", {"suite": {**SUITE, "dataset": dataset}}, ADMIN)
    assert started.status == 201, started.body
    path = f"{V1}/evaluations/{started.json['id']}"
    assert within(40, lambda: legato.get(path, ADMIN).json["status"] == "done")
    found: dict[str, Any] = legato.get(path, ADMIN).json
    return found


def held(archive: Path) -> dict[str, Any]:
    with zipfile.ZipFile(archive) as opened:
        assert "What is held about you" in opened.read("index.html").decode()
        return {
            name.removesuffix(".json"): json.loads(opened.read(name))
            for name in opened.namelist()
            if name.endswith(".json")
        }


def all_that_is_held_of_ann(legato: RunningLegato, tmp_path: Path) -> dict[str, Any]:
    archive = tmp_path / "ann.zip"
    why = ("--reason", "she asked on the phone")
    legato.command("privacy", "export", "--subject", "ann", "-o", str(archive), *why)
    told = held(archive)
    over_http = tmp_path / "over_http.zip"
    answer = legato.post(f"{V1}/subject-exports", {"user": "ann", "reason": why[1]}, ADMIN)
    over_http.write_bytes(answer.body)
    assert {kind: len(ones) for kind, ones in held(over_http).items() if kind in SAME} == {
        kind: len(told[kind]) for kind in SAME
    }
    assert told["captures"][0]["content"]["request"]["messages"][0]["content"].endswith("-ann")
    assert told["feedback-texts"][0]["content"]["comment"] == "canary-ann"
    assert {one["provider"] for one in told["sent"]} == {"up"}
    for kind in ("captures", "kept-responses", "feedback-texts", "evaluation-answers", "reviews",
                 "dataset-cases", "live-score-reasons", "ledger-entries", "traces"):  # fmt: skip
        assert told[kind], kind
    assert "canary-bob" not in json.dumps(told)
    return told


def nothing_but_figures_is_held(
    legato: RunningLegato, tmp_path: Path, before: dict[str, Any]
) -> None:
    archive = tmp_path / "after.zip"
    about = ("--subject", "ann", "-o", str(archive), "--reason", "is it gone")
    legato.command("privacy", "export", *about)
    after = held(archive)
    assert "canary-ann" not in json.dumps(after)
    assert len(after["ledger-entries"]) == len(before["ledger-entries"])
    legato.command("ledger", "verify")
    legato.command("audit", "verify")


def answers(legato: RunningLegato, run: dict[str, Any]) -> dict[str, Any]:
    page = legato.get(f"{V1}/evaluations/{run['id']}/answers", ADMIN).json["data"]
    return {one["case"]: one for one in page}


def test_everything_of_one_user_goes_and_nothing_of_another(
    legato: RunningLegato, tmp_path: Path
) -> None:
    ann, bob = (
        legato.chat("chat", f"I am {user}, and my word is canary-{user}", user=user).request_id
        for user in ("ann", "bob")
    )
    kept = legato.post("/v1/responses", {"model": "chat", "input": "canary-ann", "user": "ann"})
    assert kept.status == 200
    for request_id, user in ((ann, "ann"), (bob, "bob")):
        said = {"request_id": request_id, "user": user, "thumbs": "up", "comment": f"canary-{user}"}
        assert legato.post("/v1/feedback", said).status == 200
        wish = {"answer": f"canary-{user}", "request_id": request_id}
        added = legato.post(f"{V1}/reviews", {"judge": "grader", "items": [wish]}, ADMIN)
        assert added.status == 201, added.body
    assert within(LEDGER_S, lambda: count(legato, "capture") == 3)
    assert within(LEDGER_S, lambda: count(legato, "stored_response") == 1)
    assert within(LEDGER_S, lambda: count(legato, "live_score") == 3)
    assert "3 cases" in legato.command("datasets", "collect", "replies", "--reason", "why")
    copy = tmp_path / "copy.jsonl"
    legato.command("datasets", "export", "replies", "-o", str(copy))
    run = evaluated(legato)
    assert (run["done"], set(answers(legato, run)) >= {ann, bob}) == (3, True)

    told = all_that_is_held_of_ann(legato, tmp_path)

    tried = json.loads(
        legato.command("privacy", "erase", "--subject", "ann", "--dry-run", "--json")
    )
    done = json.loads(legato.command("privacy", "erase", "--subject", "ann", "--json"))
    assert tried["erased"] == done["erased"]
    assert done["erased"] == {
        "evaluation answers": 2, "live score reasons": 2, "dataset cases": 2, "reviews": 1,
        "feedback texts": 1, "kept responses": 1, "captures": 2, "batch lines": 0,
        "semantic cache entries": 0, "router questions": 0, "guard samples": 0,
        "redaction maps": 0, "accounts": 0, "reasons of exports": 2, "notes of agents": 0,
        "states of twins": 0, "tasks": 0, "workflow runs": 0, "notifications of runs": 0,
        "words on incidents": 0,
    }  # fmt: skip
    nothing_but_figures_is_held(legato, tmp_path, told)
    again = json.loads(legato.command("privacy", "erase", "--subject", "ann", "--json"))
    assert {kind for kind, many in again["erased"].items() if many} == {"reasons of exports"}

    found = answers(legato, run)
    assert [found[one]["error"] for one in (ann, bob)] == ["erased", ""]
    assert (found[ann]["text"], bool(found[bob]["text"])) == ("", True)
    texts = legato.get(f"{V1}/feedback", ADMIN).json["data"]
    assert {(one["thumbs"], one["comment"]) for one in texts} == {
        ("up", None), ("up", "canary-bob"),
    }  # fmt: skip
    assert legato.get(f"/v1/responses/{kept.json['id']}").status == 404
    shown = json.loads(legato.command("datasets", "show", "replies", "--json"))
    assert (shown["cases"], shown["erased"]) == (3, 2)
    rest = tmp_path / "rest.jsonl"
    assert "1 cases of" in legato.command("datasets", "export", "replies", "-o", str(rest))
    assert "canary-bob" in rest.read_text()
    assert evaluated(legato)["answers"] == 1
    told = legato.command("datasets", "import", "back", str(copy))
    assert "1 cases" in told


def test_a_request_is_erased_over_the_control_api_and_does_not_come_back(
    legato: RunningLegato,
) -> None:
    request_id = legato.chat("chat", "take this back").request_id
    body = {"request_id": request_id}
    done = legato.post(f"{V1}/erasures", body, ADMIN)
    assert (done.status, done.json["requests"]) == (200, 1)
    legato.entries(request_id)
    after = legato.chat("chat", "and this not").request_id
    mine = f"request_id IN ('{request_id}', '{after}')"
    assert within(LEDGER_S, lambda: count(legato, "capture", mine))
    assert count(legato, "capture", f"request_id = '{request_id}'") == 0
    wish = {"judge": "grader", "items": [{"answer": "it", "request_id": request_id}]}
    assert legato.post(f"{V1}/reviews", wish, ADMIN).status == 409
    (past, *_) = legato.get(f"{V1}/erasures", ADMIN).json["data"]
    assert (past["request_id"], past["author"]) == (request_id, "key:admin")
    assert past["ended_at"] is not None
    assert legato.post(f"{V1}/erasures", {}, ADMIN).status == 400
    assert legato.post(f"{V1}/erasures", body).status == 403


def batch_of(client: OpenAI, users: tuple[str, ...]) -> Callable[[str], list[str]]:
    lines = [
        {
            "custom_id": f"line-{user}", "method": "POST", "url": "/v1/chat/completions",
            "body": {"model": "chat", "user": user,
                     "messages": [{"role": "user", "content": f"line of canary-{user}"}]},
        }
        for user in users
    ]  # fmt: skip
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert within(40, lambda: client.batches.retrieve(batch.id).status == "completed")
    done = client.batches.retrieve(batch.id)
    ids = {"in": file.id, "out": done.output_file_id or ""}
    return lambda place: client.files.content(ids[place]).text.splitlines()


@pytest.fixture
def client(legato: RunningLegato) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER) as client:
        yield client


def test_lines_of_batches_are_blanked_where_they_are_the_users(
    legato: RunningLegato, client: OpenAI
) -> None:
    read = batch_of(client, ("carol", "dan"))
    done = json.loads(legato.command("privacy", "erase", "--subject", "carol", "--json"))
    assert done["erased"]["batch lines"] == 2
    for place in ("in", "out"):
        ours, theirs = read(place)
        assert "canary-carol" not in ours
        assert json.loads(ours)["custom_id"] == "line-carol"
        assert json.loads(theirs)["custom_id"] == "line-dan"
    assert json.loads(read("out")[0])["error"]["code"] == "erased"
    assert json.loads(read("out")[1])["response"]["status_code"] == 200
    again = json.loads(legato.command("privacy", "erase", "--subject", "carol", "--json"))
    assert again["erased"]["batch lines"] == 0


def test_a_data_set_is_deleted_unless_a_live_suite_names_it(
    legato: RunningLegato, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text('{"input": "Hello there"}\n{"input": "And again"}\n')
    legato.command("datasets", "import", "greetings", str(cases))
    suite = {"spec": {**SUITE, "dataset": "greetings"}, "labels": ["production"]}
    path = f"{V1}/registry/objects/suite/greeting/versions"
    assert legato.post(path, suite, ADMIN).status == 201
    with pytest.raises(AssertionError, match=r"registry label --remove suite:greeting@production"):
        legato.command("datasets", "delete", "greetings")
    told = legato.command("datasets", "prune", "--older-than", "0s", "--all", "--json")
    assert "greetings" in json.loads(told)["kept"]
    words = ("registry", "label", "--remove", "suite:greeting@production", "production")
    legato.command(*words, "--environment", "production")
    assert "2 cases of 1 versions" in legato.command("datasets", "delete", "greetings")
    with pytest.raises(AssertionError, match="they were deleted"):
        legato.command("datasets", "show", "greetings")
    legato.command("datasets", "import", "old", str(cases))
    assert "0 cases" in legato.command("datasets", "prune", "--older-than", "30d", "--all")
    assert count(legato, "dataset_block", "traffic") == 0
