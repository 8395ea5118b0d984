"""People are told by a running server, whatever happens to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within
from tests.receivers import MailServer, WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: big, provider: open, model: m, max_output_tokens: 50, price: {input_per_mtok: "10", output_per_mtok: "20"}}
routes:
  - {alias: chat, deployments: [big]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
budgets:
  - {name: day, where: {team: platform}, usd: "1", window: day, steps: [{at_percent: 1, do: warn}]}
  - {name: few, where: {feature: few}, requests: 1, window: day}
notifications:
  look_s: 0.2
  retry_s: 0.2
  attempts_max: 4
  channels:
    - {name: hook, webhook: {url: "http://127.0.0.1:WEB/hook", secret: {env: HOOK_SECRET}}}
    - {name: mail, email: {host: 127.0.0.1, port: MAIL, tls: none, sender: l@example.org, to: [t@example.org]}}
  routes:
    - {channels: [hook], events: ["budget.*"]}
    - {channels: [mail], events: [budget.blocked]}
"""  # noqa: E501 - lines of a configuration


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def legato(
    upstream_of_module: SimulatedChild,
    web: WebServer,
    mail: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("UPSTREAM", upstream_of_module.url)
    config = config.replace("WEB", str(web.port)).replace("MAIL", str(mail.port))
    folder = tmp_path_factory.mktemp("legato")
    running = RunningLegato(folder, config, variables={"HOOK_SECRET": "a-secret-of-the-hook"})
    yield running
    assert running.stop() == 0


def told(web: WebServer, kind: str) -> list[dict[str, Any]]:
    bodies = [json.loads(body) for _, _, body in web.posts]
    return [body["data"] for body in bodies if body["type"] == kind]


def listed(legato: RunningLegato, **query: str) -> list[dict[str, Any]]:
    path = "&".join(f"{name}={value}" for name, value in query.items())
    answer = legato.get(f"/api/v1/notifications?{path}", key=ADMIN)
    assert answer.status == 200, answer.body
    rows: list[dict[str, Any]] = answer.json["data"]
    return rows


def test_a_step_and_a_refusal_reach_who_is_named(
    legato: RunningLegato, web: WebServer, mail: MailServer
) -> None:
    few = legato.create_key("--feature", "few")["secret"]
    for _ in range(15):
        legato.chat()
    assert [legato.chat(key=few).status for _ in range(3)] == [200, 429, 429]
    assert within(20, lambda: told(web, "budget.warn") and mail.messages)
    (warned,) = told(web, "budget.warn")
    assert warned["team"] == "platform"
    assert warned["facts"]["limit"] == 1_000_000_000
    assert [message["subject"] for message in mail.messages] == [
        "The budget few (feature few) is used up: a call was refused"
    ]
    counted = b'legato_notifications_total{channel="mail",result="sent"}'
    assert within(10, lambda: counted in legato.get("/metrics").body)


def test_a_kill_loses_none_and_what_is_dead_is_sent_again_on_demand(
    legato: RunningLegato, web: WebServer
) -> None:
    web.status = 503
    web.posts.clear()
    answer = legato.post("/api/v1/notification-tests", {"channel": "hook"}, key=ADMIN)
    assert answer.status == 201, answer.body
    wanted = answer.json["id"]
    assert within(10, lambda: told(web, "test"))
    legato.kill()
    legato.start()

    def dead() -> list[dict[str, Any]]:
        return [one for one in listed(legato, delivery="dead") if one["id"] == wanted]

    (given_up,) = within(30, dead)
    (delivery,) = given_up["deliveries"]
    assert (delivery["attempts"], delivery["told"]) == (4, "the webhook answered 503")
    web.status = 204
    web.posts.clear()
    again = legato.post(f"/api/v1/notifications/{wanted}/retry", {}, key=ADMIN)
    assert again.status == 200, again.body
    (arrived,) = within(10, lambda: told(web, "test"))
    assert arrived["id"] == wanted
    shown = json.loads(legato.command("notifications", "show", wanted, "--json"))
    assert within(5, lambda: listed(legato, kind="test")[0]["deliveries"][0]["state"] == "sent"), (
        shown
    )
    assert "a-secret-of-the-hook" not in legato.log.read_text()


def test_a_channel_is_tried_from_the_terminal(legato: RunningLegato, mail: MailServer) -> None:
    mail.messages.clear()
    assert "mail took the test" in legato.command("notifications", "test", "mail")
    assert [message["subject"] for message in mail.messages] == ["Legato tries the channel mail"]


def test_a_teams_week_is_shown_to_who_may_see_it(legato: RunningLegato) -> None:
    assert legato.chat("chat").status == 200
    entries = "SELECT count(*) AS n FROM ledger_entry"
    assert within(10, lambda: legato.query(entries)[0]["n"] > 0)
    path = "/api/v1/digests?team=platform"
    shown = legato.get(path, ADMIN)
    assert shown.status == 200, shown.body
    assert (shown.json["org"], shown.json["team"], shown.json["channels"]) == (
        "default", "platform", [],
    )  # fmt: skip
    first = shown.json["report"]["week"]["first"]
    earlier = legato.get(f"{path}&day=2026-01-07", ADMIN).json
    assert earlier["report"]["week"]["first"] == "2026-01-05"
    assert earlier["report"]["attempts"] == 0
    assert first > "2026-01-05"
    told = json.loads(legato.command("digest", "show", "--team", "platform", "--json"))
    assert told["title"] == shown.json["title"]
    assert told["report"]["total"] == shown.json["report"]["total"]
    assert legato.get("/api/v1/digests?team=nobodys", ADMIN).status == 404
    assert legato.get(f"{path}&day=tomorrow", ADMIN).status == 400
    assert legato.get(path).status == 403
