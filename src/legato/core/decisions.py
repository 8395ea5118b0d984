"""What a request's decisions depended on, kept so that they can be made again.

Recorded with each trace: all that isn't known from elsewhere. Together with the facts of its route,
which are kept once by their digest, and the ledger's entries it is everything the gateway decided
by. Arrays on disk: fields are only ever appended with a default.
"""

from hashlib import blake2b
from typing import Final

import msgspec

from legato.core.config import DataUse, Requirements, Retry

OK: Final = "ok"
BREAKER_OPEN: Final = "breaker_open"
DEADLINE: Final = "deadline"
CANCELLED: Final = "cancelled"
INTERNAL_ERROR: Final = "internal_error"

OPENED: Final = 1
"""The attempt was opened in the books and has a number."""
FAILS_OVER: Final = 2
RETRYABLE: Final = 4
BEGAN: Final = 8
"""The caller had seen part of the answer."""

NO_STORE: Final = 1
NO_CACHE: Final = 2
_DIGEST_BYTES: Final = 8

SliceFacts = tuple[int, int, str]
"""Points from, up to but without, and whose: see routing.assignment.Slice."""


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One deployment asked, or passed over because of its breaker."""

    deployment: str
    code: str  # ok, breaker_open, deadline, cancelled, internal_error, or a code of core.errors
    http_status: int
    flags: int
    retry_after_s: float | None = None


class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One request's. Never holds prompt or answer text."""

    route: str  # digest of its RouteFacts, "" where none was chosen
    config: str  # content hash of the configuration
    user: str  # keyed pseudonym
    operation: str
    body_bytes: int
    needs: int  # bits of core.capability
    image_count: int
    max_output_tokens: int | None
    choices: int
    unit: str
    units: int
    steps: tuple[Step, ...]
    draws: tuple[float, ...]  # random numbers in the order they were drawn
    latencies: tuple[float, ...]  # ms, of the deployments that were ordered by them
    text_tokens: int  # a low estimate, -1 where nobody asked
    cache_control: int  # NO_STORE, NO_CACHE
    cached_us: int  # how long the answer from the cache took when it was bought
    baseline_cost: int | None
    slices: tuple[SliceFacts, ...] = ()  # of the rollout that chose an arm
    require: Requirements | None = None  # of the key
    kind: str = "usage"  # of core.records.EntryKind: of the attempt that answers
    route_asked: str = ""  # by the caller of a prompt, instead of the prompt's own


class DeploymentFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deployment as a route has it, as far as anything is decided by it."""

    name: str
    provider: str
    model: str
    region: str
    price_version: str
    weight: int
    blended_price: int | None
    max_output_tokens: int
    operations: tuple[str, ...]
    attempt_s: float = 0.0
    lacks: int = 0
    context_tokens: int = 0
    output_tokens_max: int = 0
    data_use: DataUse = DataUse()
    unfit: tuple[str, ...] = ()
    version: str = ""


class RouteFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """A route as a worker had it: no address, no secret."""

    alias: str
    name: str
    strategy: str
    deployments: tuple[DeploymentFacts, ...]
    baseline: DeploymentFacts
    retry: Retry
    deadline_s: float
    cache_ttl_s: float
    require: Requirements | None = None
    version: str = ""


def digest_of_route(encoded: bytes) -> str:
    """Return 16 hex digits over encoded facts."""
    return blake2b(encoded, digest_size=_DIGEST_BYTES).hexdigest()


def encode_route(facts: RouteFacts) -> bytes:
    """Return facts as JSON, the same for the same facts."""
    return msgspec.json.encode(facts, order="sorted")


decode_route = msgspec.json.Decoder(RouteFacts).decode
