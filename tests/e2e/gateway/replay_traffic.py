"""Traffic in which everything is decided: retries, fallbacks, weights, caches, arms, budgets."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from running import ADMIN, CALLER, CHAT

if TYPE_CHECKING:
    from running import RunningLegato

PRICE = 'price: {input_per_mtok: "1.5", output_per_mtok: "6"}'
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
retry: {{attempts_max: 2, backoff_base_s: 0.001, backoff_max_s: 0.002, retry_after_max_s: 2}}
breaker: {{failures: 6, failure_share: 0.5, window_calls: 20, open_s: 0.2}}
timeouts: {{connect_s: 1, first_byte_s: 2, idle_s: 2, total_s: 10}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
  - {{name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {{env: CALLER_KEY}}}}
  - {{name: nowhere, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}}
deployments:
  - {{name: a, provider: open, model: a, weight: 3, {PRICE}}}
  - {{name: b, provider: open, model: b, price: {{input_per_mtok: "9", output_per_mtok: "27"}}}}
  - {{name: c, provider: other, model: c, price: {{input_per_mtok: "0.1", output_per_mtok: "0.7"}}}}
  - {{name: here, provider: open, model: h, slots: 2, price: {{machine_hour_usd: "3.6"}}}}
  - {{name: free, provider: open, model: x, capabilities: {{context_tokens: 60}}}}
  - {{name: gone, provider: nowhere, model: x, {PRICE}}}
routes:
  - {{alias: ordered, baseline: b, deployments: [a, b], cache: {{enabled: false}}}}
  - {{alias: weighted, deployments: [a, b, c], strategy: weighted, cache: {{enabled: false}}}}
  - {{alias: cheapest, deployments: [b, a, c], strategy: cheapest, cache: {{enabled: false}}}}
  - {{alias: quickest, deployments: [a, b, c], strategy: least_latency, cache: {{enabled: false}}}}
  - {{alias: machine, baseline: b, deployments: [here, a], cache: {{enabled: false}}}}
  - {{alias: cached, baseline: b, deployments: [here, a]}}
  - {{alias: fallen, deployments: [gone, free, a], cache: {{enabled: false}}}}
  - {{alias: hasty, deployments: [here, a], timeouts: {{total_s: 0.25}}}}
  - {{alias: alone, deployments: [a], retry: {{attempts_max: 1}}, cache: {{enabled: false}}}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
  - {{name: poor, team: platform, feature: tests, secret: {{env: POOR_KEY}},
     budget: {{usd: "0.05", window: total}}}}
"""
POOR = "lg-a-key-with-a-small-budget"
FAULTS = {
    "error_rate": 0.12,
    "error_status": 503,
    "rate429": 0.08,
    "retry_after_s": 0.01,
    "cut_rate": 0.04,
    "stall_rate": 0.02,
    "stall_s": 0.6,
}
ALIASES = (
    "ordered", "weighted", "cheapest", "quickest", "machine", "cached", "fallen", "alone",
    "hasty", "a", "kept", "tried", "prompt:steady", "prompt:moving",
)  # fmt: skip
LEAVING = 0.03
"""Callers who close their connection right after sending."""
REGISTRY = "/api/v1/registry"


def begin_rollout(legato: RunningLegato) -> None:
    """Save two prompts, and divide the callers of one between its two versions."""
    for name in ("steady", "moving"):
        path = f"{REGISTRY}/objects/prompt/{name}/versions"
        spec = {"messages": [{"role": "user", "content": "old"}], "route": "weighted"}
        _posted(legato, path, {"spec": spec, "labels": ["production"]})
    spec = {"messages": [{"role": "user", "content": "new"}], "route": "cheapest"}
    _posted(legato, f"{REGISTRY}/objects/prompt/moving/versions", {"spec": spec})
    steps = [{"share_bp": 4_000, "for_s": 86_400}]
    wish = {"name": "moving", "candidate": "2", "plan": {"steps": steps}}
    _posted(legato, f"{REGISTRY}/rollouts", wish)


def begin_route_rollout(legato: RunningLegato) -> None:
    """Divide the callers of the route `tried` between two versions of it."""
    path = f"{REGISTRY}/objects/route/tried/versions"
    cache = {"cache": {"enabled": False}}
    spec = {"deployments": ["a", "b"], **cache}
    _posted(legato, path, {"spec": spec, "labels": ["production"]})
    _posted(legato, path, {"spec": {"deployments": ["c", "b"], "baseline": "a", **cache}})
    plan = {"steps": [{"share_bp": 5_000, "for_s": 86_400}]}
    wish = {"kind": "route", "name": "tried", "candidate": "2", "plan": plan}
    _posted(legato, f"{REGISTRY}/rollouts?org=", wish)


