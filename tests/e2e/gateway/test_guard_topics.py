"""Topics on the request path: what may be asked and answered, whole and streamed, and failing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, Answer, RunningLegato, within

sys.path.append(str(Path(__file__).parent))
from saying import Saying
from test_embedding_deployment import Numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

LAW = """\
            topics:
              law:
                description: Questions about law, contracts and courts
                examples:
                  - Can I sue my landlord for the broken heating?
                  - What does this clause of my contract mean?
                  - Do I need a lawyer for a divorce?
                  - How do I appeal against a court's judgment?
                  - Is it legal to record a phone call?
                  - Can my employer dismiss me without notice?
"""
BREAD = """\
            only_topics:
              baking:
                description: Baking bread, cakes and pastry
                examples:
                  - How long does sourdough have to rise?
                  - Which flour is best for baguettes?
                  - My cake sinks in the middle, why?
                  - How hot must the oven be for rolls?
                  - Can I bake pastry with margarine instead of butter?
                  - How do I knead a wet dough?
"""
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
retry: {{attempts_max: 1}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "SAYING/v1"}}
  - {{name: numbers, kind: openai_compatible, base_url: "NUMBERS/v1"}}
deployments:
  - {{name: small, provider: open, model: m, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
  - {{name: vectors, provider: numbers, model: e, price: {{input_per_mtok: "10"}}}}
routes:
  - {{alias: no-law, deployments: [small]}}
  - {{alias: bakery, deployments: [small]}}
  - {{alias: tried, deployments: [small]}}
  - {{alias: answers, deployments: [small]}}
guardrails:
  topics: {{TOPICS}}
  policies:
    - name: no-law
      attach: {{routes: [no-law]}}
      rules:
        - {{name: mails, detect: {{labels: [EMAIL_ADDRESS]}}, action: redact}}
        - name: law
          action: block
          detect:
{LAW}\
    - name: bakery
      attach: {{routes: [bakery]}}
      rules:
        - name: baking
          action: block
          detect:
{BREAD}\
    - name: tried
      mode: shadow
      attach: {{routes: [tried]}}
      rules:
        - name: law
          action: block
          detect:
{LAW}\
    - name: answers
      attach: {{routes: [answers]}}
      rules:
        - name: law
          action: block
          on: [output]
          detect:
{LAW}\
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
"""
ASKS_LAW = "Can I take my landlord to court over the heating in my flat?"
ASKS_BREAD = "How long should the dough for rolls rise before I bake it?"
ASKS_FOOTBALL = "Who won the football championship in Spain last year?"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Saying]:
    saying = Saying()
    yield saying
    saying.stop()


@pytest.fixture(scope="module")
def legato(upstream: Saying, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("SAYING", upstream.url).replace("NUMBERS", upstream.url)
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"), config.replace("{TOPICS}", "{embedder: wordllama}")
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def ask(legato: RunningLegato, route: str, text: str, **more: Any) -> Answer:
    turns = [{"role": "user", "content": text}]
    return legato.post("/v1/chat/completions", {"model": route, "messages": turns, **more})


def test_a_topic_is_refused_before_any_model_is_asked(
    legato: RunningLegato, upstream: Saying
) -> None:
    upstream.heard.clear()
    upstream.answers = ["Well."]
    refused = ask(legato, "no-law", ASKS_LAW)
    assert refused.status == 400
    assert refused.error["code"] == "input_blocked"
    assert "TOPIC:law" in refused.error["message"]
    assert upstream.heard == []
    assert ask(legato, "no-law", ASKS_BREAD).status == 200
    assert len(upstream.heard) == 1


def test_what_is_off_the_topics_is_refused(legato: RunningLegato, upstream: Saying) -> None:
    upstream.answers = ["Two hours."]
    assert ask(legato, "bakery", ASKS_BREAD).status == 200
    refused = ask(legato, "bakery", ASKS_FOOTBALL)
    assert refused.status == 400
    assert "OFF_TOPIC" in refused.error["message"]
    assert ask(legato, "bakery", "Thank you!").status == 200


def test_a_shadow_tells_the_topic_and_its_score_and_never_the_text(
    legato: RunningLegato, upstream: Saying
) -> None:
    upstream.answers = ["Perhaps."]
    answer = ask(legato, "tried", ASKS_LAW)
    assert answer.status == 200
    assert answer.headers["x-legato-guardrails"] == "tried/law TOPIC:law block:shadow 1"
    path = f"/api/v1/guardrails/requests/{answer.request_id}"
    told = within(20, lambda: (got := legato.get(path, key=ADMIN)).status == 200 and got.json)
    (fired,) = told["guarded"]["fired"]
    assert (fired["label"], fired["mode"], fired["spans"][0]["where"]) == (
        "TOPIC:law",
        "shadow",
        "/messages/0/content",
    )
    assert 0.5 <= fired["score"] <= 1
    assert "landlord" not in json.dumps(told)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_about_a_topic_is_withheld(
    legato: RunningLegato, upstream: Saying, *, stream: bool
) -> None:
    upstream.answers = ["You can sue your landlord in court; a lawyer will read your contract."]
    answer = ask(legato, "answers", "What should I do about the heating?", stream=stream)
    assert b"landlord" not in answer.body
    assert b"output_blocked" in answer.body
    upstream.answers = ["Let the dough rest for two hours, then bake the rolls until golden."]
    answer = ask(legato, "answers", "What should I do about the bread?", stream=stream)
    assert answer.status == 200
    assert b"output_blocked" not in answer.body
    if not stream:
        assert answer.headers["x-legato-output"] == "checked"


def test_an_embedding_deployment_reads_redacted_texts_and_its_failure_closes(
    upstream: Saying, tmp_path: Path
) -> None:
    numbers = Numbers()
    config = CONFIG.replace("SAYING", upstream.url).replace("NUMBERS", numbers.url)
    legato = RunningLegato(
        tmp_path, config.replace("{TOPICS}", "{embedder: vectors, dimensions: 256}")
    )
    try:
        upstream.answers = ["Well."]
        assert ask(legato, "no-law", ASKS_LAW).status == 400
        assert ask(legato, "no-law", f"{ASKS_BREAD} Tell jo.smith@example.org").status == 200
        assert numbers.heard
        assert not any("jo.smith" in text for text in numbers.heard)
        assert any(ASKS_BREAD in text for text in numbers.heard)
        overhead = "SELECT deployment FROM ledger_entry WHERE kind = 'overhead'"
        entries = within(20, lambda: legato.query(overhead))
        assert {one["deployment"] for one in entries} == {"vectors"}
        numbers.works = False
        refused = ask(legato, "no-law", ASKS_BREAD)
        assert (refused.status, refused.error["code"]) == (503, "detector_failed")
        assert ask(legato, "tried", ASKS_BREAD).status == 200
    finally:
        assert legato.stop() == 0
        numbers.stop()
