"""Checks of `cache.semantic`: names in it, and whether its embedder is installed."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Final, Protocol

from legato.app.checks.embedders import embedding_deployment
from legato.app.config.problems import Path, Problem, suggestion
from legato.core import money
from legato.core.config import Config

_PATH: Final = ("cache", "semantic")
_NUMBERS: Final = ""
"""What is needed whoever embeds."""
_NEEDS: Final = {
    _NUMBERS: ("semantic", ("numpy",)),
    "wordllama": ("semantic", ("numpy", "safetensors", "tokenizers", "wordllama")),
    "minilm": ("minilm", ("numpy", "onnxruntime", "tokenizers")),
}


class Embedding(Protocol):
    """A place of the configuration that names an embedder."""

    @property
    def embedder(self) -> str:
        """Its name."""
        ...

    @property
    def dimensions(self) -> int | None:
        """Of a deployment's vectors."""
        ...


def problems_of_embedder(config: Config, said: Embedding) -> Iterator[tuple[str, str, str]]:
    """Yield field, message and remedy of what is wrong with the embedder that a place names."""
    deployment = embedding_deployment(config, said.embedder)
    needs = _NEEDS.get(said.embedder if deployment is None else _NUMBERS)
    if needs is None:
        message = f"no embedder or deployment `{said.embedder}`"
        names = sorted(one for one in _NEEDS if one) + [one.name for one in config.deployments]
        yield "embedder", message, suggestion(said.embedder, names)
    elif missing := [name for name in needs[1] if find_spec(name) is None]:
        message = f"`{said.embedder}` needs {', '.join(missing)}"
        yield "embedder", message, f"Install it: pip install 'legato[{needs[0]}]'."
    if deployment is not None and said.dimensions is None:
        message = f"how many numbers has a vector of `{said.embedder}`?"
        yield "dimensions", message, "Its vendor says: 1536, for example."
    if deployment is None and said.dimensions is not None:
        message = f"`{said.embedder}` has its own"
        yield "dimensions", message, "Leave it out: it is for deployments."


def problems_of_cache(config: Config, place_of: Callable[[Path], str]) -> list[Problem]:
    """Return what is wrong with `cache.semantic`; None of it where that is left out."""
    said = config.cache.semantic
    if said is None:
        return []
    found = list(problems_of_embedder(config, said))
    known = [one.name for one in config.deployments] + [one.alias for one in config.routes]
    if said.judge is not None and said.judge not in known:
        message = f"no alias or deployment `{said.judge}`"
        found.append(("judge", message, suggestion(said.judge, known)))
    try:
        money.amount(said.checks_usd_per_day)
    except ValueError as error:
        found.append(("checks_usd_per_day", str(error), "Give a smaller amount."))
    return [
        Problem((*_PATH, field), place_of((*_PATH, field)), message, remedy)
        for field, message, remedy in found
    ]
