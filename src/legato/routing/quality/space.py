"""Questions as rows of numbers: measures and vectors on one scale, words by their rarity."""

import math
from base64 import b85decode
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from legato.routing.quality import known_effort
from legato.routing.quality.question import TERMS, Question

Array = NDArray[np.float32]
_NEAR_DIMENSIONS: Final = 64
_SAME: Final = 1e-6
_SCALED_MAX: Final = 6.0
"""Standard deviations; what lies further out says no more than this."""


class Rows(NamedTuple):
    """Questions for all members of the predictor at once; one question is a row.

    `dense` has vector and measures, standardised; `near` directions for looking up neighbours, of
    unit length, and `held` how much of a vector lies in them, 0 to 1; `terms` the words of all rows
    one after the other, row i's from `starts[i]`, with `weights`, each row's of unit length. The
    first `vector_columns` of `dense` are the vector's, the others measures.
    """

    dense: Array
    near: Array
    held: Array
    starts: NDArray[np.int64]
    terms: NDArray[np.int32]
    weights: Array
    vector_columns: int


class Space(msgspec.Struct, frozen=True, eq=False):
    """What of the training texts fixes the scales; `axes` are their vectors' main directions.

    `effort` makes further measures of vector and measures: how much work a question is, as public
    sets of solved problems say. It has no rows where that wasn't learned for this embedder.
    """

    effort: Array
    centre: Array
    scale: Array
    rarity: Array
    axes: Array

    @classmethod
    def around(cls, questions: Sequence[Question], embedder: str) -> "Space":
        """Measure training questions, whose vectors are an embedder's."""
        effort = _effort(embedder)
        dense = _side_by_side(questions, effort).astype(np.float64)
        centre, spread = dense.mean(0), dense.std(0)
        counts = np.bincount(
            np.concatenate([one.terms for one in questions]), minlength=TERMS
        ).astype(np.float64)
        rarity = np.log((1.0 + len(questions)) / (1.0 + counts)) + 1.0
        rarity[counts == 0] = 0.0  # nothing was learned about a word that never came
        vectors = np.stack([one.vector for one in questions]).astype(np.float64)
        _, directions = np.linalg.eigh(vectors.T @ vectors)
        axes = directions[:, ::-1][:, :_NEAR_DIMENSIONS]
        axes *= np.where(axes.sum(0) < 0.0, -1.0, 1.0)  # the same sign on every machine
        return cls(
            effort,
            centre.astype(np.float32),
            # what is the same in all texts says nothing
            np.where(spread > _SAME, 1.0 / np.maximum(spread, _SAME), 0.0).astype(np.float32),
            rarity.astype(np.float32),
            np.ascontiguousarray(axes, np.float32),
        )

    def rows(self, questions: Sequence[Question]) -> Rows:
        """Place questions in this space."""
        if len(questions) == 1:
            return self._row(questions[0])
        dense = (_side_by_side(questions, self.effort) - self.centre) * self.scale
        np.clip(dense, -_SCALED_MAX, _SCALED_MAX, out=dense)
        near = np.stack([one.vector for one in questions]) @ self.axes
        held = np.sqrt(np.einsum("ij,ij->i", near, near))
        near /= np.maximum(held, 1e-6)[:, None]
        lengths = [len(one.terms) for one in questions]
        starts = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=starts[1:])
        terms = np.concatenate([one.terms for one in questions])
        weights = self.rarity[terms]
        squares = np.zeros(len(terms) + 1)
        np.cumsum(weights.astype(np.float64) ** 2, out=squares[1:])
        norms = np.sqrt(np.maximum(squares[starts[1:]] - squares[starts[:-1]], 1e-12))
        weights = weights / np.repeat(norms, lengths).astype(np.float32)
        return Rows(dense, near, held, starts, terms, weights, len(self.axes))

    def _row(self, question: Question) -> Rows:
        """Place one question: what a request waits for, so without what only many need."""
        plain = np.concatenate((question.vector, question.features))
        if len(self.effort):
            plain = np.concatenate((plain, self.effort @ plain))
        dense = plain
        dense -= self.centre
        dense *= self.scale
        np.maximum(dense, -_SCALED_MAX, out=dense)
        np.minimum(dense, _SCALED_MAX, out=dense)
        near = question.vector @ self.axes
        held = math.sqrt(float(near @ near))
        near /= max(held, 1e-6)
        weights = self.rarity.take(question.terms)
        weights /= math.sqrt(max(float(weights @ weights), 1e-12))
        starts = np.array((0, len(question.terms)), np.int64)
        held_of = np.array((held,), np.float32)
        columns = len(self.axes)
        return Rows(dense[None], near[None], held_of, starts, question.terms, weights, columns)


def _side_by_side(questions: Sequence[Question], effort: Array) -> Array:
    plain = np.stack([np.concatenate((one.vector, one.features)) for one in questions])
    return np.concatenate([plain, plain @ effort.T], axis=1) if len(effort) else plain


def _effort(embedder: str) -> Array:
    if embedder != known_effort.EMBEDDER:
        return np.zeros((0, 0), np.float32)
    values = np.frombuffer(b85decode(known_effort.WEIGHTS), "<f2").astype(np.float32)
    return values.reshape(known_effort.ROWS, known_effort.COLUMNS)


def part(rows: Rows, chosen: NDArray[np.int64]) -> Rows:
    """Return some of the rows, in the given order."""
    lengths = (rows.starts[1:] - rows.starts[:-1])[chosen]
    starts = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    places = np.arange(starts[-1]) + np.repeat(rows.starts[chosen] - starts[:-1], lengths)
    return Rows(
        rows.dense[chosen],
        rows.near[chosen],
        rows.held[chosen],
        starts,
        rows.terms[places],
        rows.weights[places],
        rows.vector_columns,
    )
