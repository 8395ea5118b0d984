"""Weights of the reranker, made by tools/train_reranker: don't edit.

An embedder's intercept, then one for each of `features.FEATURES`.
"""

from typing import Final

WEIGHTS: Final[dict[str, tuple[float, ...]]] = {
    "minilm": (-3.4274, 7.0855, 31.5842),
    "wordllama": (-3.5149, 6.9677, 30.8519),
}
