"""Training on one table and trying on another, with the real embedder and predictor."""

from pathlib import Path

import numpy as np
import pytest

from legato.core.errors import InvalidRequest
from legato.embedding.loading import load_embedder
from legato.evaluation.routing.report import choice_report, pair_report
from legato.evaluation.routing.tables import JudgedTable

EMBEDDER = load_embedder("wordllama", Path())
MODELS = ("large", "small", "tiny")
CHANCES = {"sum": (0.95, 0.55, 0.3), "river": (0.95, 0.95, 0.3)}


def _table(count: int, seed: int) -> JudgedTable:
    """Sums are beyond the small model, rivers are not."""
    chance = np.random.default_rng(seed)
    kinds = chance.choice(["sum", "river"], count)
    sizes = chance.integers(10, 999, size=(count, 3))
    prompts = [
        f"What is {a} + {b} - {c}?" if kind == "sum" else f"Which river runs through town {a}?"
        for kind, (a, b, c) in zip(kinds, sizes, strict=True)
    ]
    good = chance.random((count, 3)) < np.array([CHANCES[kind] for kind in kinds])
    costs = np.tile([0.01, 0.001, 0.0001], (count, 1))
    return JudgedTable(prompts, list(kinds), MODELS, good.astype(float), costs)


TRAIN, TEST = _table(400, 1), _table(300, 2)


def _pair(table: JudgedTable) -> JudgedTable:
    return table._replace(
        models=MODELS[:2], outcomes=table.outcomes[:, :2], costs=table.costs[:, :2]
    )


def test_a_pair_is_told_apart() -> None:
    found = pair_report(_pair(TRAIN), _pair(TEST), EMBEDDER, 0.95)
    assert found["share_at_95"] < 0.6
    assert found["share_strong"] < 0.6
    assert found["accuracy"] > 0.95 * found["accuracy_strong"] - 0.04
    assert found["apgr"] > 0.65
    assert found["decision_us_p50"] > 0
    low, high = found["intervals"]["share_at_95"]
    assert low <= found["share_at_95"] <= high


def test_among_many_the_router_saves_and_stays_as_good() -> None:
    found = choice_report(TRAIN, TEST, EMBEDDER, 0.98)
    assert found["best_single"]["model"] == "large"
    assert found["accuracy"] > found["best_single"]["accuracy"] - 0.05
    assert found["cost_share"] < 0.75
    assert sum(found["calls"].values()) == 300
    shares = [one["cost_share"] for one in found["frontier"]]
    assert shares == sorted(shares, reverse=True)


def test_the_same_tables_make_the_same_figures() -> None:
    one, two = (pair_report(_pair(TRAIN), _pair(TEST), EMBEDDER, 0.95) for _ in range(2))
    timed = {"decision_us_p50", "decision_us_p99"}
    assert {k: v for k, v in one.items() if k not in timed} == {
        k: v for k, v in two.items() if k not in timed
    }


def test_a_table_with_gaps_is_refused_with_their_number() -> None:
    outcomes = TEST.outcomes.copy()
    outcomes[:7, 1] = np.nan
    with pytest.raises(InvalidRequest, match="small has no outcome in 7 rows"):
        choice_report(TRAIN, TEST._replace(outcomes=outcomes), EMBEDDER, 1.0)
