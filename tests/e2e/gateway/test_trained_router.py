"""A router learns in the running program from what was evaluated, compared and said there."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from oracle import Oracle
from running import ADMIN, LEDGER_S, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
capture: {rules: [{}]}
providers: [{name: up, kind: openai_compatible, base_url: "UPSTREAM/v1"}]
deployments:
  - {name: large, provider: up, model: big, price: {input_per_mtok: "10", output_per_mtok: "40"}}
  - {name: small, provider: up, model: little, price: {input_per_mtok: "1", output_per_mtok: "4"}}
routes:
  - alias: chat
    deployments: [large, small]
    baseline: large
    strategy: cheapest_good_enough
    quality:
      expected: {small: {mean: 1.0, deviation: 0.0}}
      guarantee: {margin: 0.04, alpha: 0.2, shadow_share: 1.0, shadow_usd_per_day: "5"}
  - alias: smart
    deployments: [large, small]
    baseline: large
    strategy: cheapest_good_enough
    quality: {floor: 0.8, router: router/chat}
  - {alias: all-large, deployments: [large]}
  - {alias: all-small, deployments: [small]}
live_scoring:
  - {name: of-large, key: ci, route: all-large, share: 1, scorers: [{use: regex, pattern: "42"}], usd_per_day: "1"}
  - {name: of-small, key: ci, route: all-small, share: 1, scorers: [{use: regex, pattern: "42"}], usd_per_day: "1"}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""  # noqa: E501 - one policy a line
V1 = "/api/v1"
WORKERS = 2
FOLLOWED_S = 2.0
TOWNS = [f"Which river runs through town {number}?" for number in range(60)]
SUMS = [f"What is the sum of {number} + {number * 7} - 12?" for number in range(60)]


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    oracle = Oracle()
    oracle.said_by["big"] = "42"
    oracle.answers["sum of"] = "7"
    folder = tmp_path_factory.mktemp("trained")
    running = RunningLegato(folder, CONFIG.replace("UPSTREAM", oracle.url), workers=WORKERS)
    lines = [{"input": text, "expected": "42"} for text in (*TOWNS, *SUMS)]
    (folder / "cases.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    running.command("datasets", "import", "asked", str(folder / "cases.jsonl"))
    evaluated(running)
    yield running
    assert running.stop() == 0
    oracle.stop()
    assert "Traceback" not in running.log.read_text()


def evaluated(legato: RunningLegato) -> None:
    suite = {
        "dataset": "asked",
        "models": ["large", "small"],
        "concurrency": 16,
        "scorers": [{"use": "exact"}],
    }
    started = legato.post(f"{V1}/evaluations", {"suite": suite}, ADMIN)
    assert started.status == 201, started.body
    path = f"{V1}/evaluations/{started.json['id']}"
    assert within(60, lambda: legato.get(path, ADMIN).json["status"] == "done")


def trained(legato: RunningLegato, *options: str) -> dict[str, Any]:
    file = str(legato.data / "chat.router")
    said = legato.command("route", "train", "--route", "chat", "--output", file, "--json", *options)
    found: dict[str, Any] = json.loads(said)
    return found


def test_it_learns_from_evaluations_comparisons_and_feedback_together(
    legato: RunningLegato,
) -> None:
    for text in (TOWNS[0], SUMS[0]):
        answer = legato.chat("chat", text, user="ann")
        said = {"request_id": answer.request_id, "user": "ann", "thumbs": "up"}
        assert legato.post("/v1/feedback", said).status == 200
    compared = "SELECT choice, baseline, loss FROM route_comparison ORDER BY loss"
    assert within(LEDGER_S, lambda: len(legato.query(compared)) == 2)
    assert legato.query(compared) == [
        {"choice": "small", "baseline": "large", "loss": 0},
        {"choice": "small", "baseline": "large", "loss": 1},
    ]
    captured = "SELECT count(*) AS n FROM capture WHERE end_user != ''"
    assert within(LEDGER_S, lambda: legato.query(captured)[0]["n"] >= 2)

    report = trained(legato)
    learned = report["learned_from"]["deployments"]
    assert learned["large"]["answers"] == {"comparisons": 2, "evaluations": 120, "feedback": 2}
    assert learned["small"]["answers"] == {"comparisons": 2, "evaluations": 120}
    assert learned["small"]["worth"] == 120  # the same questions: no more than a judged answer
    by_name = {one["deployment"]: one for one in report["deployments"]}
    assert by_name["large"]["mean"] == 1.0
    assert by_name["small"]["mean"] == pytest.approx(0.5, abs=0.02)
    assert report["held_out"]["low"] > 0.5  # sums are told from towns
    assert by_name["large"]["cost_usd"] > by_name["small"]["cost_usd"]


def test_it_refuses_where_too_little_is_known(legato: RunningLegato) -> None:
    with pytest.raises(AssertionError, match=r"too little is known: large has 0\.6") as refused:
        trained(legato, "--from", "feedback", "--since", "2d")
    assert "widen --since" in str(refused.value)
    with pytest.raises(AssertionError, match="too little is known"):
        trained(legato, "--until", "2020-01-01")
    with pytest.raises(AssertionError, match="too little is known"):
        trained(legato, "--org", "elsewhere")


def answered_by(legato: RunningLegato, question: str) -> tuple[str, str]:
    """Return who answered by a router of the registry, and the router's version."""
    answer = legato.chat("smart", question)
    assert answer.status == 200, answer.body
    routed = legato.trace(answer.request_id)["decision"].routed
    deployment = {"big": "large", "little": "small"}[answer.json["model"]]
    return deployment, "" if routed is None else routed.router


