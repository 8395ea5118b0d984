import random
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.core.registry import CANDIDATE
from legato.routing.rollouts.contrast import Stratum
from legato.routing.rollouts.course import (
    Action,
    Command,
    Decision,
    Observed,
    Phase,
    State,
    begun,
    commanded,
    decide,
    followed,
)
from legato.routing.rollouts.gates import Gate, Metric, Verdict
from legato.routing.rollouts.moments import Moments
from legato.routing.rollouts.plan import Plan, Step

S = 1_000_000_000
PLAN = Plan(
    (Step(500, for_s=600, samples_min=100), Step(2_500, for_s=600), Step(5_000, samples_min=1_000)),
    (Gate(Metric.ERRORS, margin=0.03), Gate(Metric.COST)),
)
ENDED = (Phase.PROMOTED, Phase.ROLLED_BACK, Phase.ABORTED)


def observed(failed: int, requests: int = 2_000) -> dict[str, Observed]:
    arms = Moments.of_rate(2_000, 200), Moments.of_rate(2_000, failed)
    return {CANDIDATE: Observed(requests, {Metric.ERRORS: (Stratum(*arms),)})}


FINE, HARMED, UNSURE = observed(195), observed(320), observed(215)


def at(step: int, phase: Phase = Phase.RUNNING) -> State:
    return State(phase, step, since_ns=0)


def test_a_step_lasts_its_time_and_its_requests() -> None:
    early = decide(PLAN, at(0), FINE, 599 * S)
    assert early.action is Action.HOLD
    assert early.reason == "step 1 of 3, 5 % of callers: 599 of 600 s have passed"
    few = decide(PLAN, at(0), observed(195, requests=99), 600 * S)
    assert few.action is Action.HOLD
    assert few.reason == "step 1 of 3, 5 % of callers: 99 of 100 requests were served"
    done = decide(PLAN, at(0), FINE, 600 * S)
    assert done.action is Action.ADVANCE
    assert followed(at(0), done, 600 * S) == State(Phase.RUNNING, 1, 600 * S)


def test_the_last_step_ends_in_promotion_once_no_harm_is_proven() -> None:
    unsure = decide(PLAN, at(2), UNSURE, S)
    assert unsure.action is Action.HOLD
    assert "errors: may still be" in unsure.reason
    assert "the margin is 3 points" in unsure.reason
    nothing = decide(PLAN, at(2), {CANDIDATE: Observed(1_000)}, S)
    assert nothing.action is Action.HOLD
    assert "too few callers" in nothing.reason
    done = decide(PLAN, at(2), FINE, S)
    assert done.action is Action.PROMOTE
    assert followed(at(2), done, S).phase is Phase.PROMOTED


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.PAUSED])
@pytest.mark.parametrize("step", [0, 1, 2])
def test_proven_harm_goes_back_at_once_from_anywhere(step: int, phase: Phase) -> None:
    decision = decide(PLAN, at(step, phase), HARMED, 1)
    assert decision.action is Action.ROLL_BACK
    assert decision.reason.startswith("errors: 6 points worse than the champion, at least ")
    assert "0 points is tolerated" in decision.reason
    state = followed(at(step, phase), decision, 1)
    assert state.phase is Phase.ROLLED_BACK
    assert state.share_bp(PLAN) == 0


def test_a_decision_carries_evidence_that_proves_it_again() -> None:
    decision = decide(PLAN, at(0), HARMED, 1)
    stored = msgspec.json.decode(msgspec.json.encode(decision), type=Decision)
    errors, cost = stored.evidence
    assert errors.finding().verdict is Verdict.WORSE
    assert errors.terms.comparisons == 2
    assert cost.finding().verdict is Verdict.CONTINUE
    assert stored == decision


def test_a_pause_holds_the_share_and_a_resumed_step_lasts_anew() -> None:
    paused = commanded(at(1), Command.PAUSE, 500 * S)
    assert paused.share_bp(PLAN) == 2_500
    held = decide(PLAN, paused, FINE, 5_000 * S)
    assert (held.action, held.reason) == (Action.HOLD, "step 2 of 3, 25 % of callers: paused")
    resumed = commanded(paused, Command.RESUME, 5_000 * S)
    assert decide(PLAN, resumed, FINE, 5_599 * S).action is Action.HOLD
    assert decide(PLAN, resumed, FINE, 5_600 * S).action is Action.ADVANCE


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.PAUSED])
def test_a_person_may_end_it_either_way(phase: Phase) -> None:
    promoted = commanded(at(0, phase), Command.PROMOTE, 7)
    assert promoted == State(Phase.PROMOTED, 0, 7)
    assert promoted.share_bp(PLAN) == 10_000
    aborted = commanded(at(0, phase), Command.ABORT, 7)
    assert aborted == State(Phase.ABORTED, 0, 7)
    assert aborted.share_bp(PLAN) == 0


