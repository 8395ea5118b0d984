"""Requests decided again from records made by hand: what fits is reproduced, all else is told."""

from typing import Any

import pytest

from legato.core.config import Retry
from legato.core.config_access import AccessRule, ToolTerms
from legato.core.decisions import (
    BEGAN,
    FAILS_OVER,
    OPENED,
    RETRYABLE,
    Step,
)
from legato.core.price import UNPRICED
from legato.replay.deciding import Replayed, Verdict
from legato.routing.assignment import Assignment, Slice
from replay_records import (
    DOWN,
    OK,
    REQUEST,
    ROLLOUT,
    SLICES,
    STAYS_DOWN,
    assert_differs,
    decision,
    deployment,
    entry,
    failed,
    replay,
    route,
    trace,
)


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


def only(*names: str, **terms: Any) -> tuple[AccessRule, ...]:
    return (AccessRule(name="closed", deployments=list(names) or None, **terms),)


def test_what_a_rule_of_access_left_is_left_again() -> None:
    ok = Step("b", "ok", 200, OPENED)
    told = trace(decision(ok, access=only("b")), deployment="b", cost=0)
    made = entry(1, "b", cost=0, baseline_cost=5_000)
    facts = route(baseline=deployment("a"))
    assert replay(told, made, facts=facts).verdict is Verdict.REPRODUCED
    plain = trace(decision(ok), deployment="b", cost=0)
    assert_differs(replay(plain, made, facts=facts), "step 1 goes to a, then it went to b")
    changed = replay(told, made, facts=facts, access=lambda _: only("a"))
    assert_differs(changed, "step 1 goes to a, then it went to b")
    gone = replay(told, made, facts=facts, access=lambda _: None)
    assert gone.causes == ("its key is gone: which rules would mean it isn't known",)


def test_a_refusal_by_a_rule_of_access_is_made_again() -> None:
    refused = decision(access=only("none"), baseline_cost=0)
    told = trace(
        refused, deployment="", attempts=0, http_status=403, error_code="forbidden", cost=0
    )
    assert replay(told).verdict is Verdict.REPRODUCED
    assert_differs(replay(told, access=lambda _: ()), "an attempt at a that was not made then")
    models = trace(decision(OK, access=only(models=["other"])))
    assert_differs(replay(models, entry()), "chat is not resolved: forbidden")


def test_a_refusal_for_its_tools_cannot_be_made_again() -> None:
    rule = AccessRule(name="no-shell", tools=ToolTerms(deny=["shell"]))
    refused = trace(decision(access=(rule,)), http_status=403, error_code="forbidden")
    assert replay(refused).causes == ("refused for the tools that it declared, which are not kept",)
    passed = trace(decision(OK, access=(rule,)), stages=[("rule_tools", 5)])
    assert replay(passed, entry()).verdict is Verdict.REPRODUCED


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"cost": 5_001}, "cost 5000 nano-USD, then 5001"),
        ({"baseline_cost": 4_999}, "baseline_cost 5000"),
        ({"in_uncached": 4}, "cost 6000"),
        ({"step_cache": 7, "step_routing": -7}, "step_cache 0 nano-USD, then 7"),
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
