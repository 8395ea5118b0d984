import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.routing.rollouts.sequential import boundary, log_e_value

PAIRS = st.floats(0.5, 1e6)


@given(st.floats(0.001, 0.5), PAIRS)
def test_the_boundary_is_where_the_evidence_reaches_its_limit(alpha: float, pairs: float) -> None:
    assert log_e_value(boundary(alpha, pairs), pairs) == pytest.approx(-math.log(alpha))


@given(st.floats(-1e9, 1e9), st.floats(0, 1e3), PAIRS)
def test_more_harm_is_more_evidence(z: float, more: float, pairs: float) -> None:
    assert log_e_value(z, pairs) <= log_e_value(z + more, pairs) + 1e-9


@given(st.floats(0.001, 0.25), PAIRS)
def test_less_risk_needs_more_evidence(alpha: float, pairs: float) -> None:
    assert boundary(alpha, pairs) < boundary(alpha / 2, pairs)


def mixture(z: float, pairs: float) -> float:
    """The half-normal mixture of likelihood ratios, integrated the plain way."""
    steps, scale = 20_000, 1 / math.sqrt(50)
    width = 12 * scale / steps
    score = z * math.sqrt(pairs)
    return sum(
        2 * math.exp(-((drift / scale) ** 2) / 2 + drift * score - drift * drift * pairs / 2)
        for drift in (width * (n + 0.5) for n in range(steps))
    ) * (width / (scale * math.sqrt(2 * math.pi)))


@pytest.mark.parametrize("z", [-2.0, 0.0, 1.0, 3.0])
@pytest.mark.parametrize("pairs", [5.0, 300.0, 20_000.0])
def test_the_evidence_is_the_mixture_of_likelihood_ratios(z: float, pairs: float) -> None:
    assert log_e_value(z, pairs) == pytest.approx(math.log(mixture(z, pairs)), abs=1e-3)


@given(PAIRS)
def test_the_tail_joins_its_limit(pairs: float) -> None:
    root = math.sqrt(pairs / (pairs + 50))
    just, beyond = log_e_value(-29.999 / root, pairs), log_e_value(-30.001 / root, pairs)
    assert just == pytest.approx(beyond, abs=2e-3)


def test_a_walk_without_drift_crosses_no_more_often_than_promised() -> None:
    draw = random.Random(11)
    crossed = 0
    walks, alpha = 1_000, 0.1
    for _ in range(walks):
        at = 0.0
        for step in range(1, 101):
            at += draw.gauss(0, 10)  # 100 pairs each
            if log_e_value(at / math.sqrt(step * 100), step * 100) >= -math.log(alpha):
                crossed += 1
                break
    assert 0.02 * walks < crossed < alpha * walks
