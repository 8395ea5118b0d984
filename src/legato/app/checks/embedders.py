"""Which embedders there are, as the configuration names them: of the semantic cache, of topics."""

from pathlib import Path
from typing import Final

from legato.core.config import Config, Deployment
from legato.core.config_cache import SemanticCache
from legato.embedding.base import KINDS
from legato.embedding.minilm_files import NAME as MINILM
from legato.embedding.minilm_files import verified

_DEPLOYMENT: Final = "deployment"


def embedding_deployment(config: Config, embedder: str) -> Deployment | None:
    """Return the deployment that embeds; None where an embedder of this process does."""
    if embedder in KINDS:
        return None
    return next((one for one in config.deployments if one.name == embedder), None)


def require_embedder(config: Config, models: Path) -> None:
    """Raise EmbedderUnavailable where weights are missing: before any worker ends for it."""
    named = {config.guardrails.topics.embedder}
    if config.cache.semantic is not None:
        named.add(config.cache.semantic.embedder)
    if MINILM in named:
        verified(models)


def learnt_under(config: Config, said: SemanticCache) -> str:
    """Name an embedder such that what was learnt with another one isn't taken for its own."""
    deployment = embedding_deployment(config, said.embedder)
    if deployment is None:
        return said.embedder
    return f"{_DEPLOYMENT}:{deployment.name}:{deployment.model}:{said.dimensions}"
