"""Answers that people review: over the control API and at a terminal, one queue."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
reviews: {double_share: 0}
"""
V1 = "/api/v1"
REVIEWS = f"{V1}/reviews"
LEVELS = [{"value": 1, "meaning": "wrong"}, {"value": 5, "meaning": "right"}]
RUBRIC = {"criteria": [{"name": "right", "question": "Is it right?", "levels": LEVELS}]}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("reviews"), CONFIG)
    for name, spec in (("grader", {"rubric": RUBRIC}), ("checker", {"grounding": {}})):
        body = {"spec": {"model": "small", **spec}, "labels": ["production"]}
        path = f"{V1}/registry/objects/judge/{name}/versions"
        assert running.post(path, body, ADMIN).status == 201
    yield running
    assert running.stop() == 0


def key(legato: RunningLegato, name: str, *permissions: str) -> str:
    options = [part for one in permissions for part in ("--permission", one)]
    made = legato.command(
        "keys", "create", "--json", "--team", "t", "--feature", "f", "--name", name, *options
    )
    secret: str = json.loads(made)["secret"]
    assert within(3, lambda: legato.get(f"{V1}/me", secret).status == 200)
    return secret


def add(legato: RunningLegato, *items: dict[str, Any], secret: str = ADMIN) -> list[str]:
    answer = legato.post(REVIEWS, {"judge": "grader", "items": list(items)}, secret)
    assert answer.status == 201, answer.body
    ids: list[str] = answer.json["ids"]
    return ids


def take(legato: RunningLegato, secret: str) -> Any:
    answer = legato.post(f"{REVIEWS}/next", {"judge": "grader"}, secret)
    assert answer.status == 200, answer.body
    return answer.json["item"]


def test_two_people_share_a_queue_and_what_they_say_is_kept_sealed(legato: RunningLegato) -> None:
    ann, ben = (key(legato, name, "reviews:label:create") for name in ("ann", "ben"))
    first, second = add(legato, {"answer": "canary-answer", "input": "q"}, {"answer": "b"})
    mine, his = take(legato, ann), take(legato, ben)
    assert [mine["head"]["id"], his["head"]["id"]] == [first, second]
    assert (mine["content"]["answer"], mine["rubric"]["criteria"][0]["name"]) == (
        "canary-answer", "right",
    )  # fmt: skip
    said = {"levels": {"right": 5}, "comment": "canary-comment", "correction": "canary-correction"}
    assert legato.post(f"{REVIEWS}/{first}/label", said, ann).json["labels_given"] == 1
    assert legato.post(f"{REVIEWS}/{first}/label", said, ben).status == 409
    assert legato.post(f"{REVIEWS}/{second}/skip", {}, ben).status == 200
    assert take(legato, ben) is None
    assert take(legato, ann)["head"]["id"] == second
    shown = legato.get(f"{REVIEWS}/{first}", ADMIN).json
    (label,) = shown["labels"]
    assert (label["reviewer"], label["levels"]) == ("key:ann", {"right": 5})
    assert (label["comment"], label["correction"]) == ("canary-comment", "canary-correction")
    assert all(b"canary-" not in path.read_bytes() for path in legato.data.glob("legato.db*"))


def test_what_cannot_be_said_is_refused_with_its_field(legato: RunningLegato) -> None:
    (only,) = add(legato, {"answer": "x"})
    path = f"{REVIEWS}/{only}/label"
    for levels, told in (
        ({"right": 3}, "levels: right: must be one of 1, 5"),
        ({"wrong": 1}, "levels: `wrong` is no criterion; known: right"),
        ({}, "levels: give a level for each of right"),
    ):
        refused = legato.post(path, {"levels": levels}, ADMIN)
        assert (refused.status, refused.error["message"]) == (400, told)
    assert legato.post(f"{REVIEWS}/{'0' * 32}/label", {"levels": {}}, ADMIN).status == 404
    nobody = {"judge": "nobody", "items": [{"answer": "x"}]}
    assert legato.post(REVIEWS, nobody, ADMIN).status == 404
    checker = legato.post(REVIEWS, {"judge": "checker", "items": [{"answer": "x"}]}, ADMIN)
    assert checker.status == 400
    assert "has no rubric" in checker.error["message"]
    legato.post(path, {"levels": {"right": 1}}, ADMIN)


def test_each_permission_lets_do_its_own(legato: RunningLegato) -> None:
    reader, adder = (
        key(legato, name, permission)
        for name, permission in (("reader", "reviews:item:read"), ("adder", "reviews:item:create"))
    )
    (only,) = add(legato, {"answer": "y"}, secret=adder)
    assert legato.get(f"{REVIEWS}/{only}", reader).status == 200
    assert legato.get(f"{REVIEWS}?open=true", reader).json["data"][-1]["id"] == only
    for path, body, secret in (
        ("/next", {"judge": "grader"}, reader),
        ("", {"judge": "grader", "items": [{"answer": "z"}]}, reader),
        (f"/{only}/label", {"levels": {"right": 1}}, adder),
    ):
        assert legato.post(REVIEWS + path, body, secret).status == 403
    assert legato.get(f"{REVIEWS}/{only}", adder).status == 403
    legato.post(f"{REVIEWS}/{only}/label", {"levels": {"right": 1}}, ADMIN)


def test_a_terminal_takes_labels_in_and_gives_them_back(
    legato: RunningLegato, tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["input", "answer", "by", "right", "correction"])
        rows.writerow(["2 + 2?", "4", "cat", "5", ""])
        rows.writerow(["2 + 2?", "4", "dan", "5", ""])
        rows.writerow(["2 + 3?", "4", "cat", "1", "5"])
        rows.writerow(["2 + 4?", "6\x1b]0;done\x07 \u202e \u00e9", "", "", ""])
    told = legato.command("reviews", "import", str(table), "--judge", "grader")
    assert "3 answers added to the queue of grader, 3 labels with them" in told
    page = legato.command("reviews", "next", "--judge", "grader", "--by", "eve")
    assert "2 + 4?" in page
    assert r"6\x1b]0;done\x07 \u202e é" in page  # shown, not obeyed
    (line,) = [line for line in page.splitlines() if line.startswith("legato reviews label")]
    item_id = line.split()[3]
    done = legato.command("reviews", "label", item_id, "--level", "right=5", "--by", "eve")
    assert "1 of 1 labels" in done
    printed = legato.command("reviews", "export", "--judge", "grader")
    lines = [json.loads(one) for one in printed.splitlines()]
    exported = {one["input"]: one for one in lines if one.get("input", "").startswith("2 + ")}
    assert [label["by"] for label in exported["2 + 2?"]["labels"]] == ["cat", "dan"]
    assert exported["2 + 4?"]["labels"][0]["by"] == "operator:eve"
    again = tmp_path / "again.jsonl"
    again.write_text(printed)
    assert f"{len(lines)} answers added" in legato.command(
        "reviews", "import", str(again), "--judge", "grader"
    )
    cases = legato.command("reviews", "export", "--judge", "grader", "--as-cases")
    found = {json.loads(one)["expected"] for one in cases.splitlines()}
    assert found == {"5", "canary-correction"}
    corrected = tmp_path / "cases.jsonl"
    corrected.write_text(cases)
    imported = legato.command(
        "datasets", "import", "corrected", str(corrected), "--reason", "people"
    )
    assert "is version 1" in imported
