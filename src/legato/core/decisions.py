"""What a request's decisions depended on, kept so that they can be made again.

Recorded with each trace: all that isn't known from elsewhere. Together with the facts of its route,
which are kept once by their digest, and the ledger's entries it is everything the gateway decided
by. Arrays on disk: fields are only ever appended with a default.
"""

from hashlib import blake2b
from typing import Any, Final

import msgspec

from legato.core.config import DataUse, Retry
from legato.core.config_access import AccessRule
from legato.core.config_load import Hedge
from legato.core.config_parts import Requirements
from legato.core.config_routing import Quality, RouteRule
from legato.core.guard_output import OutputFacts

OK: Final = "ok"
BREAKER_OPEN: Final = "breaker_open"
RATE_CLOSED: Final = "rate_closed"
QUEUED: Final = "queued"
"""A step at no deployment: the call stood in its route's queue."""
DEADLINE: Final = "deadline"
CANCELLED: Final = "cancelled"
INTERNAL_ERROR: Final = "internal_error"

OPENED: Final = 1
"""The attempt was opened in the books and has a number."""
FAILS_OVER: Final = 2
RETRYABLE: Final = 4
BEGAN: Final = 8
"""The caller had seen part of the answer."""
HEDGED: Final = 16
"""The second of two attempts that ran at the same time."""

HIT: Final = "hit"
MISS: Final = "miss"
SEMANTIC: Final = "semantic"
FROM_CACHE: Final = frozenset({HIT, SEMANTIC})
"""What a call's `cache` says where its answer was bought for another."""
NO_STORE: Final = 1
NO_CACHE: Final = 2
_DIGEST_BYTES: Final = 8

SliceFacts = tuple[int, int, str]
"""Points from, up to but without, and whose: see routing.assignment.Slice."""


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One deployment asked, or passed over because of its breaker or its limit of rate."""

    deployment: str
    code: str  # one of the above, or a code of core.errors
    http_status: int
    flags: int
    retry_after_s: float | None = None


class Weighed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One deployment as it was weighed: see routing.good_enough."""

    deployment: str
    mean: float | None  # the probability that its answer is good enough, None without an estimate
    deviation: float
    cost: int | None  # expected, nano-USD; None where a price isn't known
    latency_ms: float
    reason: str = ""  # chosen, or why it wasn't


class Routed(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What chose a deployment beside the route's order. Never holds prompt or answer text.

    `features` are what its rules asked of the request: `legato.routing.rules.features`.
    """

    features: dict[str, Any] = {}
    rule: str = ""
    """The one that decided; "" where none fits."""
    failed: tuple[str, ...] = ()
    """Rules that could not be evaluated."""
    emptied: tuple[str, ...] = ()
    """Rules that fit but would have left no deployment."""
    options: tuple[Weighed, ...] = ()
    """Where the strategy weighs quality: those that could serve."""
    floor: float = 0.0
    """The quality asked for, the rule's or the route's."""
    input_tokens: int = 0
    """As estimated for the expected cost."""
    freedom: float | None = None
    """The share that may leave the baseline, where one is proven and this request would."""
    router: str = ""
    """The version of the trained router that was asked, "" for none."""
    rejected: tuple[tuple[str, str], ...] = ()
    """Of a cascade: whose answers did not do, and which check each of them failed."""


class QueueFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One stay in a route's queue: see routing.load.queueing."""

    outcome: str  # placed, or why it was shed
    waited_ms: float
    patience_ms: float  # how long it might have waited
    ahead: int  # how many waited in its worker when it came
    elsewhere: int = 0  # how many waited in other workers then


class SemanticFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the semantic cache decided by: the nearest question it knew, and its bound then."""

    entry: str  # id, "" where nothing was near
    similarity: float
    score: float  # how likely the two have the same answer
    threshold: float  # what is served from: the score it had to reach
    draw: float  # a random number, by which hits to check are chosen
    served: bool
    checked: bool


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
    routed: Routed | None = None
    loads: tuple[float, ...] = ()  # of the deployments that were ordered by them
    near: tuple[str, ...] = ()  # deployments put last, as their providers had little room left
    degraded: str = ""  # which lesser answer was given: see gateway.context
    priority: str = ""  # low, normal or high, where anything was decided by it
    semantic: SemanticFacts | None = None  # None where it wasn't looked up
    output: OutputFacts | None = None  # None where no policy asks for checks of the answer
    queued: tuple[QueueFacts, ...] = ()  # for each step with the code `queued`
    hedged: str | None = None  # which of two attempts at the same time answered
    access: tuple[AccessRule, ...] = ()  # the rules that meant its key, as they were


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


class QueueTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """What bounds a route's queue."""

    wait_max_s: float
    length_max: int
    part: int = 0
    """Of the length, what each worker may have whatever waits in others; 0 where it isn't known."""


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
    rules: tuple[RouteRule, ...] = ()
    quality: Quality | None = None
    steps: tuple[str, ...] = ()
    """Of a cascade."""
    queue: QueueTerms | None = None
    hedge: Hedge | None = None
    degrade: tuple[str, ...] = ()
    """Lesser answers in their order, deployments by name."""
    lesser: tuple[DeploymentFacts, ...] = ()


def digest_of_route(encoded: bytes) -> str:
    """Return 16 hex digits over encoded facts."""
    return blake2b(encoded, digest_size=_DIGEST_BYTES).hexdigest()


def encode_route(facts: RouteFacts) -> bytes:
    """Return facts as JSON, the same for the same facts."""
    return msgspec.json.encode(facts, order="sorted")


decode_route = msgspec.json.Decoder(RouteFacts).decode
