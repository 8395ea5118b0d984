"""What people say of incidents: sealed wherever it is kept, and gone with who said it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from browsers import GOOD, V1, Browser, post
from running import ADMIN, RunningLegato, within
from tests.receivers import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
keys:
  - {name: admin, team: ops, feature: admin, admin: true, secret: {env: ADMIN_KEY}}
notifications:
  look_s: 0.2
  channels:
    - {name: hook, webhook: {url: "http://127.0.0.1:WEB/hook", secret: {env: HOOK_SECRET}}}
  routes:
    - {channels: [hook], events: ["incident.*"]}
"""
TITLE, NOTE = "canary-title of Bob Brown", "canary-note: told Bob at 555-0100"
EMAIL = "ann@example.com"


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def legato(web: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    variables = {"ADMIN_KEY": ADMIN, "HOOK_SECRET": "a-secret-of-the-hook"}
    config = CONFIG.replace("WEB", str(web.port))
    running = RunningLegato(tmp_path_factory.mktemp("words"), config, variables=variables)
    yield running
    assert running.stop() == 0


def test_words_on_an_incident_are_nowhere_in_plain_and_go_with_their_author(
    legato: RunningLegato, web: WebServer
) -> None:
    told = legato.command("accounts", "create", EMAIL, "--role", "developer", "--json")
    body = {"token": json.loads(told)["invitation"], "password": GOOD}
    assert post(legato, "/login/invitation", body).status == 200
    ann = Browser(legato)
    assert ann.sign_in(EMAIL).status == 200
    opened = ann.post("/incidents", {"title": TITLE, "note": "canary-first"})
    assert opened.status == 201, opened.body
    by_ann = opened.json
    by_other = legato.post(f"{V1}/incidents", {"title": "canary-other"}, ADMIN).json
    over = {"cause": "data", "note": NOTE}
    assert ann.post(f"/incidents/{by_ann['id']}/acknowledge", {}).json["title"] == TITLE
    assert ann.post(f"/incidents/{by_ann['id']}/resolve", over).json["note"] == NOTE
    assert ann.get(f"/incidents/{by_ann['id']}").json["title"] == TITLE
    assert TITLE in legato.command("incidents", "show", by_ann["id"])

    def sent() -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in web.posts]

    assert within(10, lambda: len(sent()) == 3), sent()
    assert NOTE in json.dumps(sent()), "the channel is told in words"
    page = legato.get(f"{V1}/notifications", ADMIN).json["data"]
    assert NOTE in json.dumps(page)
    assert [path for path, content in legato.stored() if b"canary-" in content] == []

    erase = ("privacy", "erase", "--subject", EMAIL, "--json")
    assert json.loads(legato.command(*erase, "--dry-run"))["erased"]["words on incidents"] == 1
    assert json.loads(legato.command(*erase))["erased"]["words on incidents"] == 1
    left = legato.get(f"{V1}/incidents/{by_ann['id']}", ADMIN).json
    assert (left["state"], left["cause"], left["note"]) == ("resolved", "data", "")
    assert "erased" in left["title"]
    other = legato.get(f"{V1}/incidents/{by_other['id']}", ADMIN).json
    assert other["title"] == "canary-other", "others' words stay"
    kept = json.dumps(legato.get(f"{V1}/notifications", ADMIN).json["data"])
    assert "canary-other" in kept
    assert "Bob" not in kept
    assert json.loads(legato.command(*erase))["erased"]["words on incidents"] == 0
