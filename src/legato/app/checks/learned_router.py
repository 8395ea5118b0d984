"""A route's trained predictor, as the gateway asks it: read once, beside its embedder."""

import stat
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from legato.core.errors import ConfigInvalid, LegatoError
from legato.embedding.base import Embedder
from legato.embedding.loading import shared_embedder
from legato.gateway.quality import Estimate
from legato.routing.quality.file import UnreadableModel
from legato.routing.quality.model import QualityModel
from legato.routing.quality.question import question_of


class LearnedRouter:
    """Expects of deployments what their judged answers to such questions say."""

    def __init__(
        self, model: QualityModel, embedder: Embedder, stated: frozenset[str], version: str
    ) -> None:
        """Of `stated` deployments something is expected already: no prior takes its place."""
        self._model = model
        self._embedder = embedder
        self._stated = stated
        self.version = version
        """Of the predictor's file, `sha256:…`, or in the registry, `router/chat@3fa9c1d2e4b5`."""

    def __call__(self, text: str, names: Sequence[str]) -> dict[str, Estimate]:
        """Return what is expected of each deployment's answer to a text."""
        question = question_of(text, self._embedder.embed([text])[0])
        predictions = self._model.predict(question, names)
        return {
            name: Estimate(said.mean, said.deviation)
            for name, said in zip(names, predictions, strict=True)
            if said.evidence or name not in self._stated
        }


def learned_router(file: str, models: Mapping[str, str], stated: frozenset[str]) -> LearnedRouter:
    """Read a predictor; `models` says which model each of the route's deployments is of.

    Raises:
        ConfigInvalid: it can't be read, or its embedder isn't here.
    """
    model, embedder = _opened(file)
    return LearnedRouter(model.covering(models), embedder, stated, model.version)


@lru_cache(maxsize=16)
def _opened(file: str) -> tuple[QualityModel, Embedder]:
    try:
        if not stat.S_ISREG(Path(file).stat().st_mode):  # a device or a pipe may never end
            raise ConfigInvalid(f"quality.router: {file}: it is no file")
        model = QualityModel.from_bytes(Path(file).read_bytes())
    except OSError as error:
        raise ConfigInvalid(f"quality.router: {file}: {error.strerror}") from None
    except UnreadableModel as error:
        raise ConfigInvalid(f"quality.router: {file}: {error}") from None
    return model, embedder_of(model)


def embedder_of(model: QualityModel) -> Embedder:
    """Return what makes the vectors that a predictor is asked with.

    Raises:
        ConfigInvalid: it isn't here.
    """
    try:
        embedder = shared_embedder(model.embedder.partition("-")[0], Path())
    except LegatoError as error:
        raise ConfigInvalid(f"quality.router: {error.message}") from None
    if embedder.name != model.embedder:
        told = f"it was trained by the embedder {model.embedder}, here is {embedder.name}"
        raise ConfigInvalid(f"quality.router: {told}")
    return embedder
