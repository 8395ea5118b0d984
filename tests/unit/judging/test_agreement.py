"""Against figures that are printed in the sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.judging.agreement import (
    cohen_kappa,
    confusion,
    exact_agreement,
    krippendorff_alpha,
    quadratic_kappa,
    spearman,
)

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability": the example C, by unit, of
# four observers with missing values.
UNITS = [
    [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
    [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
]  # fmt: skip


def test_krippendorffs_own_example() -> None:
    assert krippendorff_alpha(UNITS) == pytest.approx(0.815, abs=0.0005)


def test_cohens_kappa_of_two_by_two() -> None:
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert quadratic_kappa(pairs) == pytest.approx(0.4)
    assert exact_agreement(pairs) == 0.7
    assert confusion(pairs) == {(0, 0): 15, (0, 1): 10, (1, 0): 5, (1, 1): 20}


def test_nearer_disagreements_weigh_less() -> None:
    near = [(1, 2), (2, 1), (5, 5), (1, 1)]
    far = [(1, 5), (5, 1), (5, 5), (1, 1)]
    weighted = [quadratic_kappa(pairs) for pairs in (near, far)]
    assert weighted[0] is not None
    assert weighted[1] is not None
    assert weighted[0] > 0.8
    assert weighted[1] < 0.1


def test_spearman_with_ties_at_their_mean_rank() -> None:
    # ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4: Pearson's of these is 4.5 / sqrt(4.5 * 5)
    assert spearman([(1, 10), (2, 30), (2, 20), (9, 40)]) == pytest.approx(4.5 / (4.5 * 5) ** 0.5)
    assert spearman([(1, 3), (2, 2), (3, 1)]) == pytest.approx(-1)


def test_what_cannot_be_told_is_none() -> None:
    assert exact_agreement([]) is None
    assert cohen_kappa([(3, 3), (3, 3)]) is None
    assert spearman([(1, 1), (1, 2)]) is None
    assert krippendorff_alpha([[1], [2]]) is None
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2))
def test_agreement_knows_no_first_labeller(pairs: list[tuple[int, int]]) -> None:
    turned = [(other, one) for one, other in pairs]
    for figure in (cohen_kappa, quadratic_kappa, spearman, exact_agreement):
        one, other = figure(pairs), figure(turned)
        assert one is other is None or one == pytest.approx(other)
