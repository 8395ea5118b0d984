"""Hedges, queues and lesser answers decided again: by what the record says, and nothing else."""

from __future__ import annotations

from typing import Any

from legato.core.config import Retry
from legato.core.config_load import Hedge
from legato.core.decisions import HEDGED, OPENED, QueueFacts, QueueTerms, Step
from legato.replay.deciding import Replayed, Verdict
from replay_records import (
    DOWN,
    REQUEST,
    assert_differs,
    decision,
    deployment,
    entry,
    failed,
    replay,
    route,
    trace,
)

ONCE = Retry(attempts_max=1)
LOST = Step("a", "cancelled", 0, OPENED)
WON = Step("b", "ok", 200, OPENED | HEDGED)
QUEUED = Step("", "queued", 0, 0)
CLOSED = Step("a", "rate_closed", 0, 0, 0.5)
HEDGING = route(hedge=Hedge(after_s=0.1))
QUEUEING = route(deployments=(deployment("a"),), retry=ONCE, queue=QueueTerms(1.0, 2, part=1))


def hedged(*steps: Step, by: str | None, **changed: Any) -> dict[str, Any]:
    fields = {"attempts": 2, "deployment": "b", "cost": 5_000}
    return trace(decision(*steps, hedged=by, baseline_cost=0), **fields | changed)


def raced(told: dict[str, Any], facts: Any = HEDGING) -> Replayed:
    lost = entry(1, kind="hedge", baseline_cost=0)
    return replay(told, lost, entry(2, "b", cost=0, baseline_cost=0), facts=facts)


def test_who_was_first_is_in_the_record() -> None:
    told = hedged(LOST, WON, by="second")
    told["decision"] = decision(LOST, WON, hedged="second", baseline_cost=5_000)
    made = replay(
        told,
        entry(1, kind="hedge", baseline_cost=0),
        entry(2, "b", cost=0),
        facts=HEDGING,
    )
    assert made == Replayed(REQUEST, Verdict.REPRODUCED)


def test_a_second_attempt_must_follow_from_the_route() -> None:
    told = hedged(LOST, WON, by="second")
    alone = route(deployments=(deployment("b"), deployment("a")), hedge=Hedge(after_s=0.1))
    assert_differs(raced(told, alone), "goes to b, then it went to a")
    passed_by = Step("b", "breaker_open", 0, HEDGED)
    assert_differs(raced(hedged(LOST, passed_by, WON, by="second")), "nobody else to ask")


def test_a_record_of_an_older_version_is_told_apart() -> None:
    older = raced(hedged(LOST, WON, by=None), route())
    assert older.verdict is Verdict.UNREPLAYABLE
    lesser = trace(decision(DOWN, degraded="deployment; b"))
    assert replay(lesser, failed()).verdict is Verdict.UNREPLAYABLE


def queued(outcome: str, **facts: Any) -> QueueFacts:
    told = {"waited_ms": 10.0, "patience_ms": 1_000.0, "ahead": 0}
    return QueueFacts(outcome=outcome, **told | facts)


def test_a_stay_in_the_queue_ends_as_it_did() -> None:
    stay = queued("placed")
    made = decision(CLOSED, QUEUED, Step("a", "ok", 200, OPENED), queued=(stay,))
    assert replay(trace(made), entry(), facts=QUEUEING).verdict is Verdict.REPRODUCED
    end = {"deployment": "", "attempts": 0, "cost": 0, "http_status": 429}
    end["error_code"] = "overloaded"
    for shed, follows in (
        (queued("late", waited_ms=1_000.0), True),
        (queued("late", waited_ms=400.0), False),
        (queued("full", ahead=2), True),
        (queued("full", ahead=1), False),
        (queued("full", ahead=1, elsewhere=1), True),  # the line is all workers' together
        (queued("full", ahead=0, elsewhere=2), False),  # a worker has its part of it
        (queued("displaced"), True),
        (queued("late", waited_ms=2_000.0, patience_ms=2_000.0), False),
    ):
        made = decision(CLOSED, QUEUED, queued=(shed,), baseline_cost=0)
        told = replay(trace(made, **end), facts=QUEUEING)
        wanted = Verdict.REPRODUCED if follows else Verdict.DIFFERENT
        assert told.verdict is wanted, (shed, told)


def test_a_word_nobody_can_read_on_how_long_it_would_wait_is_refused_again() -> None:
    refused = {"http_status": 400, "error_code": "invalid_request", "deployment": ""}
    told = trace(decision(CLOSED, baseline_cost=0), attempts=0, cost=0, **refused)
    assert replay(told, facts=QUEUEING).verdict is Verdict.REPRODUCED
    assert_differs(replay(told, facts=route(retry=ONCE)), "")


def test_where_it_waited_without_a_queue_it_differs() -> None:
    made = decision(CLOSED, QUEUED, Step("a", "ok", 200, OPENED), queued=(queued("placed"),))
    assert replay(trace(made), entry()).verdict is Verdict.DIFFERENT


def test_a_lesser_deployment_answers_again() -> None:
    facts = route(
        deployments=(deployment("a"),), retry=ONCE, degrade=("b",), lesser=(deployment("b"),)
    )
    down = Step("a", "provider_unavailable", 503, DOWN.flags)
    answered = Step("b", "ok", 200, OPENED)
    made = decision(down, answered, degraded="deployment; b", baseline_cost=0)
    told = trace(made, deployment="b", attempts=2, cost=0)
    entries = (failed(), entry(2, "b", cost=0, baseline_cost=0))
    assert replay(told, *entries, facts=facts).verdict is Verdict.REPRODUCED
    strict = route(deployments=(deployment("a"),), retry=ONCE, degrade=("stale_cache",))
    assert replay(told, *entries, facts=strict).verdict is Verdict.DIFFERENT
