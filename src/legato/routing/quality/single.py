"""The predictor for one question: what a request waits for, so in as few steps as will do.

Says what `model.predicted` says of a row. What many members multiply with the same row is
multiplied once; what follows, five numbers for each deployment, is reckoned in plain floats:
there a call of numpy costs more than all of its numbers.
"""

from math import exp, sqrt
from typing import Final, NamedTuple

import numpy as np

from legato.routing.quality.members import NEAR_WEIGHT, NEIGHBOURS, SHARPNESS
from legato.routing.quality.prediction import DISAGREEMENT, LEAST
from legato.routing.quality.space import Array, Rows
from legato.routing.quality.trained import Trained

_MEMBERS: Final = 5
_APART: Final = DISAGREEMENT / _MEMBERS


class Said(NamedTuple):
    """By deployment: mean, deviation, and cost in USD where any was learned."""

    means: list[float]
    deviations: list[float]
    costs: list[float] | None


class _Own(NamedTuple):
    """What was learned of one deployment, but for its members' coefficients."""

    own: list[float]
    common: list[float]
    shift: float
    usual: float
    noise: float
    inverse_weight: float
    group: int


class Single:
    """Built once for a predictor; holds nothing of a request."""

    def __init__(self, trained: Trained) -> None:
        """Lay out what was learned for one row at a time."""
        topics, spend, doubt = trained.topics, trained.spend, trained.doubt
        self._count = count = len(trained.deployments)
        parts = [trained.linear.coefficients, trained.measures.coefficients, topics.directions]
        bases = [trained.linear.base, trained.measures.base, topics.offsets]
        if spend is not None:
            parts.append(spend.coefficients)
            bases.append(spend.base)
        self._coefficients = np.ascontiguousarray(np.concatenate(parts, axis=1))
        self._bases = np.concatenate(bases)
        self._topics_end = 2 * count + topics.directions.shape[1]
        self._has_spend = spend is not None
        self._words, one = trained.words, np.ones((len(topics.table), 1), np.float32)
        self._topics_table = np.concatenate((topics.table, one), axis=1)
        self._words_base, self._topics_base = trained.words.base.tolist(), topics.base.tolist()
        near = trained.neighbours
        self._near, self._near_base = near.near, near.base.tolist()
        self._beside = np.ascontiguousarray(np.concatenate((near.residuals, near.known), axis=1))
        self._spread = doubt.spread
        self._familiar, self._width = doubt.familiar, max(doubt.familiar - doubt.strange, 1e-3)
        self._deployments = _each(trained)

    def __call__(self, row: Rows) -> Said:
        """Predict for one row."""
        count, near = self._count, row.near[0]
        products = row.dense[0] @ self._coefficients
        products += self._bases
        plain = products.tolist()
        words = (row.weights @ self._words.coefficients.take(row.terms, axis=0)).tolist()
        start, end = 2 * count, self._topics_end
        topics = self._of_topics(products[start:end], max(plain[start:end]))
        nearby, likeness = self._nearby(near)
        said = list(
            zip(
                plain[:count],
                plain[count : 2 * count],
                map(float.__add__, self._words_base, words),
                map(float.__add__, self._topics_base, topics),
                map(float.__add__, self._near_base, nearby),
                strict=True,
            )
        )
        common = [sum(member) / count for member in zip(*said, strict=True)]
        strange = (self._familiar - likeness * float(row.held[0])) / self._width
        strange, reach = min(max(strange, 0.0), 1.0), self._reach(near)
        found = [
            _weighed(one, of, common, (strange, reach[of.group]))
            for one, of in zip(said, self._deployments, strict=True)
        ]
        costs = [exp(one) for one in plain[end:]] if self._has_spend else None
        return Said([mean for mean, _ in found], [deviation for _, deviation in found], costs)

    def _of_topics(self, odds: Array, most: float) -> list[float]:
        """Return the classes' residuals, less their base, weighed by their odds."""
        *total, shares = (np.exp(odds - most) @ self._topics_table).tolist()
        return [one / shares for one in total]

    def _nearby(self, near: Array) -> tuple[list[float], float]:
        """Return the neighbours' residuals, less their base, and how like the nearest is."""
        count = self._count
        if not len(self._near):
            return [0.0] * count, -1.0
        likeness, beside = self._near @ near, self._beside
        if len(likeness) > NEIGHBOURS:
            nearest = likeness.argpartition(-NEIGHBOURS)[-NEIGHBOURS:]
            likeness, beside = likeness.take(nearest), beside.take(nearest, axis=0)
        most = float(likeness.max())
        likeness -= most
        likeness *= SHARPNESS
        total: list[float] = (np.exp(likeness, out=likeness) @ beside).tolist()
        told = zip(total[:count], total[count:], strict=True)
        return [of_all / (known + NEAR_WEIGHT) for of_all, known in told], most

    def _reach(self, near: Array) -> list[float]:
        place = np.empty(len(near) + 1, np.float32)
        place[:-1], place[-1] = near, 1.0
        reach: list[float] = ((self._spread @ place) @ place).tolist()
        return reach


def _each(trained: Trained) -> list[_Own]:
    blend, doubt = trained.blend, trained.doubt
    return [
        _Own(*columns)
        for columns in zip(
            blend.weights[:_MEMBERS].T.tolist(),
            blend.weights[_MEMBERS:].T.tolist(),
            (doubt.priors + blend.offsets).tolist(),
            doubt.usual.tolist(),
            doubt.noise.tolist(),
            (1.0 / (doubt.weights + 1.0)).tolist(),
            doubt.group,
            strict=True,
        )
    ]


def _weighed(
    said: tuple[float, ...], of: _Own, common: list[float], ground: tuple[float, float]
) -> tuple[float, float]:
    """Return one deployment's mean and deviation; `ground` is how strange it is, and the reach."""
    strange, reach = ground
    a, b, c, d, e = said
    ka, kb, kc, kd, ke = of.own
    mean = of.shift + a * ka + b * kb + c * kc + d * kd + e * ke
    a_all, b_all, c_all, d_all, e_all = common
    ka, kb, kc, kd, ke = of.common
    mean += a_all * ka + b_all * kb + c_all * kc + d_all * kd + e_all * ke
    mean = min(max(mean, LEAST), 1.0 - LEAST)
    mean += strange * (of.usual - mean)
    unknown = mean * (1.0 - mean) * of.inverse_weight
    middle = (a + b + c + d + e) / _MEMBERS
    apart = (a - middle) ** 2 + (b - middle) ** 2 + (c - middle) ** 2
    apart += (d - middle) ** 2 + (e - middle) ** 2
    variance = min(of.noise * reach + _APART * apart, unknown)
    return mean, sqrt(variance + strange * (unknown - variance))
