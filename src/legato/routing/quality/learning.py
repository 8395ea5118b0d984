"""Training the predictor from judged answers."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from legato.routing.quality.blend import STARTS, Blend
from legato.routing.quality.doubt import Doubt
from legato.routing.quality.members import Floats, Lesson, Linear, Neighbours, Topics, Words
from legato.routing.quality.model import QualityModel
from legato.routing.quality.prediction import LEAST
from legato.routing.quality.prior import prior_of
from legato.routing.quality.question import Question
from legato.routing.quality.space import Space
from legato.routing.quality.task_classes import classes_of
from legato.routing.quality.trained import Trained

QUESTIONS_MIN: Final = 20
"""With fewer judged questions nothing is learned that the prior doesn't say better."""
_FOLDS: Final = 5
_SEED: Final = 20_251
_LINEAR_RIDGES: Final = (1_000.0, 3_000.0, 10_000.0, 30_000.0)
_MEASURE_RIDGES: Final = (100.0, 300.0, 1_000.0)
_WORD_RIDGES: Final = (10.0, 30.0)
_BOTH: Final = (1.0, 4.0)
_MEASURES_ONLY: Final = (0.0, 1.0)
_SPEND_RIDGE: Final = 300.0

_Member = TypeVar("_Member", Linear, Words, Topics, Neighbours)


class Judged(NamedTuple):
    """Judged answers: a row per question, a column per deployment, NaN where there is none.

    `outcomes` lie between 0 and 1 (1: good enough), `costs` are in USD. `classes` names each
    question's task class where somebody gave it one, else "". `models` says which model a
    deployment is of. `trust` says how much each outcome counts, above 0 and up to 1; all count
    fully without it.
    """

    questions: Sequence[Question]
    deployments: tuple[str, ...]
    outcomes: Floats
    costs: Floats | None = None
    classes: Sequence[str] = ()
    models: Mapping[str, str] = {}
    trust: Floats | None = None


class Learned(NamedTuple):
    """A predictor, and what it would have said of each training question without having seen it.

    `crossfit` and `crossfit_costs` have the shape of the outcomes; the costs are None where none
    was known. Figures about the training data are honest only where they rest on these.
    """

    model: QualityModel
    crossfit: Floats
    crossfit_costs: Floats | None


def learn(judged: Judged, embedder: str) -> Learned:
    """Train on judged answers; the same answers make the same predictor.

    Raises ValueError where there are fewer than `QUESTIONS_MIN` questions.
    """
    if len(judged.questions) < QUESTIONS_MIN:
        msg = f"{len(judged.questions)} judged questions, {QUESTIONS_MIN} are needed"
        raise ValueError(msg)
    priors = tuple(prior_of(judged.models.get(name, name)) for name in judged.deployments)
    space = Space.around(judged.questions, embedder)
    rows = space.rows(judged.questions)
    known = ~np.isnan(judged.outcomes)
    expected = np.array([one.mean for one in priors])
    lesson = Lesson(
        rows,
        np.where(known, judged.outcomes - expected, 0.0),
        known,
        np.array([one.weight for one in priors]),
        classes_of(rows, judged.classes),
        known.astype(np.float64) if judged.trust is None else np.where(known, judged.trust, 0.0),
    )
    folds = _folds(len(rows.dense))
    linear, linear_said = _best(lesson, folds, partial(Linear.fit, emphasis=_BOTH), _LINEAR_RIDGES)
    measures, measures_said = _best(
        lesson, folds, partial(Linear.fit, emphasis=_MEASURES_ONLY), _MEASURE_RIDGES
    )
    words, words_said = _best(lesson, folds, Words.fit, _WORD_RIDGES)
    topics_said = _crossfit(lesson, folds, Topics.fit)
    near_said = _crossfit(lesson, folds, Neighbours.fit)
    said = np.stack([linear_said, measures_said, words_said, topics_said, near_said])
    blends = [(_blended(said, lesson, folds, start), start) for start in STARTS]
    mixed, start = min(blends, key=lambda one: _error(lesson, one[0]))
    crossfit = np.clip(expected + mixed, LEAST, 1.0 - LEAST)
    spend, costs = _spend(judged, lesson, folds)
    trained = Trained(
        judged.deployments,
        priors,
        tuple(int(count) for count in known.sum(0)),
        space,
        linear,
        measures,
        words,
        Topics.fit(lesson),
        Neighbours.fit(lesson),
        Blend.fit(said, lesson.residuals, lesson.trust, start),
        Doubt.fit(lesson, expected, lesson.residuals + expected - crossfit),
        spend,
    )
    return Learned(QualityModel(embedder, trained, judged.models), crossfit, costs)


