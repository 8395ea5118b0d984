"""Requests decided again from records made by hand: what fits is reproduced, all else is told."""

from typing import Any

import pytest

from legato.core.config import Retry
from legato.core.decisions import (
    BEGAN,
    FAILS_OVER,
    OPENED,
    RETRYABLE,
    Decision,
    DeploymentFacts,
    RouteFacts,
    Step,
)
from legato.core.price import UNPRICED, Price
from legato.core.usage import USAGE_CLASSES
from legato.replay.day import Day
from legato.replay.deciding import Replay, Replayed, Verdict
from legato.routing.assignment import WHOLE_BP, Assignment, Slice

REQUEST = "019dab0c5f9a7c11b7d0d6a4d1f9e3aa"
PRICES = {"a": Price("pa", in_uncached=1_000_000, out_text=2_000_000), "b": Price("pb")}  # type: ignore[arg-type]
OK = Step("a", "ok", 200, OPENED)
DOWN = Step("a", "provider_unavailable", 503, OPENED | FAILS_OVER | RETRYABLE)
STAYS_DOWN = Step("a", "provider_unavailable", 503, OPENED | FAILS_OVER)
ROLLOUT, SLICES = "r1", ((0, 5_000, "candidate"), (5_000, WHOLE_BP, "champion"))


def deployment(name: str, **changed: Any) -> DeploymentFacts:
    facts: dict[str, Any] = {
        "name": name,
        "provider": "p",
        "model": name,
        "region": "",
        "price_version": f"p{name}",
        "weight": 1,
        "blended_price": None,
        "max_output_tokens": 100,
        "operations": ("chat",),
    }
    return DeploymentFacts(**facts | changed)


def route(strategy: str = "ordered", **changed: Any) -> RouteFacts:
    facts: dict[str, Any] = {
        "alias": "chat",
        "name": "chat",
        "strategy": strategy,
        "deployments": (deployment("a"), deployment("b")),
        "baseline": deployment("a"),
        "retry": Retry(attempts_max=2),
        "deadline_s": 5.0,
        "cache_ttl_s": 0.0,
    }
    return RouteFacts(**facts | changed)


def decision(*steps: Step, **changed: Any) -> Decision:
    fields: dict[str, Any] = {
        "route": "digest",
        "config": "c1",
        "user": "u1",
        "operation": "chat",
        "body_bytes": 100,
        "needs": 0,
        "image_count": 0,
        "max_output_tokens": None,
        "choices": 1,
        "unit": "",
        "units": 0,
        "steps": steps,
        "draws": (),
        "latencies": (),
        "text_tokens": -1,
        "cache_control": 0,
        "cached_us": 0,
        "baseline_cost": 5_000,
    }
    return Decision(**fields | changed)


def trace(made: Decision, **changed: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "request_id": REQUEST,
        "at_ns": 1,
        "org": "acme",
        "team": "t",
        "feature": "f",
        "key_id": "k",
        "surface": "chat_completions",
        "model_requested": "chat",
        "deployment": "a",
        "attempts": 1,
        "http_status": 200,
        "error_code": "",
        "stream": False,
        "cache": "bypass",
        "cost": 5_000,
        "stages": [],
        "versions": "",
        "arm": "",
        "decision": made,
    }
    return fields | changed


def entry(attempt: int = 1, name: str = "a", **changed: Any) -> dict[str, Any]:
    """3 tokens in at 1 and 1 out at 2 µUSD: 5,000 nano-USD."""
    fields: dict[str, Any] = {
        "id": attempt,
        "attempt": attempt,
        "kind": "usage",
        "reverses_entry": None,
        "provisional": False,
        "deployment": name,
        "provider": "p",
        "model": name,
        "region": "",
        "route": "chat",
        "price_version": f"p{name}",
        "baseline_model": "a",
        "config_version": "c1",
        "versions": "",
        "arm": "",
        "measures": "",
        "cost": 5_000,
        "baseline_cost": 5_000,
        "usage_source": "provider",
        "model_served": name,
        "total_us": 10,
        **dict.fromkeys(USAGE_CLASSES, 0),
        "in_uncached": 3,
        "out_text": 1,
    }
    return fields | changed