def everywhere(legato: RunningLegato, question: str, wanted: tuple[str, str]) -> None:
    for index in range(WORKERS):
        with legato.only_worker(index):
            assert within(FOLLOWED_S + LEDGER_S, lambda: answered_by(legato, question) == wanted)


def test_a_version_of_the_registry_decides_and_its_label_moves(legato: RunningLegato) -> None:
    town, asked_sum = "Which river runs through town 77?", "What is the sum of 77 + 539 - 12?"
    assert answered_by(legato, town) == ("large", "")  # nothing is known yet
    first = trained(legato, "--save", "chat")["router"]
    assert first.startswith("router/chat@")
    assert within(FOLLOWED_S, lambda: legato.chat("smart", town).json["model"] == "little")
    everywhere(legato, town, ("small", first))
    everywhere(legato, asked_sum, ("large", first))

    table = legato.data / "judged.csv"
    rows = [f'"{text}",1,{number % 20 != 0:d}' for number, text in enumerate((*TOWNS, *SUMS))]
    table.write_text("\n".join(["prompt,large|correct,small|correct", *rows]))
    asked = ("--route", "chat", "--save", "chat", "--label", "next")
    said = legato.command("route", "train", str(table), *asked)
    assert "small: 120 of table, worth 120 judged answers" in said
    second = said.splitlines()[-1].partition(" ")[0]
    assert second.startswith("router/chat@")
    assert second != first
    everywhere(legato, asked_sum, ("large", first))
    legato.command("registry", "label", "router:chat@next", "production")
    assert within(FOLLOWED_S + LEDGER_S, lambda: answered_by(legato, town)[1] == second)
    everywhere(legato, asked_sum, ("small", second))
    shown = json.loads(
        legato.command("route", "explain", "--route", "smart", "--prompt", town, "--json")
    )
    assert shown["router"] == second
    legato.command("rollback", "router:chat@production")
    assert within(FOLLOWED_S + LEDGER_S, lambda: answered_by(legato, town)[1] == first)


def test_whose_questions_are_erased_is_forgotten_by_the_router(legato: RunningLegato) -> None:
    before = legato.query("SELECT questions, erased FROM router_model ORDER BY erased")
    assert [one["erased"] for one in before] == [0, 0]
    told = json.loads(legato.command("privacy", "erase", "--subject", "ann", "--json"))
    assert told["erased"]["router questions"] == 2  # of the version that learned from captures
    after = legato.query("SELECT questions, erased FROM router_model ORDER BY erased")
    assert [one["erased"] for one in after] == [0, 2]
    again = json.loads(legato.command("privacy", "erase", "--subject", "ann", "--json"))
    assert again["erased"]["router questions"] == 0
    everywhere(legato, "Which river runs through town 12?", ("small", _live(legato)))
    assert "a router can't be read" not in legato.log.read_text()


def _live(legato: RunningLegato) -> str:
    return answered_by(legato, "Which river runs through town 13?")[1]


def test_it_learns_from_scores_of_live_answers(legato: RunningLegato) -> None:
    policies = "SELECT count(*) AS n FROM live_policy"
    assert within(15, lambda: legato.query(policies)[0]["n"] == 2)  # what is asked now counts

    def ask(number: int) -> None:
        text = f"What is the sum of {number} + 9?" if number % 2 else f"Which river is {number}?"
        for route in ("all-large", "all-small"):
            assert legato.chat(route, text).status == 200

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(150)))
    scores = "SELECT count(*) AS n FROM live_score WHERE value IS NOT NULL"
    assert within(60, lambda: legato.query(scores)[0]["n"] == 300)
    report = trained(legato, "--from", "scores")
    learned = report["learned_from"]["deployments"]
    for name in ("large", "small"):
        assert learned[name]["answers"] == {"scores": 150}
        assert learned[name]["worth"] == pytest.approx(105)  # 0.7 each
    by_name = {one["deployment"]: one for one in report["deployments"]}
    assert by_name["large"]["mean"] == 1.0
    assert by_name["small"]["mean"] == pytest.approx(0.5, abs=0.02)
    assert report["held_out"]["low"] > 0.5
    assert report["learned_from"]["left_out"] == {}
