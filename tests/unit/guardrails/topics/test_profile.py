"""Topics: calibrated by their examples and a background, scored from 0 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from legato.guardrails.topics.profile import background_of, nearness, profile_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSIONS = 32


def near(axis: int, count: int, seed: int) -> NDArray[np.float32]:
    """Return unit vectors about one direction."""
    noise = np.random.default_rng(seed).normal(0, 0.1, (count, DIMENSIONS))
    noise[:, axis] += 1.0
    rows: NDArray[np.float32] = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype("f4")
    return rows


BACKGROUND = background_of(np.vstack([near(axis, 10, axis) for axis in range(2, DIMENSIONS)]))
EXAMPLES = near(0, 8, 100)
NONE = np.zeros((0, DIMENSIONS), np.float32)


@pytest.mark.parametrize("allowing", [False, True])
def test_what_is_about_it_scores_above_half_and_the_background_below(*, allowing: bool) -> None:
    known = profile_of(EXAMPLES, NONE, BACKGROUND, background_share=0.01, allowing=allowing)
    assert known.recalled > 0.7
    assert known.passed <= 0.01
    assert (known.scores(BACKGROUND.placed(near(0, 20, 7))) >= 0.5).mean() > 0.9
    assert (known.scores(BACKGROUND.placed(near(5, 20, 8))) < 0.5).all()


def test_nearer_to_counter_examples_is_not_about_it() -> None:
    between = near(0, 8, 3) + near(1, 8, 4)
    plain = profile_of(EXAMPLES, NONE, BACKGROUND, background_share=0.01, allowing=True)
    told = profile_of(EXAMPLES, between, BACKGROUND, background_share=0.01, allowing=True)
    asked = BACKGROUND.placed(near(0, 5, 5) + near(1, 5, 6))
    assert (told.scores(asked) < plain.scores(asked)).all()


def test_a_text_of_unknown_words_is_about_nothing() -> None:
    known = profile_of(EXAMPLES, NONE, BACKGROUND, background_share=0.1, allowing=True)
    assert known.scores(BACKGROUND.placed(np.zeros((1, DIMENSIONS), np.float32))).tolist() == [0.0]


def test_a_stated_threshold_is_kept() -> None:
    known = profile_of(
        EXAMPLES, NONE, BACKGROUND, background_share=0.1, allowing=True, threshold=0.42
    )
    assert known.threshold == 0.42


def test_nearness_is_even_where_everyday_requests_part() -> None:
    said = np.vstack([near(0, 1, 1), near(1, 1, 2)])
    told = np.vstack([near(0, 1, 1), near(9, 3, 4)])
    same, other = nearness(said, told, BACKGROUND)
    assert same == pytest.approx(1.0)
    assert other < 0.5
    rows = BACKGROUND.rows
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -1.0)
    assert (cosines.max(axis=1) >= BACKGROUND.even).mean() == pytest.approx(0.25, abs=0.01)


def test_examples_of_unlike_matters_let_in_twice_the_share_at_most() -> None:
    unlike = np.vstack([near(axis, 1, axis) for axis in range(2, 12)])  # as everyday requests are
    for share in (0.02, 0.1):
        known = profile_of(unlike, NONE, BACKGROUND, background_share=share, allowing=True)
        assert known.passed <= 2 * share + 1 / len(BACKGROUND.rows)
