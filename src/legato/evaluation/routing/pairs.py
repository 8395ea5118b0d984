"""Measures of a router between a strong and a weak model.

As in RouteLLM (Ong et al. 2024, arXiv:2406.18665): of all questions those with the highest scores
go to the strong model; each share of them makes a point of accuracy and cost.
"""

from typing import Final, NamedTuple

import numpy as np

from legato.routing.quality.members import Floats

KEPT: Final = 0.95
_DRAWS: Final = 1_000
_SEED: Final = 95


class Curve(NamedTuple):
    """Share of strong calls, accuracy and cost (as a share of all strong) at each cut."""

    share: Floats
    accuracy: Floats
    cost: Floats


class Pair(NamedTuple):
    """Answers of two models to the same questions, with costs; 1 and 0 where none is known."""

    strong: Floats
    weak: Floats
    cost_strong: Floats
    cost_weak: Floats

    def of(self, chosen: np.ndarray) -> "Pair":
        """Return the pair at some questions."""
        return Pair(*(column[chosen] for column in self))


def curve(score: Floats, pair: Pair) -> Curve:
    """Return the points, from none to all questions sent to the strong model."""
    order = np.argsort(-score, kind="stable")
    count = len(order)
    gain = (pair.strong - pair.weak)[order]
    extra = (pair.cost_strong - pair.cost_weak)[order]
    return Curve(
        np.arange(count + 1) / count,
        (pair.weak.sum() + np.concatenate([[0.0], np.cumsum(gain)])) / count,
        (pair.cost_weak.sum() + np.concatenate([[0.0], np.cumsum(extra)])) / pair.cost_strong.sum(),
    )


def share_at(points: Curve, kept: float = KEPT) -> float:
    """Return the least cost that keeps this share of the strong model's accuracy."""
    enough = points.accuracy >= kept * points.accuracy[-1]
    return float(points.cost[enough].min())


def apgr(points: Curve) -> float:
    """Return the average share of the gap recovered, over all shares of strong calls.

    NaN where both models are equally accurate.
    """
    weak, strong = points.accuracy[0], points.accuracy[-1]
    if strong == weak:
        return float("nan")
    return float(np.trapezoid((points.accuracy - weak) / (strong - weak), points.share))


def intervals(score: Floats, sent: np.ndarray, pair: Pair) -> dict[str, tuple[float, float]]:
    """Return 95 % bootstrap intervals over questions; `sent` are those for the strong model."""
    chance = np.random.default_rng(_SEED)
    drawn: dict[str, list[float]] = {
        "share_at_95": [], "apgr": [], "accuracy": [], "share_strong": [], "cost_share": []
    }  # fmt: skip
    for _ in range(_DRAWS):
        chosen = chance.integers(len(score), size=len(score))
        some = pair.of(chosen)
        points = curve(score[chosen], some)
        drawn["share_at_95"].append(share_at(points))
        drawn["apgr"].append(apgr(points))
        for name, value in outcome(sent[chosen], some).items():
            drawn[name].append(value)
    return {
        name: (float(np.nanquantile(values, 0.025)), float(np.nanquantile(values, 0.975)))
        for name, values in drawn.items()
    }


def outcome(sent: np.ndarray, pair: Pair) -> dict[str, float]:
    """Return what comes of sending these questions to the strong model, the others to the weak."""
    accuracy = np.where(sent, pair.strong, pair.weak).mean()
    cost = np.where(sent, pair.cost_strong, pair.cost_weak).sum() / pair.cost_strong.sum()
    return {
        "accuracy": float(accuracy),
        "share_strong": float(sent.mean()),
        "cost_share": float(cost),
    }
