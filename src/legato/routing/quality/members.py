"""The predictor's members: five views of how far an answer's quality strays from what was expected.

Each learns residuals, outcome less prior, for all deployments at once; where a deployment has no
outcome for a question, that cell doesn't count. With no data each says nothing (0), and the more
there is, the more it says: so a new deployment starts at its prior.

- Linear: ridge regression on vector and measures (Hoerl & Kennard 1970), and on measures alone.
- Words: ridge regression on rare words and word pairs, by conjugate gradients.
- Topics: linear discriminant analysis into task classes (Fisher 1936), and a table of classes.
- Neighbours: a kernel-weighted mean of the nearest training questions (Nadaraya 1964).
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from legato.routing.quality.question import TERMS
from legato.routing.quality.space import Array, Rows, part

Floats = NDArray[np.float64]

_TOPIC_WEIGHT: Final = 15.0
NEIGHBOURS: Final = 200
SHARPNESS: Final = 10.0
NEAR_WEIGHT: Final = 4.0
_STEPS: Final = 40
_TOLERANCE: Final = 1e-3


class Lesson(NamedTuple):
    """What members learn from: a row per question, a column per deployment.

    `residuals` are outcomes less the prior; only cells that are `known` count, each as much as
    `trust` says: 1 for a judged answer, 0 where none is known. `weights` says how many answers'
    worth each deployment's prior speaks, `classes` numbers each row's task class.
    """

    rows: Rows
    residuals: Floats
    known: NDArray[np.bool_]
    weights: Floats
    classes: NDArray[np.int64]
    trust: Floats

    def of(self, chosen: NDArray[np.int64]) -> "Lesson":
        """Return the lesson of some questions."""
        return Lesson(
            part(self.rows, chosen),
            self.residuals[chosen],
            self.known[chosen],
            self.weights,
            self.classes[chosen],
            self.trust[chosen],
        )


class Linear(msgspec.Struct, frozen=True, eq=False):
    """`coefficients` has a row per column of `Rows.dense`, a column per deployment."""

    base: Array
    coefficients: Array

    @classmethod
    def fit(
        cls, lesson: Lesson, ridge: float, emphasis: tuple[float, float] = (1.0, 1.0)
    ) -> "Linear":
        """Fit; `ridge` is the penalty on a coefficient of a standardised column.

        `emphasis` scales the vector's columns and those of measures first: what is scaled up is
        penalised less, what is scaled to 0 not looked at.
        """
        rows, residuals, known = lesson.rows, lesson.residuals, lesson.known
        scale = np.repeat(
            emphasis, (rows.vector_columns, rows.dense.shape[1] - rows.vector_columns)
        )
        base = base_of(lesson)
        dense = rows.dense.astype(np.float64) * scale
        found = np.zeros((dense.shape[1], residuals.shape[1]))
        for columns in alike(lesson.trust):
            used = known[:, columns[0]]
            if used.any():
                root = np.sqrt(lesson.trust[used, columns[0]])[:, None]
                own = dense[used] * root
                gram = own.T @ own + ridge * np.eye(own.shape[1])
                wanted = (residuals[np.ix_(used, columns)] - base[columns]) * root
                found[:, columns] = np.linalg.solve(gram, own.T @ wanted)
        return cls(base.astype(np.float32), (found * scale[:, None]).astype(np.float32))

    def predict(self, rows: Rows) -> Array:
        """Return residuals, a row per question, a column per deployment."""
        return self.base + rows.dense @ self.coefficients


class Words(msgspec.Struct, frozen=True, eq=False):
    """`coefficients` has a row per term, a column per deployment."""

    base: Array
    coefficients: Array

    @classmethod
    def fit(cls, lesson: Lesson, ridge: float) -> "Words":
        """Fit by conjugate gradients on the normal equations, all deployments side by side."""
        rows, residuals, trust = lesson.rows, lesson.residuals, lesson.trust
        base = base_of(lesson)
        wanted = trust * (residuals - base)
        solution = np.zeros((TERMS, residuals.shape[1]))
        left = _back(rows, wanted, TERMS)
        direction, length = left.copy(), (left**2).sum(0)
        enough = _TOLERANCE**2 * np.maximum(length, 1e-12)
        for _ in range(_STEPS):
            image = _back(rows, trust * _forth(rows, direction), TERMS)
            image += ridge * direction
            step = length / np.maximum((direction * image).sum(0), 1e-12)
            solution += step * direction
            left -= step * image
            shorter = (left**2).sum(0)
            if (shorter <= enough).all():
                break
            direction = left + shorter / np.maximum(length, 1e-12) * direction
            length = shorter
        return cls(base.astype(np.float32), solution.astype(np.float32))

    def predict(self, rows: Rows) -> Array:
        """Return residuals, a row per question, a column per deployment."""
        if len(rows.dense) == 1:
            return self.base + (rows.weights @ self.coefficients[rows.terms])[None, :]
        return self.base + _forth(rows, self.coefficients)


class Topics(msgspec.Struct, frozen=True, eq=False):
    """`directions`, `offsets` give a question's log odds of classes, `table` their residuals."""

    base: Array
    directions: Array
    offsets: Array
    table: Array

    @classmethod
    def fit(cls, lesson: Lesson) -> "Topics":
        """Fit by the lesson's task classes."""
        rows, residuals, trust = lesson.rows, lesson.residuals, lesson.trust
        classes = lesson.classes
        base = base_of(lesson)
        dense = rows.dense.astype(np.float64)
        count = int(classes.max()) + 1
        sizes = np.bincount(classes, minlength=count).astype(np.float64)
        means = np.zeros((count, dense.shape[1]))
        np.add.at(means, classes, dense)
        means /= (sizes + 1.0)[:, None]  # a class of one question has no mean to rely on
        within = dense - means[classes]
        covariance = within.T @ within / len(dense)
        # Ledoit and Wolf's target, with a fixed share: a scaled identity
        covariance = 0.7 * covariance + 0.3 * np.eye(len(covariance)) * np.trace(covariance) / len(
            covariance
        )
        directions = np.linalg.solve(covariance, means.T)
        shares = (sizes + 1.0) / (sizes.sum() + count)
        offsets = np.log(shares) - 0.5 * np.einsum("ij,ji->i", means, directions)
        fitted = cls(
            base.astype(np.float32),
            directions.astype(np.float32),
            offsets.astype(np.float32),
            np.zeros((count, residuals.shape[1]), np.float32),
        )
        belongs = fitted.belongs(rows).astype(np.float64)
        weight = belongs.T @ trust
        total = belongs.T @ (trust * (residuals - base))
        table = total / (weight + _TOPIC_WEIGHT)
        return msgspec.structs.replace(fitted, table=table.astype(np.float32))

    def belongs(self, rows: Rows) -> Array:
        """Return each row's probabilities of the classes."""
        odds = rows.dense @ self.directions + self.offsets
        odds -= odds.max(1, keepdims=True)
        shares = np.exp(odds)
        return np.asarray(shares / shares.sum(1, keepdims=True), np.float32)

    def predict(self, rows: Rows) -> Array:
        """Return residuals, a row per question, a column per deployment."""
        return self.base + self.belongs(rows) @ self.table


