"""What is not known about a prediction: too little evidence nearby, members at odds, new ground."""

from typing import Final

import msgspec
import numpy as np

from legato.routing.quality.members import Floats, Lesson, alike
from legato.routing.quality.prediction import DISAGREEMENT
from legato.routing.quality.space import Array, Rows

_RIDGE: Final = 3.0
_FAMILIAR: Final = (0.005, 0.05)
"""Shares of training questions whose nearest other one lies further off."""


class Doubt(msgspec.Struct, frozen=True, eq=False):
    """How sure a mean is.

    `usual` is each deployment's mean quality, `noise` the variance of an outcome about what was
    expected, `spread` the inverse Gram matrices of the near directions, one for each group of
    deployments that were asked the same, `group` each deployment's. From `strange` to `familiar`
    (likeness to the nearest training question) a question goes from new ground to known.
    """

    usual: Array
    priors: Array
    weights: Array
    noise: Array
    spread: Array
    group: tuple[int, ...]
    strange: float
    familiar: float

    @classmethod
    def fit(cls, lesson: Lesson, priors: Floats, left: Floats) -> "Doubt":
        """Fit; `left` is outcome less cross-fitted prediction, `priors` the prior means."""
        groups = alike(lesson.trust)
        near = _with_one(lesson.rows.near).astype(np.float64)
        spread = []
        group = np.zeros(lesson.known.shape[1], int)
        for number, columns in enumerate(groups):
            used = lesson.known[:, columns[0]]
            own = near[used] * np.sqrt(lesson.trust[used, columns[0]])[:, None]
            spread.append(np.linalg.inv(own.T @ own + _RIDGE * np.eye(near.shape[1])))
            group[columns] = number
        count = lesson.trust.sum(0)
        outcomes = np.where(lesson.known, lesson.trust * lesson.residuals, 0.0).sum(0)
        usual = np.clip(priors + outcomes / (count + lesson.weights), 0.01, 0.99)
        doubt = usual * (1.0 - usual)
        squares = (lesson.trust * np.where(lesson.known, left, 0.0) ** 2).sum(0)
        strange, familiar = _nearness(lesson.rows)
        return cls(
            usual.astype(np.float32),
            priors.astype(np.float32),
            lesson.weights.astype(np.float32),
            ((squares + 4.0 * doubt) / (count + 4.0)).astype(np.float32),
            np.stack(spread).astype(np.float32),
            tuple(int(one) for one in group),
            strange,
            familiar,
        )

    def weighed(
        self, rows: Rows, expected: Array, said: Array, likeness: Array
    ) -> tuple[Array, Array]:
        """Return means and deviations; on new ground a mean is drawn to the deployment's usual."""
        width = max(self.familiar - self.strange, 1e-3)
        strange = np.clip((self.familiar - likeness) / width, 0.0, 1.0)[:, None]
        means = expected + strange * (self.usual - expected)
        near = _with_one(rows.near)
        reach = ((near @ self.spread) * near).sum(2).T[:, list(self.group)]
        variance = self.noise * reach + DISAGREEMENT * said.var(0)
        unknown = means * (1.0 - means) / (self.weights + 1.0)
        variance = np.minimum(variance, unknown)
        variance = variance + strange * (unknown - variance)
        return means, np.sqrt(variance)


def _with_one(near: Array) -> Array:
    return np.concatenate([near, np.ones((len(near), 1), near.dtype)], axis=1)


def _nearness(rows: Rows) -> tuple[float, float]:
    """Return the likeness below which a question is new ground, and above which it is known."""
    if len(rows.dense) < 2:  # noqa: PLR2004 - no other question
        return 0.0, 1.0
    nearest = np.empty(len(rows.dense))
    for start in range(0, len(rows.dense), 512):
        block = rows.near[start : start + 512] @ rows.near.T
        block[np.arange(len(block)), np.arange(start, start + len(block))] = -1.0
        nearest[start : start + 512] = block.max(1) * rows.held[start : start + 512]
    low, high = np.quantile(nearest, _FAMILIAR)
    return float(low - (high - low)), float(high)
