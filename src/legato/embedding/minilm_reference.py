"""MiniLM-L6 in numpy, straight from the published definition: what a conversion is held against."""

from collections.abc import Mapping, Sequence
from math import erf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADS = 12
_LAYERS = 6
_EPSILON = 1e-12
Weights = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]

_erf = np.vectorize(erf, otypes=[np.float64])


def mean_of(weights: Weights, ids: Sequence[int]) -> Floats:
    """Return the mean of the last layer over the tokens `ids`: shape (384,)."""
    hidden = (
        weights["embeddings.word_embeddings.weight"][list(ids)].astype(np.float64)
        + weights["embeddings.position_embeddings.weight"][: len(ids)]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    hidden = _normalised(weights, "embeddings.LayerNorm", hidden)
    for layer in range(_LAYERS):
        prefix = f"encoder.layer.{layer}."
        attended = _attended(weights, f"{prefix}attention.self.", hidden)
        mixed = _dense(weights, f"{prefix}attention.output.dense", attended)
        hidden = _normalised(weights, f"{prefix}attention.output.LayerNorm", hidden + mixed)
        wide = _dense(weights, f"{prefix}intermediate.dense", hidden)
        active = wide * 0.5 * (1.0 + _erf(wide / sqrt(2.0)))
        narrow = _dense(weights, f"{prefix}output.dense", active)
        hidden = _normalised(weights, f"{prefix}output.LayerNorm", hidden + narrow)
    mean: Floats = hidden.mean(axis=0)
    return mean


def _attended(weights: Weights, prefix: str, hidden: Floats) -> Floats:
    tokens, width = hidden.shape
    query, key, value = (
        _dense(weights, prefix + part, hidden).reshape(tokens, _HEADS, -1).transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) / sqrt(width // _HEADS)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    attended: Floats = (scores @ value).transpose(1, 0, 2).reshape(tokens, width)
    return attended


def _dense(weights: Weights, name: str, hidden: Floats) -> Floats:
    done: Floats = hidden @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return done


def _normalised(weights: Weights, name: str, hidden: Floats) -> Floats:
    centred = hidden - hidden.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
    done: Floats = centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return done
