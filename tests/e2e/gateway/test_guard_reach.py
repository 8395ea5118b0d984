"""A policy attached to a deployment holds whatever it is called by, and copies escape no policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, CHAT, RunningLegato, within
from test_passed_on import Recorder, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
breaker: {failures: 100000, window_calls: 100000}
cache: {enabled: true, semantic: {}}
providers:
  - {name: recorder, kind: openai_compatible, base_url: "RECORDER/v1"}
  - {name: nobody, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}
deployments:
  - {name: small, provider: recorder, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: careful, provider: recorder, model: c}
  - {name: away, provider: nobody, model: n}
routes:
  - {alias: plain, deployments: [small]}
  - {alias: other, deployments: [careful]}
  - {alias: falling, deployments: [away, careful]}
  - {alias: first, deployments: [small, careful]}
  - {alias: lesser, deployments: [away], degrade: [careful]}
  - {alias: live, deployments: [small]}
guardrails:
  policies:
    - name: careful
      attach: {deployments: [careful]}
      rules: [{name: birds, detect: {words: {bird: [Kestrel]}}, action: redact}]
    - name: law
      attach: {routes: [plain]}
      rules:
        - {name: r, detect: {words: {law: [merger]}}, action: route, deployment: careful}
    - name: live
      attach: {routes: [live]}
      rules: [{name: fish, detect: {words: {fish: [Pike]}}, action: redact}]
    - name: told
      rules: [{name: mails, detect: {labels: [EMAIL_ADDRESS]}, action: block}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
V1 = "/api/v1/registry"
SEEN_S = 20.0


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("RECORDER", f"http://127.0.0.1:{recorder.server_port}")
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    yield running
    assert running.stop() == 0


def asked(
    legato: RunningLegato, model: str, text: str, headers: dict[str, str] | None = None
) -> Answer:
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return legato.post(CHAT, body, CALLER, headers or {})


@pytest.mark.parametrize("model", ["careful", "other", "falling", "first", "lesser"])
def test_a_deployment_has_its_policy_by_whatever_name(
    legato: RunningLegato, recorder: Recorder, model: str
) -> None:
    recorder.bodies.clear()
    answer = asked(legato, model, f"Where is Kestrel, {model}?")
    assert answer.status == 200, answer.body
    assert "careful/birds" in answer.headers["x-legato-guardrails"]
    assert len(recorder.bodies) == 1
    assert "Kestrel" not in json.dumps(recorder.bodies)
    assert "CUSTOM_BIRD_" in json.dumps(recorder.bodies)


def test_what_never_gets_there_is_not_under_it(legato: RunningLegato, recorder: Recorder) -> None:
    recorder.bodies.clear()
    assert asked(legato, "live", "Where is Kestrel?").status == 200
    assert "Kestrel" in json.dumps(recorder.bodies)


def test_a_rule_that_sends_there_brings_its_policy(
    legato: RunningLegato, recorder: Recorder
) -> None:
    recorder.bodies.clear()
    answer = asked(legato, "plain", "Is Kestrel part of the merger?")
    assert answer.status == 200, answer.body
    (body,) = recorder.bodies
    assert body["model"] == "c"
    assert "Kestrel" not in json.dumps(body)


def test_a_copy_comes_under_the_policies_of_both_routes(
    legato: RunningLegato, recorder: Recorder
) -> None:
    path = f"{V1}/objects/prompt/copied/versions"
    for text, to, labels in (("old {{q}}", "live", ["production"]), ("new {{q}}", "plain", [])):
        variables = {"q": {"type": "string"}}
        spec = {
            "messages": [{"role": "user", "content": text}],
            "route": to,
            "variables": variables,
        }
        saved = legato.post(path, {"spec": spec, "labels": labels}, ADMIN)
        assert saved.status == 201, saved.body
    body = {
        "model": "prompt:copied",
        "metadata": {"variables": {"q": "the Pike is mine"}},
        "messages": [{"role": "user", "content": "Where is the Pike?"}],
    }
    assert within(SEEN_S, lambda: legato.post(CHAT, body, CALLER).status == 200)
    plan = {
        "mode": "shadow",
        "steps": [{"share_bp": 10_000, "for_s": 3600}],
        "budget_usd_per_day": "9",
    }
    begun = legato.post(f"{V1}/rollouts", {"name": "copied", "candidate": "2", "plan": plan}, ADMIN)
    assert begun.status == 201, begun.body

    def copies() -> list[Any]:
        legato.post(CHAT, body, CALLER)
        return [one for one in recorder.bodies if "new " in json.dumps(one)]

    assert within(SEEN_S, copies)
    assert "Pike" not in json.dumps(copies())
    assert "CUSTOM_FISH_" in json.dumps(copies())


@pytest.mark.parametrize("header", ["x-legato-cache-tags", "x-legato-documents"])
def test_tags_and_documents_are_looked_into(legato: RunningLegato, header: str) -> None:
    """They are stored beside the answer, and shown to whoever looks into the cache."""
    answer = asked(legato, "small", "Who?", {header: "handbook, jo@example.com"})
    assert (answer.status, answer.error["code"]) == (400, "input_blocked"), answer.body
    assert "jo@" not in answer.body.decode()
    for wrong in ("a b c<script>", "Jane Doe", "tab\there"):
        answer = asked(legato, "small", "Who?", {header: wrong})
        assert (answer.status, answer.error["param"]) == (400, header), answer.body
    assert asked(legato, "small", "Who?", {header: "4711@3fa9c1, hand-book.2"}).status == 200
