"""An embedder that gives the vectors of the last few texts again: cache and router ask the same."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from legato.embedding.base import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEXTS_MAX: Final = 64
"""Between looking up a request and routing it others are looked up: so many at most."""


class Remembering:
    """An `Embedder` on another one. What it gives again must not be changed."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name = embedder.name
        self.dimensions = embedder.dimensions
        self.chars_max = embedder.chars_max
        self._known: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return the unit vectors of texts; see `Embedder`."""
        if len(texts) != 1:
            return self._embedder.embed(texts)
        (text,) = texts
        found = self._known.get(text)
        if found is None:
            found = self._embedder.embed(texts)
            found.flags.writeable = False
            if len(self._known) >= TEXTS_MAX:
                self._known.clear()
            self._known[text] = found
        return found
