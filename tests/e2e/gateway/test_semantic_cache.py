"""Answers to questions of the same meaning, as callers, ledger and operators see them."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from oracle import Oracle
from running import ADMIN, CALLER, Answer, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
cache: {semantic: {check_share: 0.05}}
providers:
  - {name: open, kind: openai_compatible, base_url: "ORACLE/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: open, model: n, price: {input_per_mtok: "5", output_per_mtok: "15"}}
routes:
  - {alias: chat, baseline: large, deployments: [small], cache: {semantic: {bound: 0.05}}}
  - {alias: exact, deployments: [small]}
  - alias: shared
    deployments: [small]
    cache: {semantic: {bound: 0.05, sharing: organisation, multi_turn: true}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: mate, team: platform, feature: others, secret: {env: MATE_KEY}}
  - {name: stranger, team: research, feature: tests, secret: {env: STRANGER_KEY}}
  - {name: foreign, org: elsewhere, team: research, feature: tests, secret: {env: FOREIGN_KEY}}
"""
MATE, STRANGER, FOREIGN = "lg-of-the-same-team", "lg-of-another-team", "lg-of-another-org"
FIRST, AGAIN = "How do I {}?", "How can I {}?"
RYE, BOARD, BICYCLE = "bake rye bread at home", "clean a wooden cutting board", "change a tire"
STAINS, PUPPY, TOMATOES = "remove wine stains", "train a young puppy", "grow tomatoes indoors"
SHEET, GUITAR = "fold a fitted sheet", "tune an acoustic guitar"


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    made = Oracle()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def legato(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    variables = {"MATE_KEY": MATE, "STRANGER_KEY": STRANGER, "FOREIGN_KEY": FOREIGN}
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"),
        CONFIG.replace("ORACLE", oracle.url),
        variables=variables,
    )
    for number in range(20):  # the bound is a share of requests: let there be some
        for key in (CALLER, STRANGER, FOREIGN):
            for model in ("chat", "shared"):
                running.chat(model, f"What is {number} to me?", key=key)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def state(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    return answer.headers["x-legato-cache"].partition(";")[0]


def entry(answer: Answer) -> str:
    """The id of the entry that a semantic hit was served from, "" for what was none."""
    return answer.headers["x-legato-cache"].partition("entry=")[2]


def alike(legato: RunningLegato, topic: str, model: str = "chat", **fields: Any) -> Answer:
    """Ask the same in other words, until it is a hit.

    Some hits are not served: those that are to be checked while enough are. Blanks at the end make
    another request of the same meaning.
    """
    for blanks in range(6):
        answer = legato.chat(model, AGAIN.format(topic) + " " * blanks, **fields)
        if state(answer) == "semantic":
            break
    return answer


def test_a_question_of_the_same_meaning_has_the_same_answer_for_nothing(
    legato: RunningLegato, oracle: Oracle
) -> None:
    first = legato.chat(question=FIRST.format(RYE))
    again = alike(legato, RYE, key=MATE)
    other = legato.chat(question=AGAIN.format("repair a leaking roof"))
    assert [state(one) for one in (first, again, other)] == ["miss", "semantic", "miss"]
    assert again.body == first.body
    told = r"semantic; similarity=0\.9\d; entry=[0-9a-f]{32}"
    assert re.fullmatch(told, again.headers["x-legato-cache"])
    assert float(again.headers["x-legato-cost-usd"]) == 0
    assert AGAIN.format(RYE) not in oracle.asked[-1:]
    (paid,) = legato.entries(first.request_id)
    (saved,) = legato.entries(again.request_id)
    assert (saved["kind"], saved["cost"], saved["feature"]) == ("cache", 0, "others")
    assert saved["baseline_cost"] == paid["baseline_cost"] > paid["cost"]
    trace = legato.trace(again.request_id)
    assert trace["cache"] == "semantic"
    assert "lookup_semantic" in [name for name, _ in trace["stages"]]


def test_nobody_beyond_the_team_is_given_its_answers(legato: RunningLegato) -> None:
    assert state(legato.chat(question=FIRST.format(BOARD))) == "miss"
    assert state(legato.chat(question=AGAIN.format(BOARD), key=STRANGER)) == "miss"
    assert state(legato.chat(question=AGAIN.format(BOARD), key=FOREIGN)) == "miss"
    assert state(legato.chat("exact", FIRST.format(BOARD))) == "miss"
    assert state(legato.chat("exact", AGAIN.format(BOARD))) == "miss"


def test_an_organisation_shares_where_its_route_says_so(legato: RunningLegato) -> None:
    assert state(legato.chat("shared", FIRST.format(BICYCLE))) == "miss"
    assert state(alike(legato, BICYCLE, "shared", key=STRANGER)) == "semantic"
    assert state(legato.chat("shared", AGAIN.format(BICYCLE), key=FOREIGN)) == "miss"


def test_what_was_said_before_must_be_the_same(legato: RunningLegato) -> None:
    def asked(question: str, before: str) -> Answer:
        said = [{"role": "user", "content": before}, {"role": "assistant", "content": "Fine."}]
        return legato.chat("shared", messages=[*said, {"role": "user", "content": question}])

    assert state(asked(FIRST.format(STAINS), "I have no oven.")) == "miss"
    again = [asked(AGAIN.format(STAINS) + " " * blanks, "I have no oven.") for blanks in range(4)]
    assert "semantic" in {state(one) for one in again}
    assert state(asked(AGAIN.format(STAINS), "I have an oven.")) == "miss"


@pytest.mark.parametrize(
    "how",
    [
        {"temperature": 0.9},
        {"metadata": {"user_context": "premium"}},
        {"headers": {"cache-control": "no-store"}},
        {"headers": {"cache-control": "no-cache"}},
        {"logprobs": True},
    ],
)
def test_what_is_neither_looked_up_nor_kept(legato: RunningLegato, how: dict[str, Any]) -> None:
    topic = f"store {''.join(how)} safely in a cellar"
    assert state(legato.chat(question=FIRST.format(topic), **how)) in {"miss", "bypass"}
    assert state(legato.chat(question=AGAIN.format(topic), **how)) in {"miss", "bypass"}


def test_answers_that_were_cut_are_not_kept(legato: RunningLegato, oracle: Oracle) -> None:
    oracle.finish_reason = "length"
    try:
        assert state(legato.chat(question=FIRST.format(PUPPY))) == "miss"
    finally:
        oracle.finish_reason = "stop"
    assert state(legato.chat(question=AGAIN.format(PUPPY))) == "miss"


def test_nobody_plants_an_answer_for_others(legato: RunningLegato, oracle: Oracle) -> None:
    oracle.answers["Say never"] = "Never."
    planted = "How long may I return a chair? Say never."
    assert legato.chat(question=planted).json["choices"][0]["message"]["content"] == "Never."
    for asked in ("How long may I return a chair?", "How long can I return a chair?"):
        answer = legato.chat(question=asked)
        assert answer.json["choices"][0]["message"]["content"] == "42"
    said = {"role": "system", "content": "Say never"}
    turns = [said, {"role": "user", "content": "How long may I return a desk?"}]
    legato.chat(messages=turns)
    answer = legato.chat(question="How long can I return a desk?")
    assert answer.json["choices"][0]["message"]["content"] == "42"


def test_tags_that_are_none_are_refused(legato: RunningLegato) -> None:
    answer = legato.chat(question="tags", headers={"x-legato-cache-tags": "x" * 65})
    assert (answer.status, answer.error["param"]) == (400, "x-legato-cache-tags")


def test_who_asks_the_same_at_once_waits_for_one_answer(
    legato: RunningLegato, oracle: Oracle
) -> None:
    asked = len(oracle.asked)
    oracle.goes_on.clear()
    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(legato.chat, question=FIRST.format(TOMATOES))
        assert within(10, lambda: len(oracle.asked) > asked)
        same = [threads.submit(legato.chat, question=FIRST.format(TOMATOES)) for _ in range(2)]
        other = AGAIN.format(TOMATOES)
        near = [threads.submit(legato.chat, question=other + " " * blanks) for blanks in range(4)]
        time.sleep(0.5)  # they are on their way: none of them is to arrive at the model
        oracle.goes_on.set()
        answers = [one.result() for one in (first, *same, *near)]
    states = [state(one) for one in answers]
    assert states[:3] == ["miss", "hit", "hit"]
    assert states.count("semantic") >= 2  # those that are to be checked may not be served
    assert len(oracle.asked) == asked + states.count("miss")
    kinds = [legato.entries(one.request_id)[0]["kind"] for one in answers]
    assert kinds == ["usage" if one == "miss" else "cache" for one in states]


def test_who_waits_for_one_that_fails_asks_himself(legato: RunningLegato, oracle: Oracle) -> None:
    oracle.goes_on.clear()
    oracle.fails = 1
    asked = len(oracle.asked)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(legato.chat, question=FIRST.format(SHEET))
        assert within(10, lambda: len(oracle.asked) > asked)
        other = threads.submit(legato.chat, question=AGAIN.format(SHEET))
        time.sleep(0.3)
        oracle.goes_on.set()
        assert first.result().status >= 500
        assert state(other.result()) == "miss"


def test_hits_are_checked_beside_a_fresh_answer(legato: RunningLegato, oracle: Oracle) -> None:
    legato.chat(question=FIRST.format(GUITAR))
    overhead = "SELECT * FROM ledger_entry WHERE kind = 'overhead'"
    for number in range(400):  # blanks at the end: another request, of the same meaning
        legato.chat(question=AGAIN.format(GUITAR) + " " * number)
        if "check_right" in legato.get("/metrics").body.decode():
            break
    rows = within(10, lambda: legato.query(overhead))
    assert rows[0]["cost"] > rows[0]["baseline_cost"] == 0
    assert within(10, lambda: 'result="check_right"' in legato.get("/metrics").body.decode())


def test_what_it_decided_can_be_replayed(legato: RunningLegato) -> None:
    time.sleep(1.0)
    lines = legato.command("replay", "--json").splitlines()
    replayed = [json.loads(line) for line in lines if "verdict" in line]
    found = Counter(one["verdict"] for one in replayed)
    assert found["reproduced"] > 50
    assert [one["causes"] for one in replayed if one["verdict"] == "different"] == []
    legato.command("ledger", "verify")


def test_a_hit_that_was_wrong_is_taken_back(legato: RunningLegato) -> None:
    legato.chat(question=FIRST.format("paint a wooden fence"))
    again = alike(legato, "paint a wooden fence")
    entry = again.headers["x-legato-cache"].rpartition("=")[2]
    before = json.loads(legato.command("cache", "stats", "--json"))
    legato.trace(again.request_id)
    told = legato.command("cache", "wrong", again.request_id)
    assert entry in told
    time.sleep(1.5)
    listed = legato.get(f"/api/v1/cache/entries?entry={entry}", ADMIN).json
    assert listed["data"] == []
    after = json.loads(legato.command("cache", "stats", "--json"))
    wrong = [sum(one["wrong"] for one in seen) for seen in (before, after)]
    assert wrong[1] == wrong[0] + 1
    assert legato.get("/api/v1/cache/bounds", ADMIN).json["data"] == after
    for request_id, status in (("f" * 32, 404), (again.request_id[:-1] + "x", 400)):
        asked = {"request_id": request_id}
        assert legato.post("/api/v1/cache/wrong", asked, ADMIN).status == status
    missed = legato.chat(question=FIRST.format("paint a wooden gate"))
    legato.trace(missed.request_id)
    asked = {"request_id": missed.request_id}
    assert legato.post("/api/v1/cache/wrong", asked, ADMIN).status in {404, 409}


def test_entries_are_listed_and_purged_by_tag(legato: RunningLegato) -> None:
    tags = {"x-legato-cache-tags": "handbook, document:4711"}
    legato.chat(question=FIRST.format("write a will"), headers=tags)
    legato.chat(question=FIRST.format("sail a boat"), headers={"x-legato-cache-tags": "other"})

    def listed() -> list[Any]:
        page = legato.get("/api/v1/cache/entries?tag=handbook", ADMIN)
        found: list[Any] = page.json["data"]
        return found

    (found,) = within(5, listed)
    assert found["question"] == FIRST.format("write a will")
    assert (found["route"], found["team"]) == ("chat", "platform")
    shown = legato.command("cache", "show", found["id"])
    assert "42" in shown
    assert "cost: $0.00014" in shown
    refused = legato.post("/api/v1/cache/purge", {}, ADMIN)
    assert (refused.status, refused.error["field"]) == (400, "all")
    assert legato.get("/api/v1/cache/entries").status == 403
    purged = legato.post("/api/v1/cache/purge", {"tag": "document:4711"}, ADMIN)
    assert purged.json == {"purged": 1}
    assert within(3, lambda: not listed())
    assert "1 entry purged" in legato.command("cache", "purge", "--tag", "other")
    time.sleep(1.2)
    assert state(legato.chat(question=AGAIN.format("write a will"))) == "miss"


def test_answers_go_when_their_document_changes(legato: RunningLegato) -> None:
    def asked(question: str, version: str) -> Answer:
        return legato.chat(question=question, headers={"x-legato-documents": f"4711@{version}, 9"})

    for topic in ("wax a pair of skis", "patch a rubber boat"):
        assert state(asked(FIRST.format(topic), "a1")) == "miss"
    again = [asked(AGAIN.format("wax a pair of skis") + " " * n, "a1") for n in range(4)]
    assert "semantic" in {state(one) for one in again}
    assert state(asked(FIRST.format("wax a pair of skis"), "b2")) == "miss"  # of no cache
    assert state(legato.chat(question=AGAIN.format("patch a rubber boat"))) == "miss"  # went too

    def listed(document: str) -> list[Any]:
        page = legato.get(f"/api/v1/cache/entries?document={document}", ADMIN)
        found: list[Any] = page.json["data"]
        return found

    assert within(5, lambda: listed("4711@b2"))
    assert within(5, lambda: not listed("4711@a1"))
    assert listed("4711") == listed("9") == listed("4711@b2")
    assert "1 entry purged" in legato.command("cache", "purge", "--document", "4711")
    assert within(3, lambda: not listed("4711"))
    body = {"metadata": {"documents": 7}}
    refused = legato.chat(question="x", **body)
    assert (refused.status, refused.error["param"]) == (400, "metadata.documents")


def test_what_a_user_asked_is_erased_in_every_worker(legato: RunningLegato) -> None:
    topic = "whittle a birch spoon"
    first = legato.chat(question=FIRST.format(topic), user="ann")
    kept = legato.chat(question=FIRST.format("sharpen a hand saw"), user="bob")
    assert state(alike(legato, topic, user="ann")) == "semantic"
    legato.entries(first.request_id)
    entries = "/api/v1/cache/entries?limit=200"

    def listed() -> set[str]:
        return {one["question"] for one in legato.get(entries, ADMIN).json["data"]}

    assert within(5, lambda: FIRST.format(topic) in listed())
    tried = json.loads(
        legato.command("privacy", "erase", "--subject", "ann", "--dry-run", "--json")
    )
    done = json.loads(legato.command("privacy", "erase", "--subject", "ann", "--json"))
    # more than one where she had to ask again until it was a hit
    counts = [one["erased"]["semantic cache entries"] for one in (tried, done)]
    assert counts[0] == counts[1] >= 1
    assert FIRST.format(topic) not in listed()
    time.sleep(1.2)
    assert state(legato.chat(question=AGAIN.format(topic) + " " * 9)) == "miss"
    legato.entries(kept.request_id)
    done = legato.post("/api/v1/erasures", {"request_id": kept.request_id}, ADMIN).json
    assert done["erased"]["semantic cache entries"] == 1
    assert FIRST.format("sharpen a hand saw") not in listed()


@pytest.mark.parametrize("model", ["chat", "kept"])
def test_a_caller_takes_back_a_wrong_hit(legato: RunningLegato, model: str) -> None:
    if model == "kept":  # a route of the registry
        spec = {"deployments": ["small"], "cache": {"semantic": {"bound": 0.05}}}
        body = {"spec": spec, "labels": ["production"], "reason": "test"}
        path = "/api/v1/registry/objects/route/kept/versions"
        assert legato.post(path, body, ADMIN).status == 201
        assert within(10, lambda: legato.chat("kept", "hello").status == 200)
        for number in range(20):
            legato.chat("kept", f"What is {number} to me?")
    topic = f"prune the roses of a {model} garden"
    first = legato.chat(model, FIRST.format(topic))
    again = alike(legato, topic, model)
    assert state(again) == "semantic"
    time.sleep(1.1)  # bounds are left once a second

    def wrong() -> int:
        seen = json.loads(legato.command("cache", "stats", "--json"))
        return sum(one["wrong"] for one in seen if one["route"] == model)

    before, said = wrong(), {"request_id": again.request_id, "outcome": "wrong_hit"}
    for user in ("ann", "ann", "bob"):
        told = legato.post("/v1/feedback", {**said, "user": user})
        assert told.status == 200, told.body
    assert wrong() == before + 1
    time.sleep(1.1)
    # another entry may be served: where `alike` had to ask again, each answer was left as one
    assert entry(legato.chat(model, AGAIN.format(topic) + " " * 9)) != entry(again)
    summary = legato.get(f"/api/v1/feedback/summary?by=route&route={model}", ADMIN).json["data"]
    assert [one["wrong_hits"] for one in summary] == [2]
    refused = legato.post("/v1/feedback", {**said, "request_id": first.request_id})
    assert (refused.status, refused.error["param"]) == (409, "request_id")
    foreign = legato.post("/v1/feedback", said, FOREIGN)
    assert (foreign.status, foreign.error["param"]) == (404, "request_id")


def test_metrics_tell_how_much_of_a_bound_is_spent(legato: RunningLegato) -> None:
    legato.chat(question=FIRST.format("mend a torn tent"))
    alike(legato, "mend a torn tent")
    time.sleep(1.2)
    told = legato.get("/metrics").body.decode()

    def value(name: str, labels: str = '{bound="0.05",route="chat"}') -> float:
        (line,) = [one for one in told.splitlines() if one.startswith(f"{name}{labels} ")]
        return float(line.rpartition(" ")[2])

    seen = json.loads(legato.command("cache", "stats", "--json"))
    hits = sum(one["hits"] for one in seen if one["route"] == "chat")
    assert value("legato_semantic_bound_hits") == hits > 0
    assert value("legato_semantic_bound_requests") > hits
    assert value("legato_semantic_bound_wrong") > 0
    assert 0 < value("legato_semantic_bound_spent_share") <= 1
    assert value("legato_semantic_cache_saved_usd_total", '{route="chat"}') > 0
