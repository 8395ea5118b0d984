"""How the members' words are weighed: by how right they were on questions they hadn't seen."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from legato.routing.quality.members import Floats
from legato.routing.quality.space import Array

STARTS: Final = ((0.7, 0.3, 0.0, 0.0, 0.0), (0.25, 0.0, 0.25, 0.25, 0.25))
"""By member, as in `model.predicted`: with little data the simplest are the most right."""
_SHARED_RIDGE: Final = 50.0
_OWN_RIDGE: Final = 10_000.0
"""In squares of what members say: how firmly weights are held to the start, and to all's."""
_OFFSET_WEIGHT: Final = 10.0


class Blend(msgspec.Struct, frozen=True, eq=False):
    """`weights` has a row per member and, after them, per member's mean over all deployments.

    There is a column per deployment. `offsets` are added to each. The mean over all deployments is
    how hard a question is for everybody: what one lacks evidence of, others have seen.
    """

    weights: Array
    offsets: Array

    @classmethod
    def fit(
        cls, said: Floats, residuals: Floats, trust: Floats, start: tuple[float, ...]
    ) -> "Blend":
        """Fit stacking weights (Wolpert 1992) by ridge regression towards a start.

        `said` has the members' cross-fitted residuals: (members, questions, deployments). `trust`
        says how much each outcome counts, 0 where there is none.
        """
        known: NDArray[np.bool_] = trust > 0.0
        members, _, deployments = said.shape
        views = _views(said)
        even = np.concatenate([start, np.zeros(members)])
        flat = views.reshape(2 * members, -1)[:, known.reshape(-1)]
        shared = _towards(even, flat, residuals[known], (trust[known], _SHARED_RIDGE))
        weights = np.empty((2 * members, deployments))
        offsets = np.zeros(deployments)
        for column in range(deployments):
            used = known[:, column]
            own, wanted = views[:, used, column], residuals[used, column]
            counted = trust[used, column]
            weights[:, column] = _towards(shared, own, wanted, (counted, _OWN_RIDGE))
            left = wanted - weights[:, column] @ own
            offsets[column] = (counted * left).sum() / (counted.sum() + _OFFSET_WEIGHT)
        return cls(weights.astype(np.float32), offsets.astype(np.float32))

    def mixed(self, said: NDArray[np.floating]) -> Array:
        """Return the residuals expected: (questions, deployments)."""
        own, common = self.weights[: len(said)], self.weights[len(said) :]
        found = np.einsum("kqd,kd->qd", said, own) + said.mean(2).T @ common
        return np.asarray(found + self.offsets, np.float32)


def _views(said: NDArray[np.floating]) -> NDArray[np.floating]:
    common = np.broadcast_to(said.mean(2, keepdims=True), said.shape)
    return np.concatenate([said, common])


def _towards(
    start: Floats,
    views: NDArray[np.floating],
    wanted: Floats,
    counted_and_ridge: tuple[Floats, float],
) -> Floats:
    counted, ridge = counted_and_ridge
    trusted = views * counted
    gram = trusted @ views.T + ridge * np.eye(len(views))
    left = trusted @ (wanted - start @ views)
    return np.asarray(start + np.linalg.solve(gram, left), np.float64)