def keep_route(legato: RunningLegato, price: str) -> None:
    """Save a deployment at this price in the registry, and the route `kept` that goes there."""
    spec = {"provider": "open", "model": "n", "price": {"input_per_mtok": price}}
    body = {"spec": spec, "labels": ["production"]}
    _posted(legato, f"{REGISTRY}/objects/deployment/near/versions", body)
    spec = {"deployments": ["near", "a"], "cache": {"enabled": False}}
    body = {"spec": spec, "labels": ["production"]}
    assert legato.post(f"{REGISTRY}/objects/route/kept/versions", body, ADMIN).status < 300


def _posted(legato: RunningLegato, path: str, body: Any) -> None:
    answer = legato.post(path, body, ADMIN)
    assert answer.status == 201, answer.body


def call(legato: RunningLegato, count: int, *, seed: int, callers: int = 4) -> None:
    """Make so many calls, from several callers at once; killed workers refuse some of them."""
    with ThreadPoolExecutor(callers) as pool:
        shares = [count // callers + (at < count % callers) for at in range(callers)]
        for done in [
            pool.submit(_caller, legato, share, random.Random(seed * 1_000 + at))
            for at, share in enumerate(shares)
        ]:
            done.result()


def _caller(legato: RunningLegato, count: int, dice: random.Random) -> None:
    connection = legato.connection()
    for _ in range(count):
        path, body, key, headers = _request(dice)
        sent = {"authorization": f"Bearer {key}", "content-type": "application/json", **headers}
        try:
            connection.request("POST", path, json.dumps(body), sent)
            if dice.random() < LEAVING:  # whether anything has come by then or not
                connection.close()
                connection = legato.connection()
                continue
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):  # its worker was killed
            connection.close()
            connection = legato.connection()
    with contextlib.suppress(OSError):
        connection.close()


def _request(dice: random.Random) -> tuple[str, dict[str, Any], str, dict[str, str]]:
    key = POOR if dice.random() < 0.15 else CALLER
    headers = {"cache-control": "no-cache"} if dice.random() < 0.1 else {}
    if dice.random() < 0.25:
        return *_of_other_surface(dice), key, headers
    body = _chat(dice)
    if body["model"].startswith("prompt:") and dice.random() < 0.3:
        headers["x-legato-route"] = dice.choice(("a", "cheapest"))
    return CHAT, body, key, headers


def _of_other_surface(dice: random.Random) -> tuple[str, dict[str, Any]]:
    text, model = f"question {dice.randrange(30)}", dice.choice(("ordered", "weighted", "cached"))
    said = [{"role": "user", "content": text}]
    stream = {"stream": True} if dice.random() < 0.5 else {}
    choices: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/v1/messages", {"model": model, "max_tokens": 50, "messages": said, **stream}),
        ("/v1/messages/count_tokens", {"model": model, "messages": said}),
        ("/v1/responses", {"model": model, "input": text, **stream}),
        ("/v1/completions", {"model": "ordered", "prompt": text, **stream}),
        ("/v1/embeddings", {"model": model, "input": [text, text]}),
        ("/v1/moderations", {"model": "ordered", "input": text}),
        ("/v1/rerank", {"model": "ordered", "query": text, "documents": [text, "no"]}),
        ("/v1/images/generations", {"model": dice.choice(("ordered", "c")), "prompt": text}),
        ("/v1/audio/speech", {"model": "a", "input": text, "voice": "v"}),
    )
    return dice.choice(choices)


def _chat(dice: random.Random) -> dict[str, Any]:
    alias = dice.choice(ALIASES)
    if alias == "cached":
        said = {"role": "user", "content": f"question {dice.randrange(3)}"}
        return {"model": alias, "messages": [said]}
    question = f"question {dice.randrange(30)} " + "word " * dice.choice((1, 4, 200))
    body: dict[str, Any] = {"model": alias, "user": f"user {dice.randrange(40)}"}
    body["messages"] = [{"role": "user", "content": question}]
    if dice.random() < 0.3:
        body["stream"] = True
    if dice.random() < 0.3:
        body["max_tokens"] = dice.choice((5, 50, 400))
    if alias == "fallen" and dice.random() < 0.1:
        body["model"] = "no such model"
    return body