def test_what_waits_for_approval_serves_nobody_and_is_only_aborted() -> None:
    waiting = at(0, Phase.WAITING)
    assert (waiting.ended, waiting.share_bp(PLAN)) == (False, 0)
    decision = decide(PLAN, waiting, HARMED, 10_000 * S)
    assert (decision.action, decision.reason) == (Action.HOLD, "waits for others to approve")
    for command in (Command.PAUSE, Command.RESUME, Command.PROMOTE):
        with pytest.raises(InvalidRequest, match="waits for others to approve"):
            commanded(waiting, command, 1)
    assert commanded(waiting, Command.ABORT, 1).phase is Phase.ABORTED


@pytest.mark.parametrize("command", Command)
@pytest.mark.parametrize("phase", ENDED)
def test_nothing_changes_what_has_ended(phase: Phase, command: Command) -> None:
    with pytest.raises(InvalidRequest, match="has ended"):
        commanded(at(1, phase), command, 1)
    decision = decide(PLAN, at(1, phase), HARMED, 1)
    assert decision.action is Action.HOLD
    assert followed(at(1, phase), decision, 1) == at(1, phase)


@pytest.mark.parametrize(
    ("phase", "command"), [(Phase.RUNNING, Command.RESUME), (Phase.PAUSED, Command.PAUSE)]
)
def test_a_command_that_changes_nothing_is_told(phase: Phase, command: Command) -> None:
    with pytest.raises(InvalidRequest, match=f"{command}: the rollout is {phase} already"):
        commanded(at(0, phase), command, 1)


def test_a_rollout_begins_at_its_first_step() -> None:
    state = begun(42)
    assert state == State(Phase.RUNNING, 0, 42)
    assert state.share_bp(PLAN) == 500
    assert not state.ended


@given(st.lists(st.tuples(st.sampled_from([FINE, UNSURE, HARMED]), st.integers(0, 900))))
def test_shares_only_grow_until_it_ends(looks: list[tuple[dict[str, Observed], int]]) -> None:
    state, now_ns = begun(0), 0
    for seen, passed_s in looks:
        now_ns += passed_s * S
        decision = decide(PLAN, state, seen, now_ns)
        assert decision.reason
        after = followed(state, decision, now_ns)
        if state.ended:
            assert after == state
        elif after.phase is Phase.ROLLED_BACK:
            assert seen is HARMED
        else:
            assert after.share_bp(PLAN) >= state.share_bp(PLAN)
        state = after


CANARY = Plan(
    (Step(500, samples_min=200), Step(2_500, samples_min=500), Step(5_000, samples_min=2_000)),
    (Gate(Metric.ERRORS, margin=0.05), Gate(Metric.GUARDRAIL)),
)


def ends(champion: float, candidate: float, draw: random.Random) -> Phase:
    """How a whole canary ends whose requests fail with these chances, looked at every 50."""
    state, strata, served = begun(0), [Stratum(Moments(), Moments())], 0
    while not state.ended and served < 20_000:
        share = state.share_bp(CANARY) / 10_000
        beside = round(50 * (1 - share) / share)
        failed = [
            sum(draw.random() < chance for _ in range(requests))
            for requests, chance in ((beside, champion), (50, candidate))
        ]
        one, other = Moments.of_rate(beside, failed[0]), Moments.of_rate(50, failed[1])
        strata[-1] = Stratum(strata[-1].champion + one, strata[-1].candidate + other)
        served += 50
        count = int(strata[-1].candidate.count)
        seen = {CANDIDATE: Observed(count, {Metric.ERRORS: tuple(strata)})}
        after = followed(state, decide(CANARY, state, seen, served * S), served * S)
        if after.step > state.step:
            strata.append(Stratum(Moments(), Moments()))
        state = after
    return state.phase


def test_whole_canaries_end_as_they_should() -> None:
    draw = random.Random(5)
    harmless = Counter(ends(0.1, 0.1, draw) for _ in range(60))
    assert harmless[Phase.ROLLED_BACK] <= 3
    assert harmless[Phase.PROMOTED] >= 55
    harmful = Counter(ends(0.1, 0.2, draw) for _ in range(60))
    assert harmful[Phase.ROLLED_BACK] == 60
