"""Which embedders there are, as the configuration names them: of the semantic cache, of topics."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from legato.core.config import Config, Deployment
from legato.core.config_cache import SemanticCache
from legato.embedding.base import KINDS
from legato.embedding.minilm_files import NAME as MINILM
from legato.embedding.minilm_files import name_of, verified
from legato.registry.routers import router_reference

_DEPLOYMENT: Final = "deployment"


def embedding_deployment(config: Config, embedder: str) -> Deployment | None:
    """Return the deployment that embeds; None where an embedder of this process does."""
    if embedder in KINDS:
        return None
    return next((one for one in config.deployments if one.name == embedder), None)


def require_embedder(config: Config, models: Path) -> None:
    """See that weights are there: before any worker ends for it.

    Raises:
        EmbedderUnavailable: those of the cache, of topics or of a route's router are missing.
        ConfigInvalid: a route's router was trained by others.
    """
    named = {config.guardrails.topics.embedder}
    if config.cache.semantic is not None:
        named.add(config.cache.semantic.embedder)
    if MINILM in named:
        verified(models)
    files = {one.quality.router for one in config.routes if one.quality is not None}
    if files := {one for one in files if one and router_reference(one) is None}:
        _require_of_routers(files, models)


def _require_of_routers(files: Iterable[str], models: Path) -> None:
    from legato.app.checks.learned_router import (  # noqa: PLC0415 - numpy is an extra
        kind_of_embedder,
        read_router,
        require_same,
    )

    for file in files:
        router = read_router(file)
        if kind_of_embedder(router) == MINILM:
            require_same(router, name_of(verified(models).model_sha256))


def learnt_under(config: Config, said: SemanticCache) -> str:
    """Name an embedder such that what was learnt with another one isn't taken for its own."""
    deployment = embedding_deployment(config, said.embedder)
    if deployment is None:
        return said.embedder
    return f"{_DEPLOYMENT}:{deployment.name}:{deployment.model}:{said.dimensions}"
