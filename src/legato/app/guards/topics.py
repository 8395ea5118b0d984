"""Wires the embedder that tells what texts are about, where rules name topics."""

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from legato.api.openai.embeddings import Embeddings
from legato.core.clock import SystemClock
from legato.core.config import Config
from legato.core.config_guardrails import TopicReading
from legato.core.errors import DetectorFailed
from legato.embedding.base import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from legato.core.tasks import InThread
    from legato.embedding.base import Embedder
    from legato.gateway.context import Call
    from legato.gateway.deployment_embedder import DeploymentEmbedder
    from legato.gateway.directory import Directory
    from legato.gateway.guards.topics import TopicEmbedding
    from legato.gateway.stages.call import CallStage
    from legato.gateway.stages.record import RecordStage

_ON_THE_SPOT: Final = "wordllama"
_ON_THE_SPOT_CHARS: Final = 16_384
"""More text than this is embedded in a thread."""
_BATCH: Final = 64


class LocalEmbedding:
    """An embedder of this process, opened when a request first needs it."""

    remote: bool = False

    def __init__(self, kind: str, models: "Path", in_thread: "InThread") -> None:
        self._kind = kind
        self._models = models
        self._in_thread = in_thread
        self._embedder: Embedder | None = None

    def open(self) -> "Embedder":
        """Open it, off the event loop. Raises EmbedderUnavailable."""
        from legato.embedding.loading import load_embedder  # noqa: PLC0415 - where it is used only

        if self._embedder is None:
            self._embedder = load_embedder(self._kind, self._models)
        return self._embedder

    async def __call__(self, _call: "Call", texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return the vectors. Raises EmbedderUnavailable."""
        embedder = self._embedder
        quick = self._kind == _ON_THE_SPOT and sum(map(len, texts)) <= _ON_THE_SPOT_CHARS
        if embedder is not None and quick:
            return embedder.embed(texts)
        vectors: NDArray[np.float32] = await self._in_thread(lambda: self.open().embed(texts))
        return vectors


class DeployedEmbedding:
    """A deployment of embeddings; what it is sent is redacted as for a model."""

    remote: bool = True

    def __init__(self, embedder: "Callable[[], DeploymentEmbedder]") -> None:
        self._open = embedder
        self._embedder: DeploymentEmbedder | None = None

    async def __call__(self, call: "Call", texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return the vectors. Raises LegatoError."""
        import numpy as np  # noqa: PLC0415 - an extra

        embedder = self._embedder = self._embedder or self._open()
        rows = [
            await embedder.all_of(call, texts[at : at + _BATCH])
            for at in range(0, len(texts), _BATCH)
        ]
        return np.vstack(rows)


class NoEmbedding:
    """Stands where the embedder isn't there: rules about topics can't look."""

    remote: bool = False

    async def __call__(self, _call: "Call", _texts: Sequence[str]) -> "NDArray[np.float32]":
        """Raise DetectorFailed."""
        raise DetectorFailed("guardrails.topics.embedder isn't there.")


def embedding_for(
    config: Config,
    models: "Path",
    in_thread: "InThread",
    *,
    directory: "Directory",
    stages: "Callable[[], tuple[CallStage, RecordStage]]",
    new_id: Callable[[], str],
) -> "TopicEmbedding":
    """Return what embeds; `stages` are known once a request comes."""
    said = config.guardrails.topics
    if said.embedder in KINDS:
        return LocalEmbedding(said.embedder, models, in_thread)
    deployment = next((one for one in config.deployments if one.name == said.embedder), None)
    if deployment is None:
        return NoEmbedding()
    model = deployment.model
    return DeployedEmbedding(lambda: _deployed(said, model, directory, stages(), new_id=new_id))


def _deployed(
    said: TopicReading,
    model: str,
    directory: "Directory",
    stages: "tuple[CallStage, RecordStage]",
    *,
    new_id: Callable[[], str],
) -> "DeploymentEmbedder":
    from legato.gateway.deployment_embedder import (  # noqa: PLC0415 - wants an extra
        DeploymentEmbedder,
        EmbedderRooms,
    )

    return DeploymentEmbedder(
        EmbedderRooms(
            directory=directory,
            call_stage=stages[0],
            record=stages[1],
            surface=Embeddings(),
            deployment=said.embedder,
            model=model,
            dimensions=said.dimensions or 0,
            within_s=said.time_ms / 1000,
            new_id=new_id,
            now_ns=SystemClock().now_ns,
            random=random.random,
        )
    )
