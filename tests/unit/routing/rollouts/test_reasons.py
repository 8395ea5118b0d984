import pytest

from legato.routing.rollouts.gates import Finding, Gate, Metric, Verdict
from legato.routing.rollouts.reasons import doubt, harm

WORSE = Finding(Verdict.WORSE, 3.0, 5.0, harm=0.05, lower=0.0123, upper=0.09)


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        (Metric.ERRORS, "errors: 5 points worse than the champion, at least 1.23 points"),
        (Metric.LATENCY, "latency: 5 % worse than the champion, at least 1.23 %"),
        (Metric.QUALITY, "quality: 0.05 worse than the champion, at least 0.0123"),
    ],
)
def test_harm_is_told_in_the_metrics_own_unit(metric: Metric, told: str) -> None:
    said = harm(Gate(metric, tolerated=0.01), WORSE)
    assert said.startswith(told)
    assert said.endswith("by chance this gate shows as much in at most one of 148 rollouts")


def test_overwhelming_evidence_is_told_in_numbers_that_mean_something() -> None:
    certain = Finding(Verdict.WORSE, 3.0, 1e17, harm=1.0, lower=1.0, upper=1.0)
    assert "at most one of 1,000,000 rollouts" in harm(Gate(Metric.COST), certain)


def test_doubt_says_what_is_missing() -> None:
    gate = Gate(Metric.ERRORS, margin=0.02)
    unsure = Finding(Verdict.CONTINUE, 3.0, 0.0, harm=0.0, lower=-0.03, upper=0.03)
    assert doubt(gate, unsure) == (
        "errors: may still be 3 points worse than the champion, the margin is 2 points"
    )
    assert "too few callers" in doubt(gate, Finding(Verdict.CONTINUE, 3.0))
