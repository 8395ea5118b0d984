"""What waited under a budget's step is paid once, also where the step holds no more."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from running import CALLER, RunningLegato, within

from wire_servers.plain_server import Reply, Request, WireServer, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
providers:
  - {name: vendor, kind: openai_compatible, base_url: "VENDOR/v1", api_key: {env: VENDOR_KEY}}
deployments:
  - {name: small, provider: vendor, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small], deferred: {hold_s: 0.5}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
QUESTION = "slow"


class SlowVendor(WireServer):
    """Keeps who asks `slow` waiting until it is let go; answers all others at once."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def answer(self, request: Request) -> Reply:
        if QUESTION.encode() in request.body:
            self.go.wait(60)
        message = {"role": "assistant", "content": "Here."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
        return as_json(200, answer | {"choices": [choice], "usage": usage})

    def asked(self) -> int:
        """How often it was asked for what is slow."""
        return sum(QUESTION.encode() in request.body for request in self.taken)


@pytest.fixture
def vendor() -> Iterator[SlowVendor]:
    with SlowVendor() as server:
        yield server
        server.go.set()


@pytest.fixture
def legato(vendor: SlowVendor, tmp_path: Any) -> Iterator[RunningLegato]:
    config = CONFIG.replace("VENDOR/", f"{vendor.url}/")
    running = RunningLegato(tmp_path, config, workers=2, variables={"VENDOR_KEY": "a-key"})
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def ask(legato: RunningLegato, question: str) -> Answer:
    return legato.chat(question=question, key=CALLER, max_tokens=10)


def waiting(legato: RunningLegato) -> int:
    return len(legato.query("SELECT id FROM batch"))


def put_off(legato: RunningLegato, vendor: SlowVendor) -> None:
    """Have a call wait that a step put off, and then take the step back by a higher limit."""
    legato.command("budgets", "create", "thin", "--requests", "10", "--queue", "10")
    number = iter(range(100))
    assert within(20, lambda: ask(legato, f"quick {next(number)}").status and waiting(legato))
    refused = ask(legato, QUESTION)
    assert refused.error["code"] == "resource_unavailable", refused.body
    assert within(20, lambda: vendor.asked() == 1)
    legato.command("budgets", "change", "thin", "--requests", "1000000")

    def goes_at_once() -> bool:
        before = waiting(legato)
        return ask(legato, f"quick {next(number)}").status == 200 and waiting(legato) == before

    assert within(20, lambda: all(goes_at_once() for _ in range(8)))  # at both workers


def entries(legato: RunningLegato) -> list[dict[str, Any]]:
    return legato.query("SELECT * FROM ledger_entry")


def test_who_asks_again_after_the_reset_gets_what_waited(
    legato: RunningLegato, vendor: SlowVendor
) -> None:
    put_off(legato, vendor)
    on = ask(legato, QUESTION)
    assert (on.status, on.error["code"]) == (429, "resource_unavailable"), on.body
    assert vendor.asked() == 1
    vendor.go.set()
    answer = within(20, lambda: _if_ok(ask(legato, QUESTION)))
    assert answer.json["choices"][0]["message"]["content"] == "Here."
    assert vendor.asked() == 1
    assert ask(legato, QUESTION).status == 200  # has nothing waiting: an answer of its own
    assert vendor.asked() == 2
    assert within(20, lambda: len(entries(legato)) == len(vendor.taken))
    legato.command("ledger", "verify")


def test_what_was_answered_before_a_kill_is_found_after_the_reset(
    legato: RunningLegato, vendor: SlowVendor
) -> None:
    put_off(legato, vendor)
    vendor.go.set()
    assert within(20, lambda: not legato.query("SELECT id FROM batch WHERE status != 'completed'"))
    legato.kill()
    legato.start()
    answer = ask(legato, QUESTION)
    assert answer.status == 200, answer.body
    assert vendor.asked() == 1
    assert within(20, lambda: len(entries(legato)) == len(vendor.taken))
    assert json.loads(legato.command("budgets", "status", "thin", "--json"))
    legato.command("ledger", "verify")


def _if_ok(answer: Answer) -> Answer | None:
    return answer if answer.status == 200 else None
