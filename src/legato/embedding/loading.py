"""From a configured name to an embedder; imports what that one needs, and nothing else."""

from functools import lru_cache
from pathlib import Path

from legato.embedding.base import KINDS, Embedder, EmbedderUnavailable


def load_embedder(kind: str, models: Path) -> Embedder:
    """Open the embedder of a kind. `models` is where pulled weights lie.

    Load before a fork: what is opened then lies in memory once.

    Raises:
        EmbedderUnavailable: unknown, not installed, or its weights are not there; says the remedy.
    """
    if kind == "wordllama":
        return _wordllama()
    if kind == "minilm":
        return _minilm(models)
    names = ", ".join(KINDS)
    raise EmbedderUnavailable(f"there is no embedder {kind!r}; there are: {names}")


def shared_embedder(kind: str, models: Path) -> Embedder:
    """Open an embedder once for all who ask it of the same texts; see `load_embedder`."""
    return _shared(kind, Path() if kind == "wordllama" else models)


@lru_cache(maxsize=4)
def _shared(kind: str, models: Path) -> Embedder:
    from legato.embedding.remembering import Remembering  # noqa: PLC0415 - where it is used only

    return Remembering(load_embedder(kind, models))


def _wordllama() -> Embedder:
    try:
        from legato.embedding.wordllama import from_installed_package  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EmbedderUnavailable(
            f"the embedder wordllama needs {error.name}: pip install 'legato[semantic]'"
        ) from error
    return from_installed_package()


def _minilm(models: Path) -> Embedder:
    try:
        from legato.embedding.minilm import from_models  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EmbedderUnavailable(
            f"the embedder minilm needs {error.name}: pip install 'legato[minilm]'"
        ) from error
    return from_models(models)
