"""An embedder that takes long, off the event loop: in a thread, with a bounded queue.

onnxruntime gives the interpreter's lock back while it computes, so a thread is enough.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from legato.core.errors import OperatorError
from legato.core.tasks import InThread
from legato.embedding.base import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WAITING_MAX = 32
"""Some tenths of a second; who comes later is better off without."""


class EmbedderBusy(OperatorError):
    """More texts are waiting than can be embedded in useful time."""

    code = "embedder_busy"
    http_status = 503
    retryable = True


class AsyncEmbedder(Protocol):
    """As `Embedder`, where the vectors come from elsewhere: a thread, a deployment."""

    @property
    def name(self) -> str:
        """Vectors of two names are never compared."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    @property
    def chars_max(self) -> int:
        """So much of a text is looked at."""
        ...

    async def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return unit vectors. Raises EmbedderBusy, and what a deployment's call may raise."""
        ...


class Background:
    """An `AsyncEmbedder` made of an `Embedder`, for one event loop."""

    def __init__(
        self, embedder: Embedder, in_thread: InThread, waiting_max: int = WAITING_MAX
    ) -> None:
        """`in_thread` should lead to a thread of its own: others would wait behind it."""
        self.name = embedder.name
        self.dimensions = embedder.dimensions
        self.chars_max = embedder.chars_max
        self._embedder = embedder
        self._in_thread = in_thread
        self._waiting_max = waiting_max
        self._waiting = 0
        self.refused = 0

    async def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return unit vectors. Raises EmbedderBusy where too many wait."""
        if self._waiting >= self._waiting_max:
            self.refused += 1
            raise EmbedderBusy("the embedder has too many texts waiting")
        self._waiting += 1
        try:
            rows: NDArray[np.float32] = await self._in_thread(lambda: self._embedder.embed(texts))
        finally:
            self._waiting -= 1
        return rows
