"""The predictor for one question: what a request waits for, so in as few steps as will do.

Says what `model.predicted` says of a row. With a handful of deployments the calls of numpy cost
more than their numbers, so what many members multiply with the same row is multiplied once.
"""

from typing import Final, NamedTuple

import numpy as np

from legato.routing.quality.members import NEAR_WEIGHT, NEIGHBOURS, SHARPNESS
from legato.routing.quality.prediction import DISAGREEMENT, LEAST
from legato.routing.quality.space import Array, Rows
from legato.routing.quality.trained import Trained

_MEMBERS: Final = 5


class Said(NamedTuple):
    """By deployment: mean, deviation, and cost in USD where any was learned."""

    means: Array
    deviations: Array
    costs: Array | None


class Single:
    """Built once for a predictor; holds nothing of a request."""

    def __init__(self, trained: Trained) -> None:
        """Lay out what was learned for one row at a time."""
        self._trained = trained
        count, topics = len(trained.deployments), trained.topics
        parts = [trained.linear.coefficients, trained.measures.coefficients, topics.directions]
        if trained.spend is not None:
            parts.append(trained.spend.coefficients)
        self._coefficients = np.ascontiguousarray(np.concatenate(parts, axis=1))
        self._bases = np.concatenate((trained.linear.base, trained.measures.base))
        self._topics_end = 2 * count + topics.directions.shape[1]
        near = trained.neighbours
        self._beside = np.ascontiguousarray(np.concatenate((near.residuals, near.known), axis=1))
        self._own, self._common = trained.blend.weights[:_MEMBERS], trained.blend.weights[_MEMBERS:]
        self._shift = trained.doubt.priors + trained.blend.offsets
        self._group = np.array(trained.doubt.group)
        self._width = max(trained.doubt.familiar - trained.doubt.strange, 1e-3)
        self._inverse_weights = 1.0 / (trained.doubt.weights + 1.0)

    def __call__(self, row: Rows) -> Said:
        """Predict for one row."""
        trained, count = self._trained, len(self._shift)
        products = row.dense[0] @ self._coefficients
        near, held = row.near[0], float(row.held[0])
        said = np.empty((_MEMBERS, count), np.float32)
        said[:2].reshape(-1)[:] = products[: 2 * count] + self._bases
        words = trained.words
        said[2] = words.base + row.weights @ words.coefficients[row.terms]
        said[3] = self._topics(products[2 * count : self._topics_end])
        nearby, likeness = self._nearby(near)
        said[4] = nearby
        mixed = (said * self._own).sum(0) + (said.sum(1) / count) @ self._common
        expected = np.minimum(np.maximum(self._shift + mixed, LEAST), 1.0 - LEAST)
        doubt = trained.doubt
        strange = min(max((doubt.familiar - likeness * held) / self._width, 0.0), 1.0)
        means = expected + strange * (doubt.usual - expected) if strange else expected
        unknown = means * (1.0 - means) * self._inverse_weights
        apart = said - said.sum(0) / _MEMBERS
        variance = doubt.noise * self._reach(near) + DISAGREEMENT / _MEMBERS * (apart * apart).sum(
            0
        )
        variance = np.minimum(variance, unknown)
        if strange:
            variance += strange * (unknown - variance)
        costs = None
        if trained.spend is not None:
            costs = np.exp(trained.spend.base + products[self._topics_end :])
        return Said(means, np.sqrt(variance), costs)

    def _topics(self, products: Array) -> Array:
        topics = self._trained.topics
        odds = products + topics.offsets
        shares = np.exp(odds - odds.max())
        return np.asarray(topics.base + (shares @ topics.table) / shares.sum(), np.float32)

    def _nearby(self, near: Array) -> tuple[Array, float]:
        """Return the neighbours' residuals, and how like the nearest is."""
        known = self._trained.neighbours
        if not len(known.near):
            return known.base, -1.0
        likeness = known.near @ near
        beside = self._beside
        if len(likeness) > NEIGHBOURS:
            nearest = likeness.argpartition(-NEIGHBOURS)[-NEIGHBOURS:]
            likeness, beside = likeness[nearest], beside[nearest]
        most = float(likeness.max())
        total = np.exp(SHARPNESS * (likeness - most)) @ beside
        count = len(known.base)
        return known.base + total[:count] / (total[count:] + NEAR_WEIGHT), most

    def _reach(self, near: Array) -> Array:
        place = np.empty(len(near) + 1, np.float32)
        place[:-1], place[-1] = near, 1.0
        reach = (self._trained.doubt.spread @ place) @ place
        return np.asarray(reach[self._group], np.float32)
