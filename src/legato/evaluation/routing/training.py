"""Training a route's predictor, and what it promises by cross-fitting."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from legato.core.errors import InvalidRequest
from legato.embedding.base import Embedder
from legato.evaluation.routing.judging import train
from legato.evaluation.routing.report import weights_for
from legato.evaluation.routing.tables import JudgedTable
from legato.routing.quality.learning import Learned
from legato.routing.quality.members import Floats

JUDGED_MIN: Final = 100
"""A deployment with fewer judged answers is refused: its prior would say as much."""
_DRAWS: Final = 300
_SEED: Final = 4


def trained_router(
    table: JudgedTable, models: Mapping[str, str], embedder: Embedder
) -> tuple[dict[str, Any], bytes]:
    """Train; return what is known of each deployment, the frontier, and the predictor's file.

    Raises InvalidRequest with the counts where too little was judged.
    """
    known = ~np.isnan(table.outcomes)
    counts = (known if table.trust is None else table.trust).sum(0)
    few = [
        f"{name} has {count:.0f}"
        for name, count in zip(table.models, counts, strict=True)
        if count < JUDGED_MIN
    ]
    if few:
        raise InvalidRequest(
            f"too few judged answers: {', '.join(few)}; {JUDGED_MIN} are needed of each deployment"
        )
    learned = train(table, embedder, models)
    report = {
        "version": learned.model.version,
        "embedder": embedder.name,
        "questions": len(table.prompts),
        "deployments": [_deployment(table, learned, place) for place in range(len(table.models))],
        "held_out": _held_out(table, learned),
        "frontier": _frontier(table, learned),
    }
    return report, learned.model.to_bytes()


def _deployment(table: JudgedTable, learned: Learned, place: int) -> dict[str, Any]:
    """Return a deployment's mean quality and the mean absolute error of cross-fitted means."""
    judged = ~np.isnan(table.outcomes[:, place])
    outcomes = table.outcomes[judged, place]
    half = 1.96 * outcomes.std() / np.sqrt(len(outcomes))
    costs = table.costs[:, place]
    return {
        "deployment": table.models[place],
        "judged": int(judged.sum()),
        "mean": float(outcomes.mean()),
        "low": float(max(0.0, outcomes.mean() - half)),
        "high": float(min(1.0, outcomes.mean() + half)),
        # Brier's score (1950) of predictions made without the question's own answers
        "error": float(((learned.crossfit[judged, place] - outcomes) ** 2).mean()),
        "cost_usd": None if np.isnan(costs).all() else float(np.nanmean(costs)),
    }


def _held_out(table: JudgedTable, learned: Learned) -> dict[str, float]:
    """Return how much better predictions are than each deployment's mean, on questions not seen.

    Both are judged by the square of their error. `explained` is the share of the mean's error that
    isn't the predictions'; `low` and `high` enclose it with 95 % (bootstrap over questions).
    """
    known = ~np.isnan(table.outcomes)
    trust = known * (1.0 if table.trust is None else table.trust)
    outcomes = np.where(known, table.outcomes, 0.0)
    total, count = (trust * outcomes).sum(0), trust.sum(0)
    # without the answer itself, as the predictions are made without it
    usual = (total - trust * outcomes) / np.maximum(count - trust, 1e-9)
    errors = (trust * (learned.crossfit - outcomes) ** 2).sum(1)
    usual_errors = (trust * (usual - outcomes) ** 2).sum(1)
    chance = np.random.default_rng(_SEED)
    drawn = [
        _explained(errors[rows], usual_errors[rows])
        for rows in (chance.integers(len(errors), size=len(errors)) for _ in range(_DRAWS))
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {
        "error": float(errors.sum() / trust.sum()),
        "usual_error": float(usual_errors.sum() / trust.sum()),
        "explained": _explained(errors, usual_errors),
        "low": float(low),
        "high": float(high),
    }


def _explained(errors: Floats, usual_errors: Floats) -> float:
    whole = float(usual_errors.sum())
    return 0.0 if whole == 0.0 else 1.0 - float(errors.sum()) / whole


def _frontier(table: JudgedTable, learned: Learned) -> list[dict[str, float]]:
    """Return operating points, on questions that all deployments answered, with their costs."""
    if learned.crossfit_costs is None:
        return []
    whole = ~(np.isnan(table.outcomes) | np.isnan(table.costs)).any(1)
    outcomes, costs = table.outcomes[whole], table.costs[whole]
    if not len(outcomes):
        return []
    means, expected = learned.crossfit[whole], learned.crossfit_costs[whole]
    found: list[dict[str, float]] = []
    before: Floats | None = None
    for weight in weights_for(expected):
        chosen = (means - weight * expected).argmax(1)
        if before is not None and np.array_equal(chosen, before):
            continue
        before = chosen
        found.append({"cost_weight": float(weight), **_point(chosen, outcomes, costs)})
    return found


def _point(chosen: np.ndarray, outcomes: Floats, costs: Floats) -> dict[str, float]:
    rows = np.arange(len(chosen))
    got, paid = outcomes[rows, chosen], costs[rows, chosen]
    chance = np.random.default_rng(_SEED)
    drawn = [got[chance.integers(len(got), size=len(got))].mean() for _ in range(_DRAWS)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {
        "quality": float(got.mean()),
        "low": float(low),
        "high": float(high),
        "cost_usd": float(paid.mean()),
    }
