"""Task classes: those that people named, else groups of questions that lie close together."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from legato.routing.quality.space import Rows

_PER_CLASS: Final = 60
_CLASSES_MAX: Final = 64
_SEED: Final = 7
_ROUNDS: Final = 12


def classes_of(rows: Rows, names: Sequence[str]) -> NDArray[np.int64]:
    """Return each row's class, numbered from 0: by name if all have one, else by k-means."""
    if len(names) == len(rows.dense) and all(names) and 1 < len(set(names)) <= len(rows.dense) // 2:
        return np.unique(np.array(names), return_inverse=True)[1].astype(np.int64)
    count = int(np.clip(len(rows.dense) // _PER_CLASS, 2, _CLASSES_MAX))
    chance = np.random.default_rng(_SEED)
    centres = rows.near[chance.choice(len(rows.dense), count, replace=False)].copy()
    nearest = np.zeros(len(rows.dense), np.int64)
    for _ in range(_ROUNDS):
        nearest = (rows.near @ centres.T).argmax(1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, rows.near)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0.0, sums / np.maximum(lengths, 1e-12), centres)
    return np.unique(nearest, return_inverse=True)[1].astype(np.int64)
