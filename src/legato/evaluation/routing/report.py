"""`legato eval routing`: what a router trained on one table does on another."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from legato.core.config_routing import Quality
from legato.core.errors import InvalidRequest
from legato.embedding.base import Embedder
from legato.evaluation.routing.judging import Router, Tried, train, try_out
from legato.evaluation.routing.pairs import KEPT, Pair, apgr, curve, intervals, outcome, share_at
from legato.evaluation.routing.tables import JudgedTable
from legato.routing.quality.learning import Learned
from legato.routing.quality.members import Floats

_WEIGHTS: Final = 120
_DRAWS: Final = 1_000
_SEED: Final = 13


def pair_report(
    trained_on: JudgedTable, table: JudgedTable, embedder: Embedder, kept: float
) -> dict[str, Any]:
    """Report on a strong and a weak model, in this order in both tables.

    The operating point keeps `kept` of the strong model's accuracy on the training table, by
    predictions that were made without the question's own answers. `share_at_95` is what
    published work compares: the best cut on the table itself.
    """
    _complete(trained_on)
    _complete(table)
    learned = train(trained_on, embedder)
    costs = _costs(trained_on)
    weight = cost_weight_for(
        learned.crossfit, _expected_costs(learned, costs), (trained_on.outcomes, costs), kept
    )
    assumed = tuple(costs.mean(0))
    tried = try_out(
        Router(learned.model, embedder, _terms(weight), trained_on.models[0], assumed), table
    )
    own = _costs(table)
    pair = Pair(table.outcomes[:, 0], table.outcomes[:, 1], own[:, 0], own[:, 1])
    score = tried.means[:, 0] - tried.means[:, 1] - weight * (tried.costs[:, 0] - tried.costs[:, 1])
    sent = tried.chosen == 0
    points = curve(score, pair)
    return {
        "accuracy_strong": float(pair.strong.mean()),
        "accuracy_weak": float(pair.weak.mean()),
        **outcome(sent, pair),
        "share_at_95": share_at(points),
        "apgr": apgr(points),
        "decision_us_p50": float(np.median(tried.took_us)),
        "decision_us_p99": float(np.quantile(tried.took_us, 0.99)),
        "questions": len(sent),
        "trained_on": len(trained_on.prompts),
        "costs_known": not bool(np.isnan(table.costs).any()),
        "cost_weight": weight,
        "intervals": intervals(score, sent, pair),
        "model": learned.model.version,
    }


def choice_report(
    trained_on: JudgedTable, table: JudgedTable, embedder: Embedder, kept: float
) -> dict[str, Any]:
    """Report on a choice among many models against the best single one of the training table."""
    _complete(trained_on)
    _complete(table)
    learned = train(trained_on, embedder)
    costs, own = _costs(trained_on), _costs(table)
    weight = cost_weight_for(
        learned.crossfit, _expected_costs(learned, costs), (trained_on.outcomes, costs), kept
    )
    assumed = tuple(costs.mean(0))
    tried = try_out(
        Router(learned.model, embedder, _terms(weight), trained_on.models[0], assumed), table
    )
    best = int(trained_on.outcomes.mean(0).argmax())
    cheapest = int(costs.mean(0).argmin())
    frontier = frontier_of(tried, table.outcomes, own, best)
    accuracy, cost = _outcome(tried.chosen, table.outcomes, own)
    at_best = table.outcomes[:, best].mean()
    enough = [one["cost_share"] for one in frontier if one["accuracy"] >= KEPT * at_best]
    parity = [one["cost_share"] for one in frontier if one["accuracy"] >= at_best]
    return {
        "accuracy_strong": float(at_best),
        "accuracy_weak": float(table.outcomes[:, cheapest].mean()),
        "accuracy": accuracy,
        "share_strong": float((tried.chosen == best).mean()),
        "cost_share": cost / float(own[:, best].mean()),
        "share_at_95": min(enough, default=None),
        "share_at_best": min(parity, default=None),
        "apgr": None,
        "decision_us_p50": float(np.median(tried.took_us)),
        "decision_us_p99": float(np.quantile(tried.took_us, 0.99)),
        "best_single": {
            "model": table.models[best],
            "accuracy": float(at_best),
            "cost": float(own[:, best].mean()),
        },
        "weakest_price": table.models[cheapest],
        "questions": len(table.prompts),
        "trained_on": len(trained_on.prompts),
        "cost_weight": weight,
        "intervals": _choice_intervals(tried.chosen, table.outcomes, own, best),
        "calls": {
            name: int((tried.chosen == place).sum()) for place, name in enumerate(table.models)
        },
        "frontier": frontier,
        "model": learned.model.version,
    }


def cost_weight_for(
    means: Floats, costs: Floats, truth: tuple[Floats, Floats], kept: float
) -> float:
    """Return the price of quality at which least is spent and this share of the best is kept.

    `truth` has outcomes and costs. Where no price keeps that much, the one that is most accurate.
    """
    outcomes, spent = truth
    wanted = kept * outcomes.mean(0).max()
    found = [
        (weight, *_outcome((means - weight * costs).argmax(1), outcomes, spent))
        for weight in weights_for(costs)
    ]
    enough = [one for one in found if one[1] >= wanted]
    if enough:
        return min(enough, key=lambda one: one[2])[0]
    return max(found, key=lambda one: one[1])[0]


def weights_for(costs: Floats) -> Sequence[float]:
    """Return prices of quality from next to nothing to where only the cheapest is called."""
    scale = float(costs.mean(0).max())
    return tuple(np.geomspace(1e-3, 1e3, _WEIGHTS) / scale)


def _terms(weight: float) -> Quality:
    return Quality(floor=0.0, caution=0.0, cost_weight=weight)


def frontier_of(tried: Tried, outcomes: Floats, costs: Floats, best: int) -> list[dict[str, float]]:
    """Return accuracy and cost at each price of quality, dearest first, without repetitions."""
    found: list[dict[str, float]] = []
    for weight in weights_for(tried.costs):
        chosen = (tried.means - weight * tried.costs).argmax(1)
        accuracy, cost = _outcome(chosen, outcomes, costs)
        point = {"accuracy": accuracy, "cost_share": cost / float(costs[:, best].mean())}
        if not found or {**found[-1], "cost_weight": 0.0} != {**point, "cost_weight": 0.0}:
            found.append({"cost_weight": float(weight), **point})
    return found


def _outcome(chosen: np.ndarray, outcomes: Floats, costs: Floats) -> tuple[float, float]:
    rows = np.arange(len(chosen))
    return float(outcomes[rows, chosen].mean()), float(costs[rows, chosen].mean())


def _choice_intervals(
    chosen: np.ndarray, outcomes: Floats, costs: Floats, best: int
) -> dict[str, tuple[float, float]]:
    chance = np.random.default_rng(_SEED)
    rows = np.arange(len(chosen))
    got, paid = outcomes[rows, chosen], costs[rows, chosen]
    drawn = []
    for _ in range(_DRAWS):
        some = chance.integers(len(rows), size=len(rows))
        accuracy, usual = got[some].mean(), outcomes[some, best].mean()
        drawn.append((accuracy, accuracy - usual, paid[some].sum() / costs[some, best].sum()))
    low, high = np.quantile(np.array(drawn), (0.025, 0.975), axis=0)
    names = ("accuracy", "accuracy_against_best", "cost_share")
    return {name: (float(low[place]), float(high[place])) for place, name in enumerate(names)}


def _costs(table: JudgedTable) -> Floats:
    """Return costs; where none is known a call of the first model costs 1, of others nothing."""
    if not np.isnan(table.costs).any():
        return table.costs
    return np.broadcast_to(np.eye(1, len(table.models)), table.costs.shape)


def _expected_costs(learned: Learned, costs: Floats) -> Floats:
    if learned.crossfit_costs is not None:
        return learned.crossfit_costs
    return np.broadcast_to(costs.mean(0), costs.shape)


def _complete(table: JudgedTable) -> None:
    missing = np.isnan(table.outcomes).sum(0)
    for name, count in zip(table.models, missing, strict=True):
        if count:
            raise InvalidRequest(f"{name} has no outcome in {count} rows: leave those rows out")
