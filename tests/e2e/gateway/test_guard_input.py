"""Policies of the file and of the registry act on what is sent, whatever surface it comes by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, CHAT, RunningLegato, within
from test_passed_on import Recorder, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

OTHER = "lg-the-key-of-another-team-here"
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: true}
providers:
  - {name: recorder, kind: openai_compatible, base_url: "RECORDER/v1"}
deployments:
  - {name: small, provider: recorder, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: inside, provider: recorder, model: in-house}
routes:
  - {alias: chat, deployments: [small]}
guardrails:
  policies:
    - name: company
      attach: {teams: [platform]}
      rules:
        - name: known
          detect: {words: {known: [Heron Cafe]}}
          action: allow
        - name: projects
          detect: {words: {project: [Heron, Kestrel]}}
          action: redact
        - name: keys
          detect: {patterns: {key: "corp-[a-z0-9]{8}"}}
          action: block
        - name: law
          detect: {words: {law: [merger]}}
          action: route
          deployment: inside
        - name: mood
          detect: {words: {mood: [angry]}}
          action: flag
          on: [input]
    - name: watched
      mode: shadow
      attach: {teams: [platform]}
      rules:
        - {name: all, detect: {patterns: {digits: "[0-9]{6}"}}, action: block}
    - name: terms
      attach: {keys: [strict]}
      input:
        json_schema: {type: object, properties: {max_tokens: {maximum: 50}}, required: [max_tokens]}
        conditions:
          - {name: short, when: "characters < 200", message: "Ask in fewer than 200 characters."}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: strict, team: other, feature: tests, secret: {env: OTHER_KEY}}
"""


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("RECORDER", f"http://127.0.0.1:{recorder.server_port}")
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"), config, variables={"OTHER_KEY": OTHER}
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def told(answer: Answer) -> str:
    return answer.headers.get("x-legato-guardrails", "")


def test_what_is_redacted_is_not_sent(legato: RunningLegato, recorder: Recorder) -> None:
    before = len(recorder.bodies)
    answer = legato.chat("chat", "Is Kestrel late? We met at the Heron Cafe.", user="kestrel")
    assert answer.status == 200, answer.body
    (sent,) = recorder.bodies[before:]
    assert "estrel" not in json.dumps(sent)
    assert "We met at the Heron Cafe." in sent["messages"][0]["content"]
    assert "company/projects CUSTOM:project redact 2" in told(answer)
    assert "company/known CUSTOM:known allow 1" in told(answer)


def test_what_is_blocked_reaches_nobody(legato: RunningLegato, recorder: Recorder) -> None:
    before = len(recorder.bodies)
    answer = legato.chat("chat", "my key is corp-abcdefgh, Kestrel")
    assert (answer.status, answer.error["code"]) == (400, "input_blocked")
    assert "abcdefgh" not in answer.body.decode()
    assert "CUSTOM:key at /messages/0/content" in answer.error["message"]
    assert "company/keys CUSTOM:key block 1" in told(answer)
    assert len(recorder.bodies) == before


def test_a_rule_sends_a_request_to_one_deployment(
    legato: RunningLegato, recorder: Recorder
) -> None:
    answer = legato.chat("chat", "What of the merger?")
    assert answer.status == 200
    assert recorder.bodies[-1]["model"] == "in-house"


def test_flags_and_shadows_only_tell(legato: RunningLegato, recorder: Recorder) -> None:
    answer = legato.chat("chat", "I am angry about 123456")
    assert answer.status == 200
    assert recorder.bodies[-1]["messages"][0]["content"] == "I am angry about 123456"
    assert "company/mood CUSTOM:mood flag 1" in told(answer)
    assert "watched/all CUSTOM:digits block:shadow 1" in told(answer)


def test_what_fired_is_kept_without_the_text(legato: RunningLegato) -> None:
    answer = legato.chat("chat", "Kestrel 123456", metadata={"kestrel": "x"})
    guarded = legato.trace(answer.request_id)["guarded"]
    assert [one.partition("@")[0] for one in guarded.policies] == [
        "guardrail/company",
        "guardrail/watched",
    ]
    redacted = guarded.fired[0]
    assert (redacted.rule, redacted.action, redacted.mode) == ("projects", "redact", "enforce")
    assert (redacted.spans[0].where, redacted.spans[0].start) == ("/messages/0/content", 0)
    assert redacted.spans[1].where == "/metadata/*#"
    assert guarded.done == "redact"
    assert dict(guarded.took_us)["policies"] > 0
    assert "estrel" not in repr(guarded)
    printed = json.loads(legato.command("ledger", "trace", answer.request_id, "--json"))
    assert printed["guarded"]["fired"][0]["label"] == "CUSTOM:project"


