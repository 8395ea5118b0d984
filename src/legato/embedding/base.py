"""What every embedder is, and what can be missing of one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from legato.core.errors import OperatorError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KINDS = ("wordllama", "minilm")
"""The embedders that run in this process, cheapest first."""


class EmbedderUnavailable(OperatorError):
    """An embedder's package or weights are missing, or are not what they should be."""

    code = "embedder_unavailable"
    http_status = 503


class Embedder(Protocol):
    """Turns texts into unit vectors; blocking, and safe to use after a fork."""

    @property
    def name(self) -> str:
        """Kind, dimensions and a hash of the weights: vectors of two names are never compared."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    @property
    def chars_max(self) -> int:
        """So much of a text is looked at. Who must not ignore the rest refuses longer texts."""
        ...

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return an array of shape (texts, dimensions), each row of length 1.

        A text in which nothing is known to the model (an empty one) has a row of zeros: it is
        similar to nothing, not even to itself.
        """
        ...
