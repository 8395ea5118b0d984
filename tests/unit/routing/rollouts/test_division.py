import pytest

from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.registry import CHAMPION
from legato.routing.assignment import Assignment
from legato.routing.rollouts.division import Arm, Division, named_arms, planned_for
from legato.routing.rollouts.gates import Metric
from legato.routing.rollouts.plan import CANDIDATES_MAX, Mode, Plan, Step

ARMS = (Arm("v2", "b" * 64), Arm("v3", "c" * 64), Arm("v4", "d" * 64))
PLAN = Plan(
    (Step(1_000, for_s=1), Step(6_000, for_s=1)),
    mode=Mode.EXPERIMENT,
    goal=Metric.ERRORS,
    weights=(1, 1, 2),
)
UNITS = [f"user {number}" for number in range(1_000)]


def served(division: Division) -> dict[str, str]:
    assignment = Assignment("salt", division.slices)
    return {unit: assignment.arm(unit) for unit in UNITS}


def after(division: Division, share_bp: int, out: tuple[str, ...] = ()) -> Division:
    return Division(division.candidates, division.divided(PLAN, share_bp, out), out)


def shares(division: Division) -> dict[str, int]:
    return {arm: division.share_bp(arm) for arm in ("v2", "v3", "v4", CHAMPION)}


def test_candidates_divide_a_share_by_their_weights() -> None:
    begun = Division.begun(PLAN, ARMS)
    assert shares(begun) == {"v2": 250, "v3": 250, "v4": 500, CHAMPION: 9_000}
    odd = planned_for(Plan((Step(1_000, for_s=1),), mode=Mode.EXPERIMENT), 3)
    assert shares(Division.begun(odd, ARMS)) == {"v2": 334, "v3": 333, "v4": 333, CHAMPION: 9_000}


def test_whoever_has_a_candidate_keeps_it_when_shares_grow() -> None:
    begun = Division.begun(PLAN, ARMS)
    before, grown = served(begun), served(after(begun, 6_000))
    assert shares(after(begun, 6_000)) == {"v2": 1_500, "v3": 1_500, "v4": 3_000, CHAMPION: 4_000}
    assert all(grown[unit] == arm for unit, arm in before.items() if arm != CHAMPION)


def test_a_candidate_is_taken_out_alone() -> None:
    grown = after(Division.begun(PLAN, ARMS), 6_000)
    without = after(grown, 6_000, ("v3",))
    assert shares(without) == {"v2": 1_500, "v3": 0, "v4": 3_000, CHAMPION: 5_500}
    assert without.remaining == ("v2", "v4")
    before = served(grown)
    moved = {unit: arm for unit, arm in served(without).items() if before[unit] != arm}
    assert set(moved.values()) == {CHAMPION}
    assert {before[unit] for unit in moved} == {"v3"}


def test_who_is_promoted_must_be_plain() -> None:
    division = Division(ARMS, Division.begun(PLAN, ARMS).slices, ("v3",))
    assert division.arm("v4") == ARMS[2]
    with pytest.raises(InvalidRequest, match="name one of v2, v4"):
        division.arm("")
    with pytest.raises(NotFound, match="no candidate 'v9'; there are v2, v3, v4"):
        division.arm("v9")
    with pytest.raises(Conflict, match="v3 was taken out"):
        division.arm("v3")
    assert Division(ARMS, division.slices, (), "v2").arm("") == ARMS[0]
    assert Division(ARMS, division.slices, ("v2", "v3")).arm("") == ARMS[2]


def test_arms_are_named_by_version_where_there_are_several() -> None:
    assert named_arms([(7, "a")]) == (Arm("candidate", "a"),)
    assert named_arms([(7, "a"), (9, "b")]) == (Arm("v7", "a"), Arm("v9", "b"))
    with pytest.raises(InvalidRequest, match="twice"):
        named_arms([(7, "a"), (7, "a")])
    for count in (0, CANDIDATES_MAX + 1):
        with pytest.raises(InvalidRequest, match="1 to 8"):
            named_arms([(number, str(number)) for number in range(count)])


def test_a_plan_must_suit_its_candidates() -> None:
    assert planned_for(PLAN, 3).candidates == 3
    with pytest.raises(InvalidRequest, match="weights: give one for each of the 2"):
        planned_for(PLAN, 2)
    with pytest.raises(InvalidRequest, match="a canary has one"):
        planned_for(Plan(PLAN.steps), 2)
    with pytest.raises(InvalidRequest, match="too little"):
        planned_for(Plan((Step(2, for_s=1),), mode=Mode.EXPERIMENT), 3)
