"""A key that is changed while it is used: every worker is at the new terms within two seconds."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from running import ADMIN

if TYPE_CHECKING:
    from running import RunningLegato

WORKERS = 2
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
EFFECTIVE_S = 2.0
WINDOW_S = 60


def asked(legato: RunningLegato, secret: str) -> list[tuple[int, str]]:
    answers = []
    for index in range(WORKERS):
        with legato.only_worker(index):
            answer = legato.chat(key=secret)
            code = "" if answer.status == 200 else answer.error["code"]
            answers.append((answer.status, code))
    return answers


def change(legato: RunningLegato, key_id: str, **fields: Any) -> None:
    path = f"/api/v1/keys/{key_id}"
    headers = {
        "authorization": f"Bearer {ADMIN}",
        "content-type": "application/json",
        "if-match": legato.get(path, ADMIN).headers["etag"],
    }
    answer = legato.send("PATCH", path, json.dumps(fields).encode(), headers)
    assert answer.status == 200, answer.body
    time.sleep(EFFECTIVE_S)


GOOD = [(200, "")] * WORKERS


def test_a_rate_lowered_and_raised(legato: RunningLegato) -> None:
    left_s = WINDOW_S - time.time() % WINDOW_S
    if left_s < 20:  # a rate starts anew with each minute
        time.sleep(left_s + 0.1)
    key = legato.create_key("--rpm", "1000")
    assert asked(legato, key["secret"]) == GOOD  # each worker holds a slice now
    change(legato, key["id"], requests_per_minute=WORKERS)  # which is how many came
    assert asked(legato, key["secret"]) == [(429, "rate_limit_exceeded")] * WORKERS
    change(legato, key["id"], requests_per_minute=1000)
    assert asked(legato, key["secret"]) == GOOD
    change(legato, key["id"], requests_per_minute=None)
    assert asked(legato, key["secret"]) == GOOD


def test_a_budget_given_changed_and_taken_away(legato: RunningLegato) -> None:
    key = legato.create_key()
    assert asked(legato, key["secret"]) == GOOD
    change(legato, key["id"], budget={"usd": "1", "window": "day"})
    assert asked(legato, key["secret"]) == GOOD
    change(legato, key["id"], budget={"usd": "0.000001", "window": "day"})
    assert asked(legato, key["secret"]) == [(429, "budget_exceeded")] * WORKERS
    change(legato, key["id"], budget={"usd": "1", "window": "month"})
    assert asked(legato, key["secret"]) == GOOD
    change(legato, key["id"], budget=None)
    assert asked(legato, key["secret"]) == GOOD


def test_models_and_an_end(legato: RunningLegato) -> None:
    key = legato.create_key()
    assert asked(legato, key["secret"]) == GOOD
    change(legato, key["id"], models=["small"])
    assert asked(legato, key["secret"]) == [(403, "forbidden")] * WORKERS
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + EFFECTIVE_S))
    change(legato, key["id"], models=["*"], expires_at=soon)
    assert asked(legato, key["secret"]) == [(401, "invalid_api_key")] * WORKERS
    change(legato, key["id"], expires_at=None)
    assert asked(legato, key["secret"]) == GOOD


def test_tags_stand_in_the_entries_from_then_on(legato: RunningLegato) -> None:
    key = legato.create_key("--tag", "a=1")
    change(legato, key["id"], tags={"b": "2"})
    answer = legato.chat(key=key["secret"])
    (entry,) = legato.entries(answer.request_id)
    assert json.loads(entry["tags"]) == {"b": "2"}


def test_a_key_is_held_to_networks_whatever_headers_say(legato: RunningLegato) -> None:
    key = legato.create_key()
    stated = {"x-forwarded-for": "10.0.0.1", "forwarded": "for=10.0.0.1"}
    headers = {"authorization": f"Bearer {key['secret']}", "x-legato-address": "10.0.0.1"} | stated

    def found() -> list[int]:
        pages = ("/v1/models", "/api/v1/me", "/v1/files")
        return [legato.send("GET", page, None, headers).status for page in pages]

    change(legato, key["id"], allow_from=["10.0.0.0/8"])
    assert found() == [403] * 3
    assert asked(legato, key["secret"]) == [(403, "forbidden")] * WORKERS
    change(legato, key["id"], allow_from=["127.0.0.0/8", "10.0.0.0/8"])
    assert found() == [200] * 3
    legato.command("keys", "change", key["id"], "--allow-from", "192.0.2.1")
    time.sleep(EFFECTIVE_S)
    assert asked(legato, key["secret"]) == [(403, "forbidden")] * WORKERS
    legato.command("keys", "change", key["id"], "--without", "allow-from")
    time.sleep(EFFECTIVE_S)
    assert found() == [200] * 3
