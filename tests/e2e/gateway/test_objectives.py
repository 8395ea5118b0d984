"""A running server holds requests to objectives, tells people, and keeps incidents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within
from tests.receivers import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
breaker: {failures: 5, failure_share: 0.9, window_calls: 20, open_s: 1}
objectives: {look_s: 0.3, breaker_open_s: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: big, provider: open, model: m, max_output_tokens: 50, price: {input_per_mtok: "10", output_per_mtok: "20"}}
routes:
  - {alias: chat, deployments: [big]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
notifications:
  look_s: 0.2
  channels:
    - {name: hook, webhook: {url: "http://127.0.0.1:WEB/hook", secret: {env: HOOK_SECRET}}}
  routes:
    - {channels: [hook], events: ["objective.*", "incident.*"]}
"""  # noqa: E501 - lines of a configuration
V1 = "/api/v1"


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def legato(
    upstream_of_module: SimulatedChild,
    web: WebServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("UPSTREAM", upstream_of_module.url).replace("WEB", str(web.port))
    folder = tmp_path_factory.mktemp("legato")
    running = RunningLegato(folder, config, variables={"HOOK_SECRET": "a-secret-of-the-hook"})
    yield running
    assert running.stop() == 0


def asked(legato: RunningLegato, path: str) -> Any:
    answer = legato.get(V1 + path, key=ADMIN)
    assert answer.status == 200, answer.body
    return answer.json


def told(web: WebServer, kind: str) -> list[dict[str, Any]]:
    bodies = [json.loads(body) for _, _, body in web.posts]
    return [body["data"] for body in bodies if body["type"] == kind]


def test_a_burning_budget_is_told_and_becomes_an_incident(
    legato: RunningLegato, upstream_of_module: SimulatedChild, web: WebServer
) -> None:
    wish = {"name": "answers", "measured": "errors", "target": "99.5", "route": "chat",
            "runbook": "https://wiki.example/chat"}  # fmt: skip
    made = legato.post(f"{V1}/objectives", wish, ADMIN)
    assert made.status == 201, made.body
    said = ("add", "fast", "--under-ms", "60000", "--target", "90", "--route", "chat")
    assert "version 1" in legato.command("objectives", *said)
    for _ in range(30):
        assert legato.chat("chat").status == 200
    upstream_of_module.change(error_rate=1.0)
    for _ in range(10):
        assert legato.chat("chat").status == 503

    def standing() -> Any:
        found = asked(legato, "/objectives/answers")
        return found if len(found["alerts"]) == 3 and found["events"] == 40 else None

    found = within(20, standing)
    assert (found["events"], found["bad"]) == (40, 10)
    assert found["budget_left"] == pytest.approx(1 - 0.25 / 0.005)
    assert asked(legato, "/objectives/fast")["bad"] == 0
    burning = within(20, lambda: told(web, "objective.burning"))
    assert burning[0]["facts"]["objective"] == "answers"

    def listed() -> list[Any]:
        rows = asked(legato, "/incidents")["data"]
        return rows if len(rows) == 2 else []

    by_source = {one["source"]: one for one in within(20, listed)}
    assert by_source["burn"]["runbook"] == "https://wiki.example/chat"
    assert by_source["breaker"]["subject"] == "big"
    assert by_source["breaker"]["cause"] == "integration"
    assert within(20, lambda: told(web, "incident.opened"))

    burn = by_source["burn"]["id"]
    taken = legato.post(f"{V1}/incidents/{burn}/acknowledge", {}, ADMIN)
    assert (taken.status, taken.json["state"]) == (200, "acknowledged")
    unsaid = legato.post(f"{V1}/incidents/{burn}/resolve", {}, ADMIN)
    assert (unsaid.status, "cause" in unsaid.error["message"]) == (400, True)
    printed = legato.command("incidents", "resolve", burn, "--cause", "integration")
    assert "is resolved" in printed
    kpi = within(5, lambda: asked(legato, "/insights/time-to-resolution")["rows"][0])
    assert kpi["denominator"] >= 1000


def test_it_is_in_the_metrics_and_a_breaker_that_closes_is_resolved(
    legato: RunningLegato, upstream_of_module: SimulatedChild, web: WebServer
) -> None:
    upstream_of_module.change(error_rate=0.0)
    assert within(20, lambda: legato.chat("chat").status == 200)

    def resolved() -> list[Any]:
        rows = asked(legato, "/incidents?state=resolved")["data"]
        return [one for one in rows if one["source"] == "breaker"]

    assert within(20, resolved)[0]["resolved_by"] == "process:legato"
    assert within(20, lambda: told(web, "incident.resolved"))

    def line() -> str:
        found: str = legato.get("/metrics").body.decode()
        return next((one for one in found.splitlines() if 'objective="answers"' in one), "")

    assert float(within(20, line).split()[-1]) < 0
    removed = legato.post(f"{V1}/objectives/answers/remove", None, ADMIN)
    assert removed.status == 200, removed.body
    assert legato.get(f"{V1}/objectives/answers", key=ADMIN).status == 404
