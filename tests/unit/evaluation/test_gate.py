from xml.etree import ElementTree as ET

import pytest

from legato.core.errors import InvalidRequest
from legato.evaluation.gate import Demands, Outcome, as_junit, judge, passed, read_bounds
from legato.evaluation.grid import Cell, Difference, Grid, Rating


def cell(subject: str, low: float, high: float) -> Cell:
    rating = Rating(scorer="exact", cases=50, unscored=0, mean=(low + high) / 2, low=low, high=high)
    return Cell(
        subject=subject,
        answers=50,
        failed=0,
        ratings=(rating,),
        cost=0,
        scoring_cost=0,
        unpriced=0,
        latency_ms_p50=None,
        latency_ms_p95=None,
    )


def compared(low: float, high: float) -> Grid:
    difference = Difference(
        subject="new",
        baseline="old",
        scorer="exact",
        cases=50,
        difference=(low + high) / 2,
        low=low,
        high=high,
    )
    return Grid(cells=(cell("new", 0.8, 0.9), cell("old", 0.1, 0.2)), differences=(difference,))


def outcomes(grid: Grid, bound: float | None, regress_max: float = 0.05) -> list[Outcome]:
    fail_under = {} if bound is None else {"exact": bound}
    demands = Demands(fail_under=fail_under, regress_max=regress_max)
    return [one.outcome for one in judge(grid, demands)]


@pytest.mark.parametrize(
    ("bound", "outcome"),
    [(0.8, Outcome.PROVEN), (0.85, Outcome.UNDECIDED), (0.91, Outcome.BROKEN)],
)
def test_a_bound_is_decided_on_the_interval(bound: float, outcome: Outcome) -> None:
    grid = Grid(cells=(cell("new", 0.8, 0.9),), differences=())
    assert outcomes(grid, bound) == [outcome]


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (-0.04, 0.1, Outcome.PROVEN),
        (-0.06, 0.1, Outcome.UNDECIDED),
        (-0.2, -0.06, Outcome.BROKEN),
    ],
)
def test_a_regression_is_decided_on_the_paired_interval(
    low: float, high: float, outcome: Outcome
) -> None:
    assert outcomes(compared(low, high), None) == [outcome]


def test_a_baseline_is_itself_not_judged() -> None:
    assert outcomes(compared(0.0, 0.1), 0.5) == [Outcome.PROVEN, Outcome.PROVEN]


def test_what_is_open_passes_only_where_it_may() -> None:
    demands = Demands(fail_under={"exact": 0.85}, regress_max=0.05)
    verdicts = judge(Grid(cells=(cell("new", 0.8, 0.9),), differences=()), demands)
    assert not passed(verdicts, undecided_passes=False)
    assert passed(verdicts, undecided_passes=True)


def test_a_subject_without_a_score_proves_nothing() -> None:
    empty = Rating(scorer="exact", cases=0, unscored=3)
    bare = cell("new", 0, 1)
    grid = Grid(cells=(type(bare)(**{**_fields(bare), "ratings": (empty,)}),), differences=())
    assert outcomes(grid, 0.0) == [Outcome.UNDECIDED]


def test_build_servers_read_what_failed() -> None:
    demands = Demands(fail_under={"exact": 0.95}, regress_max=0.05)
    verdicts = judge(compared(0.0, 0.1), demands)
    suite = ET.fromstring(as_junit("s", verdicts, undecided_passes=False))  # noqa: S314 - ours
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failure = suite.find("testcase[@name='exact >= 0.95']/failure")
    assert failure is not None
    assert failure.get("type") == "broken"


def test_bounds_are_read_for_one_scorer_or_for_all() -> None:
    assert read_bounds(("0.5", "exact=0.9"), ("exact", "json")) == {"exact": 0.9, "json": 0.5}
    for text in ("exact=2", "exact=", "x"):
        with pytest.raises(InvalidRequest, match="SCORER=BOUND"):
            read_bounds((text,), ("exact",))
    with pytest.raises(InvalidRequest, match="no scorer 'jsn'"):
        read_bounds(("jsn=0.5",), ("json",))


def _fields(one: Cell) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__struct_fields__}
