"""A route's trained predictor, as the gateway asks it: read once, beside its embedder."""

import stat
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from legato.core.errors import ConfigInvalid, LegatoError
from legato.embedding.base import Embedder
from legato.embedding.loading import shared_embedder
from legato.embedding.minilm_files import NAME as MINILM
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
        self.ahead = self._embed_ahead if _takes_long(embedder) else None
        self.version = version
        """Of the predictor's file, `sha256:…`, or in the registry, `router/chat@3fa9c1d2e4b5`."""

    def _embed_ahead(self, text: str) -> None:
        self._embedder.embed([text])  # which remembers it

    def __call__(self, text: str, names: Sequence[str]) -> dict[str, Estimate]:
        """Return what is expected of each deployment's answer to a text."""
        question = question_of(text, self._embedder.embed([text])[0])
        predictions = self._model.predict(question, names)
        return {
            name: Estimate(said.mean, said.deviation)
            for name, said in zip(names, predictions, strict=True)
            if said.evidence or name not in self._stated
        }


def _takes_long(embedder: Embedder) -> bool:
    return embedder.name.startswith(MINILM)


def learned_router(
    file: str, models: Mapping[str, str], stated: frozenset[str], weights: Path
) -> LearnedRouter:
    """Read a predictor; `models` says which model each of the route's deployments is of.

    `weights` is where pulled weights of embedders lie.

    Raises:
        ConfigInvalid: it can't be read, or its embedder isn't here.
    """
    model = read_router(file)
    return LearnedRouter(model.covering(models), embedder_of(model, weights), stated, model.version)


@lru_cache(maxsize=16)
def read_router(file: str) -> QualityModel:
    """Read a predictor's file. Raises ConfigInvalid where that can't be."""
    try:
        if not stat.S_ISREG(Path(file).stat().st_mode):  # a device or a pipe may never end
            raise ConfigInvalid(f"quality.router: {file}: it is no file")
        return QualityModel.from_bytes(Path(file).read_bytes())
    except OSError as error:
        raise ConfigInvalid(f"quality.router: {file}: {error.strerror}") from None
    except UnreadableModel as error:
        raise ConfigInvalid(f"quality.router: {file}: {error}") from None


def kind_of_embedder(model: QualityModel) -> str:
    """Return which kind of embedder a predictor is asked with: `wordllama`, `minilm`."""
    return model.embedder.partition("-")[0]


def embedder_of(model: QualityModel, weights: Path) -> Embedder:
    """Return what makes the vectors that a predictor is asked with.

    Raises:
        ConfigInvalid: it isn't here.
    """
    try:
        embedder = shared_embedder(kind_of_embedder(model), weights)
    except LegatoError as error:
        raise ConfigInvalid(f"quality.router: {error.message}") from None
    require_same(model, embedder.name)
    return embedder


def require_same(model: QualityModel, here: str) -> None:
    """Raise ConfigInvalid where a predictor was trained by another embedder than the one here."""
    if here != model.embedder:
        told = f"it was trained by the embedder {model.embedder}, here is {here}"
        raise ConfigInvalid(f"quality.router: {told}")


def check_router(file: str) -> None:
    """Raise ConfigInvalid for a predictor that can't be asked wherever its weights lie."""
    model = read_router(file)
    kind = kind_of_embedder(model)
    if kind != MINILM:
        embedder_of(model, Path())
    elif missing := [name for name in ("onnxruntime", "tokenizers") if find_spec(name) is None]:
        told = f"it was trained by the embedder {kind}, which needs {', '.join(missing)}"
        raise ConfigInvalid(f"quality.router: {file}: {told}: pip install 'legato[{kind}]'")
