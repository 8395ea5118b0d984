"""What the semantic cache knows of one request on its way."""

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from legato.cache.semantic.entry import Entry
    from legato.core.decisions import SemanticFacts


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A question that may be answered from the semantic cache, and its partition."""

    partition: bytes
    text: str
    language: str


class Placed(NamedTuple):
    """A question's unit vector, and in which space it lies: those of two are never compared."""

    vector: "NDArray[np.float32]"
    space: str


class Flight(msgspec.Struct, eq=False):
    """A question under way; `partition` is empty where only the very same one may wait."""

    key: bytes
    partition: bytes
    vector: Any
    question: Any
    landed: asyncio.Event


class Looked(msgspec.Struct, eq=False):
    """Of a request that was looked up; `asked` is None where it isn't eligible.

    Such a one still waits for the very same request under way.
    """

    key: bytes
    scope: str
    """Whose bound decides."""
    asked: Asked | None = None
    tags: tuple[str, ...] = ()
    vector: Any = None
    question: Any = None
    nearest: "Entry | None" = None
    similarity: float = 0.0
    score: float = 0.0
    """How likely the nearest question has the same answer."""
    facts: "SemanticFacts | None" = None
    flight: Flight | None = None
