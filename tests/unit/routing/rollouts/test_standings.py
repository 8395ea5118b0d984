"""The course of several candidates: taken out alone, compared by a goal, proposed or promoted."""

import msgspec

from legato.routing.rollouts.contrast import Stratum
from legato.routing.rollouts.course import (
    Action,
    Command,
    Observed,
    Phase,
    State,
    commanded,
    decide,
    followed,
)
from legato.routing.rollouts.gates import Evidence, Gate, Metric
from legato.routing.rollouts.moments import Moments
from legato.routing.rollouts.plan import Mode, Plan, Promotion, Step

S = 1_000_000_000
PLAN = Plan(
    (Step(6_000, samples_min=100),),
    (Gate(Metric.COST, tolerated=0.5),),
    candidates=2,
    mode=Mode.EXPERIMENT,
    goal=Metric.ERRORS,
)
RUNNING = State(Phase.RUNNING, 0, 0)


def seen(failed: int, dear: float = 1.0, requests: int = 2_000) -> Observed:
    def costs(each: float) -> Moments:
        return Moments.of_units(2_000, 2_000 * each, 2_000 * each * each * 1.5)

    errors = Moments.of_rate(2_000, 400), Moments.of_rate(2_000, failed)
    return Observed(
        requests,
        {Metric.ERRORS: (Stratum(*errors),), Metric.COST: (Stratum(costs(1), costs(dear)),)},
    )


def test_a_harmful_candidate_is_taken_out_and_the_last_one_ends_it() -> None:
    decision = decide(PLAN, RUNNING, {"v2": seen(390), "v3": seen(390, dear=2.5)}, S)
    assert (decision.action, decision.arm) == (Action.TAKE_OUT, "v3")
    assert decision.reason.startswith("v3: cost: 150 % worse than the champion")
    state = followed(RUNNING, decision, S)
    assert (state.phase, state.out, state.since_ns) == (Phase.RUNNING, ("v3",), S)
    last = decide(PLAN, state, {"v2": seen(390, dear=2.5)}, 2 * S)
    assert (last.action, last.arm) == (Action.ROLL_BACK, "v2")
    assert followed(state, last, 2 * S).phase is Phase.ROLLED_BACK


def test_each_candidate_needs_its_requests() -> None:
    few = decide(PLAN, RUNNING, {"v2": seen(300), "v3": seen(300, requests=99)}, S)
    assert (few.action, "99 of 100" in few.reason) == (Action.HOLD, True)


def test_the_best_of_those_proven_better_is_proposed_and_a_person_decides() -> None:
    observed = {"v2": seen(300), "v3": seen(200)}
    decision = decide(PLAN, RUNNING, observed, S)
    assert (decision.action, decision.arm) == (Action.PROPOSE, "v3")
    assert decision.reason.startswith(
        "v3 is proven better; v3: errors: 10 points better than the champion, between "
    )
    assert "v2: errors: 5 points better" in decision.reason
    state = followed(RUNNING, decision, S)
    assert (state.phase, state.chosen, state.ended) == (Phase.PROPOSED, "v3", False)
    assert decide(PLAN, state, observed, 2 * S).action is Action.HOLD
    harmed = decide(PLAN, state, {"v2": seen(300), "v3": seen(200, dear=3.0)}, 2 * S)
    assert (harmed.action, followed(state, harmed, 2 * S).chosen) == (Action.TAKE_OUT, "")
    assert commanded(state, Command.PROMOTE, 3 * S).phase is Phase.PROMOTED
    assert commanded(state, Command.ABORT, 3 * S).phase is Phase.ABORTED


def test_a_winner_is_promoted_by_itself_where_the_plan_says_so() -> None:
    plan = msgspec.structs.replace(PLAN, promotion=Promotion.WINNER)
    decision = decide(plan, RUNNING, {"v2": seen(200), "v3": seen(400)}, S)
    assert (decision.action, decision.arm) == (Action.PROMOTE, "v2")
    assert followed(RUNNING, decision, S).chosen == "v2"
    unproven = decide(plan, RUNNING, {"v2": seen(395), "v3": seen(400)}, S)
    assert (unproven.action, unproven.arm) == (Action.PROPOSE, "")
    assert unproven.reason.startswith("none is proven better; v2: ")


def test_who_has_not_passed_a_margin_is_no_winner() -> None:
    plan = msgspec.structs.replace(PLAN, gates=(Gate(Metric.COST, 0.5, margin=0.6),))
    decision = decide(plan, RUNNING, {"v2": seen(200, dear=1.55), "v3": seen(300)}, S)
    assert (decision.action, decision.arm) == (Action.PROPOSE, "v3")


def test_a_challenger_goes_on_until_it_is_proven_better() -> None:
    plan = msgspec.structs.replace(PLAN, mode=Mode.CHALLENGER, candidates=1)
    unproven = decide(plan, RUNNING, {"candidate": seen(395)}, S)
    assert unproven.action is Action.HOLD
    assert unproven.reason.startswith("none is proven better; errors: 0.25 points better")
    proven = decide(plan, RUNNING, {"candidate": seen(200)}, S)
    assert (proven.action, proven.arm) == (Action.PROPOSE, "candidate")


def test_the_evidence_of_every_candidate_can_be_judged_again() -> None:
    decision = decide(PLAN, RUNNING, {"v2": seen(300), "v3": seen(200)}, S)
    kept = msgspec.json.decode(msgspec.json.encode(decision.evidence), type=tuple[Evidence, ...])
    assert [(one.arm, one.gate.metric) for one in kept] == [
        (arm, metric) for arm in ("v2", "v3") for metric in (Metric.COST, Metric.ERRORS)
    ]
    assert kept == decision.evidence
    assert all(one.terms.candidates == 2 for one in kept)


def test_more_candidates_need_more_proof() -> None:
    chosen = {
        candidates: decide(
            msgspec.structs.replace(PLAN, candidates=candidates), RUNNING, {"v2": seen(326)}, S
        ).arm
        for candidates in (1, 8)
    }
    assert chosen == {1: "v2", 8: ""}
