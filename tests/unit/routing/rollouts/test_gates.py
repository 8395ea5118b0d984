import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.routing.rollouts.contrast import Stratum, Unit
from legato.routing.rollouts.gates import (
    Evidence,
    Finding,
    Gate,
    Metric,
    Terms,
    Verdict,
    checked_gates,
    judge,
)
from legato.routing.rollouts.moments import Moments

ERRORS = Gate(Metric.ERRORS, margin=0.03)


def failing(champion: int, candidate: int, of: int = 2_000) -> tuple[Stratum, ...]:
    return (Stratum(Moments.of_rate(of, champion), Moments.of_rate(of, candidate)),)


def values(champion: float, candidate: float, spread: float = 0.2) -> tuple[Stratum, ...]:
    count = 1_000
    arms = (
        Moments.of_units(count, count * mean, count * (mean**2 + spread**2))
        for mean in (champion, candidate)
    )
    return (Stratum(*arms),)


@pytest.mark.parametrize(
    ("champion", "candidate", "verdict"),
    [
        (200, 300, Verdict.WORSE),
        (200, 210, Verdict.CONTINUE),
        (200, 190, Verdict.HARMLESS),
        (200, 100, Verdict.BETTER),
    ],
)
def test_errors_are_judged(champion: int, candidate: int, verdict: Verdict) -> None:
    finding = judge(ERRORS, failing(champion, candidate), Terms())
    assert finding.verdict is verdict
    assert finding.harm == pytest.approx((candidate - champion) / 2_000)


def test_bounds_and_verdict_agree() -> None:
    for candidate in range(100, 400, 7):
        finding = judge(ERRORS, failing(200, candidate), Terms())
        assert finding.lower is not None
        assert finding.upper is not None
        assert (finding.verdict is Verdict.WORSE) == (finding.lower > 0)
        assert (finding.verdict is Verdict.BETTER) == (finding.upper < 0)
        assert ERRORS.passed_by(finding) == (finding.upper < 0.03 and finding.lower <= 0)


@pytest.mark.parametrize(
    ("metric", "harmed"),
    [
        (Metric.SLOW, failing(100, 200)),
        (Metric.GUARDRAIL, failing(20, 80)),
        (Metric.DISAPPROVAL, failing(600, 800)),
        (Metric.LATENCY, values(6.0, 6.2)),
        (Metric.COST, values(1.0, 1.2)),
        (Metric.QUALITY, values(0.9, 0.8)),
    ],
)
def test_every_metric_knows_its_direction(metric: Metric, harmed: tuple[Stratum, ...]) -> None:
    gate = Gate(metric, margin=0.5)
    assert judge(gate, harmed, Terms()).verdict is Verdict.WORSE
    turned = tuple(Stratum(each.candidate, each.champion) for each in harmed)
    assert judge(gate, turned, Terms()).verdict is Verdict.BETTER


def test_latency_is_shown_as_a_share() -> None:
    finding = judge(Gate(Metric.LATENCY), values(6.0, 6.0 + math.log(1.25)), Terms())
    assert finding.harm == pytest.approx(0.25)


def test_what_is_tolerated_rolls_nothing_back() -> None:
    slower = values(6.0, 6.0 + math.log(1.25))
    for tolerated, verdict in ((0.0, Verdict.WORSE), (0.2, Verdict.WORSE), (0.3, Verdict.CONTINUE)):
        gate = Gate(Metric.LATENCY, tolerated=tolerated)
        assert judge(gate, slower, Terms()).verdict is verdict


def test_more_gates_need_more_evidence_each() -> None:
    strata = failing(200, 260)
    alone, among = judge(ERRORS, strata, Terms()), judge(ERRORS, strata, Terms(comparisons=10))
    assert alone.verdict is Verdict.WORSE
    assert among.verdict is Verdict.CONTINUE
    assert alone.log_e == among.log_e
    assert among.log_e_needed == pytest.approx(alone.log_e_needed + math.log(10))
    assert alone.upper == among.upper


def test_a_gate_without_a_margin_only_guards() -> None:
    guard = Gate(Metric.ERRORS)
    assert guard.passed_by(judge(guard, failing(200, 205), Terms()))
    assert guard.passed_by(judge(guard, (), Terms()))
    assert not guard.passed_by(judge(guard, failing(200, 400), Terms()))
    assert not ERRORS.passed_by(judge(ERRORS, (), Terms()))


def test_a_margin_of_nothing_wants_a_better_candidate() -> None:
    gate = Gate(Metric.ERRORS, margin=0.0)
    assert not gate.passed_by(judge(gate, failing(200, 195, 2_000), Terms()))
    assert gate.passed_by(judge(gate, failing(200, 100), Terms()))


def test_too_little_says_nothing() -> None:
    assert judge(ERRORS, failing(0, 19, 19), Terms()) == Finding(
        Verdict.CONTINUE, log_e_needed=-math.log(0.05)
    )


@given(st.integers(0, 500), st.integers(0, 500), st.sampled_from(Unit), st.integers(1, 9))
def test_evidence_that_was_stored_gives_the_same_finding(
    champion: int, candidate: int, unit: Unit, comparisons: int
) -> None:
    terms = Terms(0.01, comparisons, unit)
    evidence = Evidence(ERRORS, terms, failing(champion, candidate, 500) * 2)
    stored = msgspec.json.encode(evidence)
    assert msgspec.json.decode(stored, type=Evidence).finding() == evidence.finding()


def test_certain_findings_can_be_stored() -> None:
    constant = values(1.0, 2.0, spread=0.0)
    finding = judge(Gate(Metric.COST), constant, Terms())
    assert finding.verdict is Verdict.WORSE
    assert msgspec.json.decode(msgspec.json.encode(finding), type=Finding) == finding
    assert math.isfinite(finding.log_e)


@pytest.mark.parametrize(
    ("gates", "alpha", "told"),
    [
        ([ERRORS], 0.0, "alpha"),
        ([ERRORS], 0.6, "alpha"),
        ([ERRORS], math.nan, "alpha"),
        ([ERRORS, Gate(Metric.COST), ERRORS], 0.05, r"gates\[2\] \(errors\): there is one"),
        ([Gate(Metric.COST, tolerated=-0.1)], 0.05, r"gates\[0\] \(cost\)\.tolerated"),
        ([Gate(Metric.COST, tolerated=math.inf)], 0.05, "tolerated"),
        ([Gate(Metric.COST, tolerated=0.2, margin=0.1)], 0.05, r"\.margin: 0.1 is less"),
        ([Gate(Metric.COST, margin=math.nan)], 0.05, "margin"),
    ],
)
def test_limits_that_mean_nothing_are_refused(gates: list[Gate], alpha: float, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        checked_gates(gates, alpha)
