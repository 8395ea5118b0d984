"""Which embedder the semantic cache has, as the configuration names it."""

from pathlib import Path
from typing import Final

from legato.core.config import Config, Deployment
from legato.core.config_cache import SemanticCache
from legato.embedding.base import KINDS
from legato.embedding.minilm_files import NAME as MINILM
from legato.embedding.minilm_files import verified

_DEPLOYMENT: Final = "deployment"


def embedding_deployment(config: Config, said: SemanticCache) -> Deployment | None:
    """Return the deployment that embeds; None where an embedder of this process does."""
    if said.embedder in KINDS:
        return None
    return next((one for one in config.deployments if one.name == said.embedder), None)


def require_embedder(config: Config, models: Path) -> None:
    """Raise EmbedderUnavailable where weights are missing: before any worker ends for it."""
    if config.cache.semantic is not None and config.cache.semantic.embedder == MINILM:
        verified(models)


def learnt_under(config: Config, said: SemanticCache) -> str:
    """Name an embedder such that what was learnt with another one isn't taken for its own."""
    deployment = embedding_deployment(config, said)
    if deployment is None:
        return said.embedder
    return f"{_DEPLOYMENT}:{deployment.name}:{deployment.model}:{said.dimensions}"
