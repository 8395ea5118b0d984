"""The configuration of the caches."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import Count, Dollars, Name, Positive


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class SemanticCache(_Strict, frozen=True):
    """What routes share that answer questions of the same meaning from the cache."""

    embedder: str = "wordllama"
    """What turns questions into vectors: `wordllama`, `minilm`, or a deployment of embeddings."""
    dimensions: Count | None = None
    """How many numbers a vector of that deployment has."""
    embed_s: Annotated[float, Meta(gt=0, le=10)] = 0.5
    """How long that deployment is waited for; then the question counts as a miss."""
    memory_mib: Count = 64
    """What a worker holds of entries at most."""
    check_share: Annotated[float, Meta(gt=0, le=0.05)] = 0.05
    """Of hits, compared with a fresh answer in the background."""
    checks_usd_per_day: Dollars = "1"
    """Once an organisation's checks cost so much in a day (UTC), it has none until the next."""
    judge: Name | None = None
    """Deployment or alias that is asked whether two answers say the same."""
    wait_s: Annotated[float, Meta(ge=0, le=600)] = 30.0
    """How long a question waits for the answer to the same one under way; 0: it doesn't."""


class Cache(_Strict, frozen=True):
    """The exact cache, and the semantic one behind it."""

    enabled: bool = True
    ttl_s: Positive = 3600.0
    memory_mib: Count = 4
    disk_mib: Count = 256
    entries_max: Count = 50_000
    entry_bytes_max: Count = 1024 * 1024
    semantic: SemanticCache | None = None
    """None: no route can have it, and nothing of it is loaded."""


class RouteSemantic(_Strict, frozen=True):
    """How a route answers questions that mean the same as an earlier one."""

    bound: Annotated[float, Meta(gt=0, le=0.2)]
    """Wrong answers of all requests looked up, at most."""
    bound_per_hit: Annotated[float, Meta(gt=0, le=0.5)] | None = None
    """Wrong answers of all hits, at most."""
    confidence: Annotated[float, Meta(ge=0.5, le=0.999)] = 0.95
    """With which the bounds hold."""
    sharing: Literal["user", "team", "organisation"] = "team"
    """Whose earlier answers a caller may be given."""
    temperature_max: Annotated[float, Meta(ge=0, le=2)] = 0.5
    """Requests that ask for more always get an answer of their own."""
    multi_turn: bool = False
    """Also look at questions with turns before them, which must be the same to the letter."""


class RouteCache(_Strict, frozen=True):
    """What a route changes about the cache."""

    enabled: bool | None = None
    ttl_s: Positive | None = None
    stale_s: Positive | None = None
    """How long after its end an answer may still be given where there is no other."""
    semantic: RouteSemantic | None = None
    """None: only the exact cache answers."""
