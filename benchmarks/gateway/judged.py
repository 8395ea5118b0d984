"""Made-up judged answers, and a router trained from them: its size decides what asking it costs."""

from pathlib import Path
from typing import Final

import numpy as np

from legato.embedding.loading import load_embedder
from legato.evaluation.routing.tables import JudgedTable
from legato.evaluation.routing.training import trained_router

_QUESTIONS: Final = 1_000
_SEED: Final = 5


def write_router(path: Path) -> None:
    """Train a router for the deployments `small` and `large`, and write its file."""
    chance = np.random.default_rng(_SEED)
    hard = chance.random(_QUESTIONS) < 0.5
    prompts = [
        f"What is {number} + {number * 7} - 12?" if one else f"Which river runs by town {number}?"
        for number, one in enumerate(hard)
    ]
    small = np.where(hard, chance.random(_QUESTIONS) < 0.2, chance.random(_QUESTIONS) < 0.95)
    outcomes = np.column_stack([small, np.ones(_QUESTIONS)]).astype(float)
    costs = np.full((_QUESTIONS, 2), np.nan)
    table = JudgedTable(prompts, [""] * _QUESTIONS, ("small", "large"), outcomes, costs)
    _, content = trained_router(table, {}, load_embedder("wordllama", Path()))
    path.write_bytes(content)