def _folds(count: int) -> list[NDArray[np.int64]]:
    order = np.random.default_rng(_SEED).permutation(count)
    return [np.sort(order[place::_FOLDS]) for place in range(_FOLDS)]


def _crossfit(
    lesson: Lesson, folds: Sequence[NDArray[np.int64]], fit: Callable[[Lesson], _Member]
) -> Floats:
    said = np.empty(lesson.residuals.shape)
    everyone = np.arange(len(said))
    for held in folds:
        member = fit(lesson.of(np.setdiff1d(everyone, held)))
        said[held] = member.predict(lesson.of(held).rows)
    return said


def _best(
    lesson: Lesson,
    folds: Sequence[NDArray[np.int64]],
    fit: Callable[..., _Member],
    ridges: Sequence[float],
) -> tuple[_Member, Floats]:
    """Return the member whose penalty did best on questions it hadn't seen, and its words there."""
    found: list[tuple[float, float, Floats]] = []
    for ridge in ridges:
        said = _crossfit(lesson, folds, partial(fit, ridge=ridge))
        found.append((_error(lesson, said), ridge, said))
    _, ridge, said = min(found, key=lambda one: one[0])
    return fit(lesson, ridge=ridge), said


def _error(lesson: Lesson, said: Floats) -> float:
    squares = (lesson.residuals - said)[lesson.known] ** 2
    return float(np.average(squares, weights=lesson.trust[lesson.known]))


def _blended(
    said: Floats,
    lesson: Lesson,
    folds: Sequence[NDArray[np.int64]],
    start: tuple[float, ...],
) -> Floats:
    """Blend cross-fitted words by weights that were found on the other folds."""
    mixed = np.empty(lesson.residuals.shape)
    everyone = np.arange(len(mixed))
    for held in folds:
        others = np.setdiff1d(everyone, held)
        blend = Blend.fit(said[:, others], lesson.residuals[others], lesson.trust[others], start)
        mixed[held] = blend.mixed(said[:, held])
    return mixed


def _spend(
    judged: Judged, lesson: Lesson, folds: Sequence[NDArray[np.int64]]
) -> tuple[Linear | None, Floats | None]:
    """Learn the logarithm of an answer's cost; cross-fitted costs beside it."""
    if judged.costs is None:
        return None, None
    known = ~np.isnan(judged.costs) & (judged.costs > 0.0)
    if not known.any(0).all():
        return None, None
    logs = np.where(known, np.log(np.where(known, judged.costs, 1.0)), 0.0)
    own = lesson._replace(
        residuals=logs,
        known=known,
        weights=np.full(len(judged.deployments), 1e-6),
        trust=known.astype(np.float64),
    )
    said = _crossfit(own, folds, lambda part: Linear.fit(part, _SPEND_RIDGE))
    # a mean of logarithms is less than the logarithm of the mean: Duan's smearing factor
    smear = np.where(known, np.exp(logs - said), 0.0).sum(0) / known.sum(0)
    spend = Linear.fit(own, _SPEND_RIDGE)
    spend = Linear((spend.base + np.log(smear)).astype(np.float32), spend.coefficients)
    return spend, np.exp(said) * smear
