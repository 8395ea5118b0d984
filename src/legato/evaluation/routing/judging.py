"""Training and trying the router on tables, by the code that the gateway decides with."""

from collections.abc import Mapping, Sequence
from time import perf_counter_ns
from typing import Final, NamedTuple

import numpy as np

from legato.core.config_routing import Quality
from legato.core.decisions import Weighed
from legato.core.errors import InvalidRequest
from legato.embedding.base import Embedder
from legato.evaluation.routing.tables import JudgedTable
from legato.routing.good_enough import choose
from legato.routing.quality.learning import Judged, Learned, learn
from legato.routing.quality.members import Floats
from legato.routing.quality.model import QualityModel
from legato.routing.quality.prediction import Prediction
from legato.routing.quality.question import question_of

_NS_PER_US: Final = 1_000
_NANO: Final = 1e9


class Tried(NamedTuple):
    """What the router said of each question: a row per question, a column per model.

    `took_us` is how long a decision took, from the text to the ranking.
    """

    means: Floats
    costs: Floats
    chosen: np.ndarray
    took_us: Floats


def train(
    table: JudgedTable, embedder: Embedder, models: Mapping[str, str] | None = None
) -> Learned:
    """Train on all of a table; `models` says which model a column is of.

    Raises InvalidRequest where it is too small.
    """
    vectors = embedder.embed(table.prompts)
    questions = [
        question_of(text, vector) for text, vector in zip(table.prompts, vectors, strict=True)
    ]
    priced = None if np.isnan(table.costs).all(0).any() else table.costs
    judged = Judged(
        questions, table.models, table.outcomes, priced, table.classes, models or {}, table.trust
    )
    try:
        return learn(judged, embedder.name)
    except ValueError as error:
        raise InvalidRequest(f"too few to train on: {error}") from None


class Router(NamedTuple):
    """What decides, as a route by `cheapest_good_enough` does: `terms` weigh quality and cost.

    `assumed` is what a call of each model costs in USD where no cost was learned.
    """

    model: QualityModel
    embedder: Embedder
    terms: Quality
    baseline: str
    assumed: Sequence[float]


def try_out(router: Router, table: JudgedTable) -> Tried:
    """Decide each row as a gateway would: one text at a time."""
    count, width = len(table.prompts), len(table.models)
    means, costs = np.empty((count, width)), np.empty((count, width))
    chosen, took = np.empty(count, np.int64), np.empty(count)
    for row, text in enumerate(table.prompts):
        began = perf_counter_ns()
        question = question_of(text, router.embedder.embed([text])[0])
        predictions = router.model.predict(question, table.models)
        options = [
            Weighed(
                name,
                said.mean,
                said.deviation,
                round(_cost(said, place, router.assumed) * _NANO),
                0.0,
            )
            for place, (name, said) in enumerate(zip(table.models, predictions, strict=True))
        ]
        first = choose(options, router.baseline, router.terms, 0.0)
        took[row] = (perf_counter_ns() - began) / _NS_PER_US
        chosen[row] = table.models.index(first)
        means[row] = [one.mean for one in predictions]
        costs[row] = [(one.cost or 0) / _NANO for one in options]
    return Tried(means, costs, chosen, took)


def _cost(prediction: Prediction, place: int, assumed: Sequence[float]) -> float:
    return assumed[place] if prediction.cost_usd is None else prediction.cost_usd
