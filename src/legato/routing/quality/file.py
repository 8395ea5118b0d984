"""The predictor's file: a header and arrays in one piece, without code and without pickle.

A map of MessagePack: `format`, `embedder`, `models`, and per part of the predictor its arrays
(shape, bytes) and plain values. What is read is checked before it is believed: types, sizes, and
that all numbers are finite.
"""

from collections.abc import Mapping
from math import prod
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from legato.routing.quality.blend import Blend
from legato.routing.quality.doubt import Doubt
from legato.routing.quality.members import Linear, Neighbours, Topics, Words
from legato.routing.quality.prior import Prior
from legato.routing.quality.space import Space
from legato.routing.quality.trained import Trained

FORMAT: Final = 1
_TYPE: Final = "<f4"
_ARRAYS: Final = {
    "space": Space,
    "linear": Linear,
    "measures": Linear,
    "words": Words,
    "topics": Topics,
    "neighbours": Neighbours,
    "blend": Blend,
    "doubt": Doubt,
    "spend": Linear,
}


class UnreadableModel(ValueError):
    """A file is not a predictor of this format."""


class _Array(msgspec.Struct, frozen=True):
    shape: tuple[int, ...]
    data: bytes


class _Part(msgspec.Struct, frozen=True):
    arrays: dict[str, _Array]
    plain: dict[str, Any]


class _File(msgspec.Struct, frozen=True):
    format: int
    embedder: str
    models: dict[str, str]
    deployments: tuple[str, ...] = ()
    priors: tuple[Prior, ...] = ()
    evidence: tuple[int, ...] = ()
    parts: dict[str, _Part] = {}


class Content(NamedTuple):
    """What a predictor is made of; `models` says which model a deployment is of."""

    embedder: str
    trained: Trained | None
    models: Mapping[str, str]


def written(content: Content) -> bytes:
    """Return a predictor as bytes; the same predictor is the same bytes on every machine."""
    trained = content.trained
    models = dict(sorted(content.models.items()))
    if trained is None:
        return msgspec.msgpack.encode(_File(FORMAT, content.embedder, models))
    parts = {name: _part(part) for name in _ARRAYS if (part := getattr(trained, name)) is not None}
    return msgspec.msgpack.encode(
        _File(
            FORMAT,
            content.embedder,
            models,
            trained.deployments,
            trained.priors,
            trained.evidence,
            parts,
        )
    )


def read(content: bytes) -> Content:
    """Read a predictor. Raises UnreadableModel."""
    try:
        file = msgspec.msgpack.decode(content, type=_File)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreadableModel(f"it is no predictor: {error}") from None
    if file.format != FORMAT:
        raise UnreadableModel(f"its format is {file.format}, this version reads {FORMAT}")
    if not file.deployments:
        return Content(file.embedder, None, file.models)
    try:
        parts = {
            name: kind(**_fields(file.parts[name]))
            for name, kind in _ARRAYS.items()
            if name in file.parts
        }
        trained = Trained(file.deployments, file.priors, file.evidence, **parts)
    except (KeyError, TypeError) as error:
        raise UnreadableModel(f"parts are missing: {error}") from None
    _check(trained)
    return Content(file.embedder, trained, file.models)


def _part(part: msgspec.Struct) -> _Part:
    arrays, plain = {}, {}
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if isinstance(value, np.ndarray):
            arrays[name] = _Array(value.shape, np.ascontiguousarray(value, _TYPE).tobytes())
        else:
            plain[name] = value
    return _Part(arrays, plain)


def _fields(part: _Part) -> dict[str, Any]:
    return {**part.plain, **{name: _array(name, one) for name, one in part.arrays.items()}}


def _array(name: str, one: _Array) -> NDArray[np.float32]:
    if min(one.shape, default=1) < 0 or prod(one.shape) * 4 != len(one.data):
        raise UnreadableModel(f"{name} has not the size it claims")
    values = np.frombuffer(one.data, _TYPE).reshape(one.shape)
    if not np.isfinite(values).all():
        raise UnreadableModel(f"{name} holds what is no number")
    return values


def _check(trained: Trained) -> None:
    """Raise UnreadableModel where parts don't fit each other."""
    count, columns = len(trained.deployments), trained.space.centre.shape[0]
    members = (
        trained.linear,
        trained.measures,
        trained.words,
        trained.topics,
        trained.neighbours,
    )
    fits = (
        len(trained.priors) == len(trained.evidence) == count
        and all(one.base.shape == (count,) for one in members)
        and trained.linear.coefficients.shape == (columns, count)
        and trained.measures.coefficients.shape == (columns, count)
        and trained.words.coefficients.shape == (len(trained.space.rarity), count)
        and trained.topics.directions.shape == (columns, len(trained.topics.table))
        and trained.neighbours.residuals.shape == trained.neighbours.known.shape
        and trained.neighbours.residuals.shape == (len(trained.neighbours.near), count)
        and trained.blend.weights.shape == (2 * len(members), count)
        and len(trained.doubt.group) == trained.doubt.usual.shape[0] == count
        and max(trained.doubt.group) < len(trained.doubt.spread)
    )
    if not fits:
        raise UnreadableModel("its parts don't fit each other")