def failed(attempt: int = 1) -> dict[str, Any]:
    nothing = dict.fromkeys(USAGE_CLASSES, 0)
    return entry(attempt, kind="retry", cost=0, baseline_cost=0, **nothing)


def replay(
    told: dict[str, Any], *entries: dict[str, Any], facts: RouteFacts | None = None
) -> Replayed:
    known = facts or route()
    day = Day(lambda _: known, _price)
    return Replay(day, lambda _org, shown: None if "gone" in shown else "chat").request(
        told, list(entries)
    )


def _price(name: str, version: str) -> Price | None:
    price = PRICES[name]
    return price if price.version == version else None


def assert_differs(told: Replayed, cause: str) -> None:
    assert told.verdict is Verdict.DIFFERENT, told
    assert any(cause in one for one in told.causes), told.causes


def test_what_fits_is_reproduced() -> None:
    assert replay(trace(decision(OK)), entry()) == Replayed(REQUEST, Verdict.REPRODUCED)


def test_the_route_a_caller_asked_for_goes_before_the_prompts_own() -> None:
    versions = "prompt/greeting@3fa9c1d2e4b5"
    asked, facts = decision(OK, route_asked="small"), route(alias="small", name="small")
    made = entry(route="small", versions=versions)
    told = replay(trace(asked, versions=versions), made, facts=facts)
    assert told == Replayed(REQUEST, Verdict.REPRODUCED)
    unasked = replay(trace(decision(OK), versions=versions), made, facts=facts)
    assert_differs(unasked, "is sent to chat, then it went to small")
    other = replay(trace(asked, versions=versions), entry(versions=versions))
    assert_differs(other, "small is not resolved: not_found")


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"cost": 5_001}, "cost 5000 nano-USD, then 5001"),
        ({"baseline_cost": 4_999}, "baseline_cost 5000"),
        ({"in_uncached": 4}, "cost 6000"),
        ({"region": "eu"}, "region"),
        ({"config_version": "c2"}, "config_version"),
        ({"arm": "r1/candidate"}, "arm"),
    ],
)
def test_an_altered_entry_differs(changed: dict[str, Any], cause: str) -> None:
    assert_differs(replay(trace(decision(OK)), entry(**changed)), cause)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"cost": 1}, "cost 5000, then 1"),
        ({"deployment": "b"}, "deployment 'a', then 'b'"),
        ({"attempts": 2}, "attempts 1"),
        ({"cache": "miss"}, "cache"),
        ({"versions": "route/chat@3fa9c1d2e4b5"}, "versions"),
        ({"model_requested": "other"}, "is not resolved"),
    ],
)
def test_an_altered_trace_differs(changed: dict[str, Any], cause: str) -> None:
    assert_differs(replay(trace(decision(OK), **changed), entry()), cause)


def test_retries_and_fallbacks_are_made_again() -> None:
    steps = (DOWN, STAYS_DOWN, Step("b", "ok", 200, OPENED))
    told = trace(decision(*steps, draws=(0.5,)), deployment="b", attempts=3, cost=0)
    entries = (failed(1), failed(2), entry(3, "b", cost=0))
    assert replay(told, *entries).verdict is Verdict.REPRODUCED
    patient = route(retry=Retry(attempts_max=1))
    assert_differs(replay(told, *entries, facts=patient), "step 2 goes to b")
    stubborn = route(deployments=(deployment("a"),))
    assert_differs(replay(told, *entries, facts=stubborn), "an attempt at b is not made")


def test_an_open_breaker_sends_the_call_on() -> None:
    steps = (Step("a", "breaker_open", 0, 0), Step("b", "ok", 200, OPENED))
    told = trace(decision(*steps), deployment="b", cost=0)
    assert replay(told, entry(1, "b", cost=0)).verdict is Verdict.REPRODUCED


