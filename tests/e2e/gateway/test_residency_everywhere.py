"""What sends a call's data somewhere keeps to the regions of its tenant: a witness abroad tells.

Each way is gone twice: first without regions, when the witness must hear of it, so that silence
means something; then with them, when it must hear nothing.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from native_batches import begin, chats, ended
from openai import OpenAI
from running import ADMIN, CALLER, RunningLegato, within

from wire_servers.openai_batches import KEY, OpenAIBatchServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
cache: {semantic: {embedder: vectors, dimensions: 8, embed_s: 5}}
capture: {rules: [{}]}
providers:
  - {name: here, kind: openai_compatible, base_url: "HERE/v1"}
  - {name: abroad, kind: openai_compatible, base_url: "ABROAD/v1"}
deployments:
  - {name: near, provider: here, model: near, region: eu, PRICE}
  - {name: far, provider: abroad, model: far, region: us, PRICE}
  - {name: better, provider: abroad, model: better, region: us, PRICE}
  - {name: critic, provider: abroad, model: critic, region: us, PRICE}
  - {name: vectors, provider: abroad, model: vectors, region: us, PRICE}
  - {name: cheap, provider: abroad, model: cheap, region: us, PRICE}
  - name: bulk
    provider: abroad
    model: bulk
    region: us
    PRICE
    batch: {lane: native, price_factor: "0.5"}
routes:
  - {alias: chat, deployments: [near], cache: {enabled: false}}
  - {alias: abroad, deployments: [far], cache: {enabled: false}}
  - {alias: fallen, deployments: [near, far], cache: {enabled: false}}
  - {alias: alike, deployments: [near], cache: {semantic: {bound: 0.2}}}
  - {alias: watched, deployments: [near], cache: {enabled: false}}
  - {alias: grounded, deployments: [near], cache: {enabled: false}}
  - alias: stepped
    deployments: [near, better]
    strategy: cascade
    cache: {enabled: false}
    cascade: {steps: [near, better], check: {when: "characters > 10000"}}
  - alias: judged
    deployments: [near, better]
    cache: {enabled: false}
    strategy: cascade
    cascade: {steps: [near, better], check: {judge: critic}}
  - alias: long
    deployments: [near]
    cache: {enabled: false}
    context: {max_tokens: 500, summarise: {deployment: cheap, max_tokens: 100}}
  - {alias: bulky, deployments: [bulk, near], cache: {enabled: false}}
guardrails:
  policies:
    - name: watched
      attach: {routes: [watched]}
      rules:
        - name: insults
          detect: {labels: [TOXICITY]}
          action: flag
          judge: {deployment: critic, asks: toxicity, always: true}
live_scoring:
  - name: answers
    key: ci
    route: chat
    share: 1
    scorers: [{use: judge, judge: watcher}]
    usd_per_day: "9"
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
PRICE = 'price: {input_per_mtok: "1", output_per_mtok: "2"}'
LEVELS = [{"value": level, "meaning": f"is a {level}"} for level in (1, 2, 3, 4, 5)]
RUBRIC = {"criteria": [{"name": "right", "question": "Is it right?", "levels": LEVELS}]}
V1 = "/api/v1"
TOLD = {"role": "assistant", "content": '{"score": 0.9, "reason": "fine"}'}


class Witness(ThreadingHTTPServer):
    """A provider that answers anything, and remembers for which models it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Witness
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        if self.path.endswith(("/chat/completions", "/embeddings")):
            body = json.loads(raw)
            self.server.heard.append(body["model"])
            answer, status = self._answer(body), 200
        else:
            self.server.heard.append(self.path)
            answer, status = {"error": {"message": "no batches here"}}, 400
        sent = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        if "input" in body:
            vector = [{"object": "embedding", "index": 0, "embedding": [1.0] + [0.0] * 7}]
            return {"object": "list", "model": "v", "data": vector, "usage": usage}
        choice = {"index": 0, "message": TOLD, "finish_reason": "stop"}
        told = {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"]}
        return {**told, "choices": [choice], "usage": usage}

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def witness() -> Iterator[Witness]:
    with Witness() as server:
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def legato(witness: Witness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    with Witness() as here:
        config = CONFIG.replace("HERE", here.url).replace("ABROAD", witness.url)
        config = config.replace("PRICE", PRICE)
        running = RunningLegato(tmp_path_factory.mktemp("regions"), config)
        begin_shadow(running)
        spec = {"model": "critic", "rubric": RUBRIC}
        path = "/registry/objects/judge/watcher/versions"
        posted(running, path, {"spec": spec, "labels": ["production"]})
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.log.read_text()
        here.shutdown()


def posted(legato: RunningLegato, path: str, body: dict[str, Any], status: int = 201) -> Any:
    answer = legato.post(f"{V1}{path}", body, ADMIN)
    assert answer.status == status, answer.body
    return answer.json


def begin_shadow(legato: RunningLegato) -> None:
    """Copy all calls of a prompt to a version of it that goes abroad."""
    for route, labels in (("chat", ["production"]), ("abroad", [])):
        spec = {"messages": [{"role": "user", "content": "hello"}], "route": route}
        path = "/registry/objects/prompt/copied/versions"
        posted(legato, path, {"spec": spec, "labels": labels})
    plan = {"mode": "shadow", "steps": [{"share_bp": 10_000, "for_s": 3600}],
            "budget_usd_per_day": "5"}  # fmt: skip
    posted(legato, "/registry/rollouts", {"name": "copied", "candidate": "2", "plan": plan})


def batch(legato: RunningLegato) -> None:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        ended(client, begin(client, chats(["one"], "bulky")).id)


def evaluation(legato: RunningLegato) -> None:
    cases = legato.data.parent / "cases.jsonl"
    case = {"input": {"messages": [{"role": "user", "content": "hi"}]}, "expected": "yes"}
    cases.write_text(json.dumps(case) + "\n")
    legato.command("datasets", "import", "cases", str(cases))
    suite = {"dataset": "cases", "models": ["abroad", "chat"],
             "scorers": [{"use": "semantic", "model": "vectors"}]}  # fmt: skip
    run = posted(legato, "/evaluations", {"suite": suite})
    path = f"{V1}/evaluations/{run['id']}"
    over = {"waiting", "running"}
    assert within(60, lambda: legato.get(path, ADMIN).json["status"] not in over)


def conversation(legato: RunningLegato) -> None:
    turns = [
        {"role": "user" if number % 2 == 0 else "assistant", "content": "x" * 300}
        for number in range(21)
    ]
    legato.post("/v1/chat/completions", {"model": "long", "messages": turns})


WAYS: dict[str, tuple[Callable[[RunningLegato], Any], str]] = {
    "fallback": (lambda one: [one.chat(model) for model in ("abroad", "far")], "far"),
    "shadow": (lambda one: one.chat("prompt:copied"), "far"),
    "embedding": (lambda one: one.chat("alike", "what is this?"), "vectors"),
    "guardrail judge": (lambda one: one.chat("watched", "you fool"), "critic"),
    "cascade": (lambda one: one.chat("stepped"), "better"),
    "judge of a cascade": (lambda one: one.chat("judged"), "critic"),
    "summary": (conversation, "cheap"),
    "live scoring": (lambda one: one.chat("chat"), "critic"),
    "batch": (batch, "bulk"),
    "evaluation": (evaluation, "far"),
    "scorer of an evaluation": (evaluation, "vectors"),
}


def test_nothing_leaves_the_regions_of_a_tenant(legato: RunningLegato, witness: Witness) -> None:
    unheard = [way for way, (go, model) in WAYS.items() if not leads(legato, witness, go, model)]
    assert unheard == [], "without regions each way leads abroad, or the test says nothing"
    shut_out = hold(legato)
    assert {"abroad", "far", "critic", "vectors"} <= shut_out
    assert within(5, lambda: legato.chat("abroad").status == 403)
    assert within(20, lambda: quiet(witness)), "what was under way has ended"
    for way, (go, _) in WAYS.items():
        go(legato)
        assert not within(1.5, lambda: witness.heard), (way, Counter(witness.heard))
    assert legato.chat("chat").status == 200


def test_a_native_batch_is_not_handed_over_abroad(tmp_path: Path) -> None:
    with Witness() as here, OpenAIBatchServer() as vendor:
        config = CONFIG.replace("HERE", here.url).replace("PRICE", PRICE)
        config = config.replace('ABROAD/v1"', f'{vendor.url}/v1", api_key: {{env: VENDOR_KEY}}')
        begins, ends = config.index("guardrails:"), config.index("keys:")  # else lines are calls
        config = config[:begins] + config[ends:]
        legato = RunningLegato(tmp_path, config, variables={"VENDOR_KEY": KEY})
        try:
            batch(legato)
            assert len(vendor.uploaded) == 1
            assert here.heard == []
            hold(legato)
            assert within(5, lambda: legato.chat("bulk").status == 403)
            batch(legato)
            assert len(vendor.uploaded) == 1
            assert here.heard == ["near"], "its line went where it may"
        finally:
            assert legato.stop() == 0
        here.shutdown()


def leads(
    legato: RunningLegato, witness: Witness, go: Callable[[RunningLegato], Any], model: str
) -> bool:
    """Whether a way leads to a model abroad."""
    witness.heard.clear()

    def heard() -> bool:
        go(legato)
        return bool(within(2, lambda: model in witness.heard))

    return bool(within(20, heard))


def hold(legato: RunningLegato) -> set[str]:
    """Hold the organisation to its region; return what is shut out."""
    return set(posted(legato, "/residency", {"regions": ["eu"]}, 200)["shut_out"])


def quiet(witness: Witness) -> bool:
    """Whether nothing comes for two seconds."""
    witness.heard.clear()
    return not within(2, lambda: witness.heard)
