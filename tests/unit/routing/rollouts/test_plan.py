import pytest

from legato.core.errors import InvalidRequest
from legato.routing.rollouts.contrast import Unit
from legato.routing.rollouts.gates import Gate, Metric, Terms
from legato.routing.rollouts.plan import STEPS_MAX, Mode, Plan, Promotion, Step, checked_plan


def steps(*shares: int) -> tuple[Step, ...]:
    return tuple(Step(share, for_s=60) for share in shares)


def test_a_plan_that_can_be_followed_comes_back() -> None:
    plan = Plan(steps(100, 2_500, 10_000), (Gate(Metric.ERRORS),))
    assert checked_plan(plan) is plan


def test_alpha_is_divided_among_gates_and_candidates() -> None:
    gates = (Gate(Metric.ERRORS), Gate(Metric.COST))
    assert Plan(steps(1), gates, candidates=3).terms == Terms(0.05, 6, Unit.USER, 3)
    assert Plan(steps(1)).terms.comparisons == 1


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (Plan(()), "steps: give 1 to 50"),
        (Plan(steps(*range(1, STEPS_MAX + 2))), "steps: give 1 to 50"),
        (Plan(steps(0)), r"steps\[0\]\.share_bp: 0 isn't within"),
        (Plan(steps(100, 10_001)), r"steps\[1\]\.share_bp: 10001 isn't within"),
        (Plan(steps(100, 500, 500)), r"steps\[2\]\.share_bp: 500 isn't above the step before"),
        (Plan((Step(100),)), r"steps\[0\]: give for_s, samples_min or both"),
        (Plan((Step(100, for_s=-1, samples_min=5),)), r"steps\[0\]: give for_s"),
        (Plan(steps(1), candidates=0), "candidates"),
        (Plan(steps(1), alpha=0.0), "alpha"),
        (Plan(steps(1), (Gate(Metric.COST, margin=-1.0),)), r"gates\[0\]"),
        (Plan(steps(1), (Gate(Metric.SLOW),)), r"gates\[0\] \(slow\).above_ms: say from"),
        (Plan(steps(1), (Gate(Metric.COST, above_ms=1.0),)), "only a gate on slow requests"),
        (Plan(steps(1), candidates=2), "a canary has one"),
        (Plan(steps(1), goal=Metric.COST), "a canary has none"),
        (Plan(steps(1), mode=Mode.EXPERIMENT), "goal: name the metric"),
        (Plan(steps(1), mode=Mode.EXPERIMENT, goal=Metric.SLOW), "slow needs a gate"),
        (
            Plan(steps(1), mode=Mode.CHALLENGER, goal=Metric.COST, promotion=Promotion.WINNER),
            "a person promotes it",
        ),
        (Plan(steps(1), weights=(0,)), r"weights\[0\]"),
        (Plan(steps(1), mode=Mode.EXPERIMENT, goal=Metric.COST, candidates=9), "1 to 8"),
    ],
)
def test_a_plan_that_can_not_is_refused(plan: Plan, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        checked_plan(plan)