def test_the_dice_decide_as_they_fell() -> None:
    made, facts = decision(OK, draws=(0.9, 0.1)), route("weighted")
    assert replay(trace(made), entry(), facts=facts).verdict is Verdict.REPRODUCED
    turned = decision(OK, draws=(0.1, 0.9))
    assert_differs(replay(trace(turned), entry(), facts=facts), "goes to b")
    short = decision(OK, draws=(0.9,))
    assert_differs(replay(trace(short), entry(), facts=facts), "was not drawn then")


def test_latencies_decide_as_they_were() -> None:
    made, facts = decision(OK, latencies=(4.0, 9.0)), route("least_latency")
    assert replay(trace(made), entry(), facts=facts).verdict is Verdict.REPRODUCED
    turned = decision(OK, latencies=(9.0, 4.0))
    assert_differs(replay(trace(turned), entry(), facts=facts), "goes to b")


def test_an_arm_is_assigned_again() -> None:
    slices = tuple(Slice(*part) for part in SLICES)
    arm = f"{ROLLOUT}/{Assignment(ROLLOUT, slices).arm('u1')}"
    other = ({f"{ROLLOUT}/candidate", f"{ROLLOUT}/champion"} - {arm}).pop()
    made = decision(OK, slices=SLICES)
    assert replay(trace(made, arm=arm), entry(arm=arm)).verdict is Verdict.REPRODUCED
    assert_differs(replay(trace(made, arm=other), entry(arm=other)), f"arm '{arm}', then '{other}'")


def test_a_refused_hold_and_a_cut_stream_end_as_they_did() -> None:
    refused = decision(Step("a", "budget_exceeded", 429, 0), baseline_cost=0)
    end = {"http_status": 429, "error_code": "budget_exceeded", "deployment": ""}
    told = trace(refused, attempts=0, cost=0, **end)
    assert replay(told).verdict is Verdict.REPRODUCED
    cut = Step("a", "provider_unavailable", 503, OPENED | FAILS_OVER | RETRYABLE | BEGAN)
    end = {"http_status": 503, "error_code": "provider_unavailable", "deployment": ""}
    told = trace(decision(cut, baseline_cost=0), stream=True, cost=5_000, **end)
    paid = entry(kind="retry", usage_source="partial", baseline_cost=0)
    assert replay(told, paid).verdict is Verdict.REPRODUCED


@pytest.mark.parametrize(
    ("told", "entries", "cause"),
    [
        (trace(decision(OK), decision=None), [], "no decision was recorded"),
        (trace(decision(OK, route=""), error_code="not_found"), [], "before a route was chosen"),
        (trace(decision(OK)), [entry(provisional=True)], "was lost"),
        (trace(decision(OK), versions="prompt/gone@3fa9c1d2e4b5"), [entry()], "not kept"),
        (trace(decision(OK), error_code="internal_error"), [entry()], "after its decisions"),
    ],
)
def test_what_cannot_be_replayed_is_said(
    told: dict[str, Any], entries: list[dict[str, Any]], cause: str
) -> None:
    replayed = replay(told, *entries)
    assert replayed.verdict is Verdict.UNREPLAYABLE
    assert cause in replayed.causes[0]


def test_a_deleted_price_is_said() -> None:
    facts = route(deployments=(deployment("a", price_version="gone"),))
    replayed = replay(trace(decision(OK)), entry(), facts=facts)
    assert (replayed.verdict, replayed.causes) == (
        Verdict.UNREPLAYABLE,
        ("the price gone of a is not kept",),
    )


def test_unpriced_stays_unpriced() -> None:
    unpriced = deployment("a", price_version=UNPRICED)
    facts = route(deployments=(unpriced,), baseline=unpriced)
    told = trace(decision(OK, baseline_cost=None), cost=None)
    paid = entry(price_version=UNPRICED, cost=None, baseline_cost=None)
    assert replay(told, paid, facts=facts).verdict is Verdict.REPRODUCED
