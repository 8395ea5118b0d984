"""Samples of what rules find in answers: where text may be kept, and where it may not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.append(str(Path(__file__).parent))
from belongings import V1
from running import ADMIN, LEDGER_S, RunningLegato, within
from saying import Saying

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "SAYING/v1"}
deployments:
  - {name: small, provider: open, model: m}
routes:
  - {alias: kept, deployments: [small], cache: {enabled: false}}
  - {alias: labelled, deployments: [small], cache: {enabled: false}}
  - {alias: bare, deployments: [small], cache: {enabled: false}}
  - {alias: mixed, deployments: [small], cache: {enabled: false}}
  - {alias: people, deployments: [small], cache: {enabled: false}}
capture:
  rules:
    - {routes: [kept, mixed, people]}
    - {routes: [labelled], redact: true}
guardrails:
  samples: {per_rule: 400}
  policies:
    - name: watched
      mode: shadow
      rules: [{name: mail, on: [output], detect: {labels: [EMAIL_ADDRESS]}, action: block}]
    - name: mixed
      attach: {routes: [mixed]}
      rules:
        - name: projects
          on: [output]
          detect: {patterns: {project: "Kestrel-[0-9]+"}}
          action: redact
      output: {leaks: {canaries: [quokka-7741-zebra]}}
    - name: people
      attach: {routes: [people]}
      time_ms: 60000
      rules: [{name: people, on: [output], detect: {labels: [PERSON]}, action: flag}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
MAIL = "quaint.canary@mail.test"
SAYS = f"Write to {MAIL} today"


@pytest.fixture(scope="module")
def saying() -> Iterator[Saying]:
    provider = Saying()
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def legato(saying: Saying, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("legato"), CONFIG.replace("SAYING", saying.url))
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def sample(legato: RunningLegato, route: str, rule: str = "mail", **fields: Any) -> dict[str, Any]:
    answer = legato.chat(route, "Whom do I write to?", **fields)
    statement = "SELECT count(*) AS n FROM guard_sample WHERE request_id = ? AND rule = ?"
    assert within(LEDGER_S, lambda: legato.query(statement, answer.request_id, rule)[0]["n"] == 1)
    rows = legato.get(f"{V1}/guardrails/samples?limit=500", ADMIN).json["data"]
    (found,) = [
        one for one in rows if (one["request_id"], one["rule"]) == (answer.request_id, rule)
    ]
    assert (found["place"], found["where"]) == ("output", "text/0/0")
    return dict(found)


@pytest.mark.parametrize("stream", [False, True])
def test_text_is_kept_where_capture_keeps_it(
    legato: RunningLegato, saying: Saying, *, stream: bool
) -> None:
    saying.answers = [SAYS]
    kept = sample(legato, "kept", stream=stream)
    assert kept["excerpt"] == ["Write to ", MAIL, " today"]
    assert (kept["start"], kept["end"]) == (9, 9 + len(MAIL))
    assert (kept["label"], kept["mode"], kept["action"]) == ("EMAIL_ADDRESS", "shadow", "block")
    labelled = sample(legato, "labelled", stream=stream)
    assert labelled["excerpt"] == ["Write to ", "[EMAIL_ADDRESS]", " today"]
    bare = sample(legato, "bare", stream=stream)
    assert bare["excerpt"] is None
    assert bare["start"] == 9


def test_what_a_slow_detector_finds_is_sampled_too(legato: RunningLegato, saying: Saying) -> None:
    saying.answers = ["Please call John Smith in the morning."]
    found = sample(legato, "people", "people")
    assert found["excerpt"][1] == "John Smith"
    assert 0 < found["score"] <= 1
    assert found["detector"] == "names"


def test_nothing_of_a_text_is_kept_where_a_rule_withheld_some_of_it(
    legato: RunningLegato, saying: Saying
) -> None:
    saying.answers = [f"Of Kestrel-77 write to {MAIL} today"]
    assert sample(legato, "mixed")["excerpt"] is None


def test_nothing_of_a_refused_answer_is_kept(legato: RunningLegato, saying: Saying) -> None:
    saying.answers = [f"Write to {MAIL}, quokka-7741-zebra"]
    assert sample(legato, "mixed")["excerpt"] is None
    assert not [file for file, kept in legato.stored() if MAIL.encode() in kept]
