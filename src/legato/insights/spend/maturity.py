"""The maturity level, derived from what is live: the last of the steps that are all taken."""

from typing import Final

import msgspec

from legato.economics.kpis import Counts
from legato.storage.kpis.practices import Practices

_SAVED_PERCENT: Final = 40
_UNPRICED_PERCENT: Final = 5
_FEATURES: Final = 2
_PERCENT: Final = 100


class Step(msgspec.Struct, frozen=True):
    """One level: what it asks for, whether it is reached, and by what that is told."""

    level: int
    title: str
    is_reached: bool
    why: str


class Maturity(msgspec.Struct, frozen=True):
    """The level, 1 to 7, and why each step is reached or isn't."""

    level: int
    steps: tuple[Step, ...]


def maturity(counts: Counts, practices: Practices) -> Maturity:
    """Derive it from a period's traffic and what was done in it."""
    saved = counts.saved * _PERCENT // (counts.cost + counts.saved or 1)
    unpriced = counts.unpriced * _PERCENT / (counts.attempts or 1)
    is_priced = counts.attempts > 0 and unpriced <= _UNPRICED_PERCENT
    tested = practices.labels > 0 or practices.evaluations > 0
    revenue = "revenue is known" if counts.revenue else "no revenue is known to compare with"
    steps = (
        Step(1, "no tracking", True, "where everybody begins"),
        Step(
            2,
            "basic monitoring",
            counts.requests > 0,
            f"{counts.requests} requests of {counts.features} features are in the ledger",
        ),
        Step(
            3,
            "unit economics and a pipeline",
            is_priced and counts.features >= _FEATURES and tested,
            f"{unpriced:.1f} % of attempts have no price (at most {_UNPRICED_PERCENT}), "
            f"{counts.features} features (at least {_FEATURES}), {practices.labels} live versions "
            f"in the registry and {practices.evaluations} evaluations (at least one of them)",
        ),
        Step(
            4,
            "routing, caching and batching save 40 % or more, and are tried against each other",
            saved >= _SAVED_PERCENT and practices.experiments > 0,
            f"{saved} % saved by prices (at least {_SAVED_PERCENT}), {practices.experiments} "
            "rollouts or holdouts (at least one)",
        ),
        Step(
            5,
            "trained routers or distillation, quality monitoring, profit by feature",
            practices.routers > 0 and practices.live_scores > 0 and bool(counts.revenue),
            f"{practices.routers} routers trained, {practices.live_scores} live scores, {revenue}",
        ),
        Step(
            6,
            "healthy at a hundred times the volume, custom models",
            False,
            "not measured: needs a projection at 100 times that stays viable",
        ),
        Step(7, "published benchmarks", False, "not measured: nothing here can tell"),
    )
    level = 1
    for step in steps:
        if not step.is_reached:
            break
        level = step.level
    return Maturity(level, steps)