def test_redacted_requests_are_not_cached(legato: RunningLegato, recorder: Recorder) -> None:
    before = len(recorder.bodies)
    answers = [legato.chat("chat", "Kestrel again") for _ in range(2)]
    assert [one.headers["x-legato-cache"] for one in answers] == ["bypass", "bypass"]
    assert len(recorder.bodies) == before + 2
    legato.chat("chat", "nothing found here")
    assert legato.chat("chat", "nothing found here").headers["x-legato-cache"] == "hit"


def test_terms_refuse_before_anything_is_asked(legato: RunningLegato, recorder: Recorder) -> None:
    before = len(recorder.bodies)
    missing = legato.chat("chat", "hi", key=OTHER)
    assert (missing.status, missing.error["code"]) == (400, "input_blocked")
    assert '"max_tokens" is a required property' in missing.error["message"]
    large = legato.chat("chat", "hi", key=OTHER, max_tokens=99)
    assert large.status == 400
    assert "99" not in large.error["message"]
    long = legato.chat("chat", "hi" * 200, key=OTHER, max_tokens=9)
    assert "Ask in fewer than 200 characters." in long.error["message"]
    assert len(recorder.bodies) == before
    assert legato.chat("chat", "hi", key=OTHER, max_tokens=9).status == 200


def test_metrics_count_what_fired(legato: RunningLegato) -> None:
    legato.chat("chat", "Kestrel")
    line = (
        'legato_guardrails_total{action="redact",mode="enforce",policy="guardrail/company",'
        'rule="projects"}'
    )
    page = legato.get("/metrics", ADMIN).body.decode()
    assert line in page


def test_a_policy_of_the_registry_is_in_force_soon(
    legato: RunningLegato, recorder: Recorder
) -> None:
    spec: dict[str, Any] = {
        "rules": [{"name": "r", "detect": {"words": {"w": ["zebra"]}}, "action": "block"}]
    }
    assert legato.chat("chat", "a zebra", key=CALLER).status == 200
    made = legato.post(
        "/api/v1/registry/objects/guardrail/animals/versions",
        {"spec": spec, "labels": ["production"]},
        ADMIN,
    )
    assert made.status == 201, made.body
    assert within(2, lambda: legato.chat("chat", "a zebra").status == 400)
    refused = legato.chat("chat", "a zebra")
    assert "guardrail/animals@" in refused.error["message"]


def test_every_surface_passes_the_stage(legato: RunningLegato) -> None:
    listed = json.loads(legato.command("endpoints", "--json"))
    surfaces = [one for one in listed if one["surface"]]
    assert len(surfaces) > 10
    assert [one["path"] for one in surfaces if "guard_input" not in one["stages"]] == []
    answer = legato.post(CHAT, {"model": "chat", "messages": []}, CALLER)
    assert answer.status in {200, 400}


def test_what_fired_is_explained_and_reported(legato: RunningLegato) -> None:
    answer = legato.chat("chat", "Kestrel 123456")
    legato.trace(answer.request_id)
    told = legato.command("guard", "explain", answer.request_id)
    assert "rule projects: 1 CUSTOM:project in input, score 1 -> redact" in told
    assert "/messages/0/content characters 0 to 7" in told
    shown = legato.get(f"/api/v1/guardrails/requests/{answer.request_id}", ADMIN)
    assert shown.json["guarded"]["done"] == "redact"
    assert "estrel" not in told + shown.body.decode()
    rules = legato.get("/api/v1/guardrails/report", ADMIN).json["rules"]
    shadow = next(one for one in rules if one["mode"] == "shadow")
    assert (shadow["rule"], shadow["label"]) == ("all", "CUSTOM:digits")
    assert answer.request_id in shadow["examples"]
    printed = json.loads(legato.command("guard", "report", "--json", "--policy", "watched"))
    assert {one["rule"] for one in printed["rules"]} == {"all"}
    assert legato.get("/api/v1/guardrails/requests/absent", ADMIN).status == 404
