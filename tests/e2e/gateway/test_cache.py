"""The exact cache as callers see it, with two workers."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from running import CHAT, Answer, RunningLegato, within

if TYPE_CHECKING:
    from legato.providers.simulated.child import SimulatedChild

WORKERS = 2
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {env: CALLER_KEY}}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: open, model: n, price: {input_per_mtok: "5", output_per_mtok: "15"}}
  - {name: claude, provider: other, model: m, price: {input_per_mtok: "3", output_per_mtok: "15"}}
routes:
  - {alias: chat, baseline: large, deployments: [small]}
  - {alias: brief, deployments: [small], cache: {ttl_s: 1}}
  - {alias: fresh, deployments: [small], cache: {enabled: false}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: mate, team: platform, feature: others, secret: {env: MATE_KEY}}
  - {name: stranger, team: research, feature: tests, secret: {env: STRANGER_KEY}}
"""
MATE, STRANGER = "lg-a-key-of-the-same-team", "lg-a-key-of-another-team"
VARIABLES = {"MATE_KEY": MATE, "STRANGER_KEY": STRANGER}
LEARNT_S = 3.0  # the other worker looks for news twice a second


def state(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    return answer.headers["x-legato-cache"]


def hit_within(legato: RunningLegato, seconds: float, **asked: Any) -> bool:
    """Ask until it is a hit, which makes no call upstream."""
    return bool(within(seconds, lambda: state(legato.chat(**asked)) == "hit"))


def test_a_hit_is_the_same_answer_for_nothing(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    with legato.only_worker(0):
        first = legato.chat(question="once")
        again = legato.chat(question="once")
    assert (state(first), state(again)) == ("miss", "hit")
    assert again.body == first.body
    assert again.request_id != first.request_id
    assert float(first.headers["x-legato-cost-usd"]) > 0
    assert float(again.headers["x-legato-cost-usd"]) == 0
    (paid,) = legato.entries(first.request_id)
    (saved,) = legato.entries(again.request_id)
    assert (saved["kind"], saved["cost"], saved["usage_source"]) == ("cache", 0, "cache")
    assert saved["baseline_cost"] == paid["baseline_cost"] > paid["cost"]
    assert saved["step_cache"] == saved["baseline_cost"]
    assert paid["step_routing"] == paid["baseline_cost"] - paid["cost"]
    assert saved["deployment"] == "small"
    assert legato.trace(again.request_id)["cache"] == "hit"
    assert upstream.counts()["arrived"] == 1


def test_what_judging_costs_is_overhead_and_a_hit_of_a_judge_saves_nothing(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    judging = {"x-legato-purpose": "judge"}
    with legato.only_worker(0):
        first = legato.chat(question="how good is it?", headers=judging)
        again = legato.chat(question="how good is it?", headers=judging)
        other = legato.chat(question="fine", headers={"x-legato-purpose": "cheaper"})
    (judged,) = legato.entries(first.request_id)
    (hit,) = legato.entries(again.request_id)
    assert (judged["kind"], judged["baseline_cost"], hit["kind"]) == ("judge", 0, "cache")
    assert judged["step_overhead"] == -judged["cost"]
    assert judged["cost"] > hit["cost"] == hit["baseline_cost"] == 0
    assert (other.status, other.error["param"]) == (400, "x-legato-purpose")
    assert upstream.counts()["arrived"] == 1


def test_streams_are_replayed_as_streams(legato: RunningLegato, upstream: SimulatedChild) -> None:
    asked: dict[str, Any] = {"question": "streamed", "stream": True}
    with legato.only_worker(0):
        first = legato.chat(**asked)
        again = legato.chat(**asked)
        whole = legato.chat(question="streamed")
        told = legato.chat(**asked, stream_options={"include_usage": True})
    assert [state(answer) for answer in (first, again, whole, told)] == [
        "miss", "hit", "miss", "miss",
    ]  # fmt: skip
    assert again.body == first.body
    assert again.body.endswith(b"data: [DONE]\n\n")
    assert again.headers["content-type"].startswith("text/event-stream")
    assert float(again.headers["x-legato-cost-usd"]) == 0
    assert b'"usage"' in told.body
    assert upstream.counts()["arrived"] == 3


def test_callers_may_refuse_the_cache(legato: RunningLegato, upstream: SimulatedChild) -> None:
    no_cache, no_store = {"cache-control": "no-cache"}, {"cache-control": "max-age=0, No-Store"}
    with legato.only_worker(0):
        assert state(legato.chat(question="never kept", headers=no_store)) == "bypass"
        assert state(legato.chat(question="never kept")) == "miss"
        assert state(legato.chat(question="never kept", headers=no_cache)) == "bypass"
        assert state(legato.chat(question="never kept")) == "hit"
        assert state(legato.chat(question="made anew", headers=no_cache)) == "bypass"
        assert state(legato.chat(question="made anew")) == "hit"
    assert upstream.counts()["arrived"] == 4


def test_answers_age(legato: RunningLegato, upstream: SimulatedChild) -> None:
    with legato.only_worker(1):
        assert state(legato.chat("brief", "aging")) == "miss"
        assert state(legato.chat("brief", "aging")) == "hit"
        time.sleep(1.1)
        assert state(legato.chat("brief", "aging")) == "miss"
        assert state(legato.chat("fresh", "aging")) == "bypass"
        assert state(legato.chat("fresh", "aging")) == "bypass"


def test_what_cannot_change_the_answer_does_not_matter(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    body: dict[str, Any] = {
        "model": "chat",
        "messages": [{"role": "user", "content": "spelt differently"}],
        "temperature": 0,
    }
    turned = json.dumps(dict(reversed(body.items())), indent=3).encode()
    with legato.only_worker(0):
        assert state(legato.post(CHAT, body)) == "miss"
        assert state(legato.post(CHAT, turned)) == "hit"
        assert state(legato.post(CHAT, body | {"user": "ann", "metadata": {"a": "b"}})) == "hit"
        for change in ({"temperature": 1}, {"seed": 1}, {"n": 1}, {"max_tokens": 5}, {"x": 1}):
            assert state(legato.post(CHAT, body | change)) == "miss", change


def test_another_team_never_hits(legato: RunningLegato, upstream: SimulatedChild) -> None:
    with legato.only_worker(0):
        assert state(legato.chat(question="ours")) == "miss"
        assert state(legato.chat(question="ours", key=MATE)) == "hit"
        assert state(legato.chat(question="ours", key=STRANGER)) == "miss"
        assert state(legato.chat(question="ours", key=STRANGER)) == "hit"
    assert upstream.counts()["arrived"] == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", {"model": "claude", "max_tokens": 20}),
        ("/v1/messages", {"model": "small", "max_tokens": 20, "stream": True}),
        (CHAT, {"model": "claude", "max_tokens": 20, "stream": True}),
        ("/v1/embeddings", {"model": "small", "input": "words"}),
    ],
)
def test_every_surface_and_translation_is_cached(
    legato: RunningLegato, upstream: SimulatedChild, path: str, body: dict[str, Any]
) -> None:
    if "input" not in body:
        body = body | {"messages": [{"role": "user", "content": "a surface"}]}
    with legato.only_worker(1):
        first, again = legato.post(path, body), legato.post(path, body)
    assert (state(first), state(again)) == ("miss", "hit")
    assert again.body == first.body
    assert upstream.counts()["arrived"] == 1


def test_other_workers_and_later_starts_know_it(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    asked: dict[str, Any] = {"question": "shared", "stream": True}
    with legato.only_worker(0):
        first = legato.chat(**asked)
    time.sleep(1.2)
    with legato.only_worker(1):
        assert hit_within(legato, LEARNT_S, **asked)
    assert legato.stop() == 0
    legato.start()
    again = legato.chat(**asked)
    assert state(again) == "hit"
    assert again.body == first.body


def test_what_lies_on_disk_is_sealed(legato: RunningLegato, upstream: SimulatedChild) -> None:
    answer = legato.chat(question="sealed")
    text = answer.json["choices"][0]["message"]["content"].encode()
    time.sleep(1.2)
    cache = legato.data / "cache"
    contents = [content for path, content in legato.stored() if path.is_relative_to(cache)]
    assert sum(map(len, contents)) > len(text)
    assert not any(text[:20] in content for content in contents)


def test_only_complete_answers_are_kept(legato: RunningLegato, upstream: SimulatedChild) -> None:
    with legato.only_worker(0):
        upstream.change(error_rate=1.0)
        assert legato.chat(question="failed").status == 503
        upstream.change(error_rate=0.0, cut_rate=1.0, cut_after_events=5)
        cut = legato.chat(question="cut", stream=True)
        assert (cut.status, b"[DONE]" in cut.body) == (200, False)
        upstream.change(cut_rate=0.0)
        assert state(legato.chat(question="failed")) == "miss"
        assert state(legato.chat(question="cut", stream=True)) == "miss"
