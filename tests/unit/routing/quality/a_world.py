"""A made world: questions of known hardness, and deployments of known ability."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from legato.routing.quality.learning import Judged
from legato.routing.quality.question import Question, question_of

_DIMENSIONS = 32
_SUBJECTS = ("history of rivers", "sums of fractions", "organs of animals", "laws of trade")


class World(NamedTuple):
    """`truth` is the probability that each deployment's answer is good."""

    questions: list[Question]
    truth: NDArray[np.float64]
    outcomes: NDArray[np.float64]
    costs: NDArray[np.float64]


def a_world(count: int, abilities: tuple[float, ...], seed: int = 1) -> World:
    """Make questions about four subjects, each harder than the one before, longer ones harder."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(len(_SUBJECTS), _DIMENSIONS))
    subject = chance.integers(len(_SUBJECTS), size=count)
    longer = chance.integers(1, 40, size=count)
    vectors = centres[subject] + 0.5 * chance.normal(size=(count, _DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    questions = [
        question_of(
            f"What is known of the {_SUBJECTS[subject[n]]}, {' and '.join(['so'] * longer[n])}?",
            vectors[n].astype(np.float32),
        )
        for n in range(count)
    ]
    hardness = -1.5 + subject + 0.4 * np.log(longer)
    truth = 1.0 / (1.0 + np.exp(hardness[:, None] - np.array(abilities)))
    outcomes = (chance.random(truth.shape) < truth).astype(np.float64)
    costs = 1e-4 * np.exp(np.array(abilities)) * (1.0 + longer[:, None])
    return World(questions, truth, outcomes, costs)


def judged(world: World, names: tuple[str, ...]) -> Judged:
    """Return all answers of the world as judged."""
    return Judged(world.questions, names, world.outcomes, world.costs)