class Neighbours(msgspec.Struct, frozen=True, eq=False):
    """Training questions with their residuals, 0 where unknown, each times its trust, `known`."""

    base: Array
    near: Array
    residuals: Array
    known: Array

    @classmethod
    def fit(cls, lesson: Lesson) -> "Neighbours":
        """Keep the questions."""
        rows, residuals, known = lesson.rows, lesson.residuals, lesson.known
        base = base_of(lesson)
        own = np.where(known, lesson.trust * (residuals - base), 0.0)
        return cls(
            base.astype(np.float32),
            rows.near,
            own.astype(np.float32),
            lesson.trust.astype(np.float32),
        )

    def predict(self, rows: Rows) -> Array:
        """Return residuals, a row per question, a column per deployment."""
        found = np.empty((len(rows.dense), len(self.base)), np.float32)
        for number, likeness in enumerate(self.likeness(rows)):
            found[number] = self.nearby(likeness)
        return self.base + found

    def likeness(self, rows: Rows) -> Array:
        """Return cosines of each row with each training question."""
        return np.asarray(rows.near @ self.near.T, np.float32)

    def nearby(self, likeness: Array) -> Array:
        """Return one row's residuals, less the base."""
        if not len(likeness):
            return np.zeros(len(self.base), np.float32)
        if len(likeness) > NEIGHBOURS:
            nearest = np.argpartition(likeness, -NEIGHBOURS)[-NEIGHBOURS:]
            likeness = likeness[nearest]
        else:
            nearest = np.arange(len(likeness))
        weights = np.exp(SHARPNESS * (likeness - likeness.max()))
        total = weights @ self.residuals[nearest]
        return np.asarray(total / (weights @ self.known[nearest] + NEAR_WEIGHT), np.float32)


def base_of(lesson: Lesson) -> Floats:
    """Return each deployment's mean residual, drawn towards 0 by its prior's weight."""
    total = np.where(lesson.known, lesson.trust * lesson.residuals, 0.0).sum(0)
    return np.asarray(total / (lesson.trust.sum(0) + lesson.weights), np.float64)


def alike(trust: Floats) -> list[NDArray[np.int64]]:
    """Return deployments in groups that were asked the same questions and are trusted alike."""
    groups: dict[bytes, list[int]] = {}
    for column in range(trust.shape[1]):
        groups.setdefault(trust[:, column].tobytes(), []).append(column)
    return [np.array(columns) for columns in groups.values()]


def _forth(rows: Rows, coefficients: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the product of the rows' words with coefficients."""
    products = rows.weights[:, None] * coefficients[rows.terms]
    sums = np.zeros((len(products) + 1, products.shape[1]))
    np.cumsum(products, axis=0, out=sums[1:])
    return sums[rows.starts[1:]] - sums[rows.starts[:-1]]


def _back(rows: Rows, values: Floats, terms: int) -> Floats:
    """Return the product of the rows' words, transposed, with a value per row."""
    lengths = rows.starts[1:] - rows.starts[:-1]
    found = np.empty((terms, values.shape[1]))
    for column in range(values.shape[1]):
        spread = np.repeat(values[:, column], lengths) * rows.weights
        found[:, column] = np.bincount(rows.terms, spread, minlength=terms)
    return found
