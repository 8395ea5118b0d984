"""One request on its way through the pipeline, and where its answer goes."""

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from legato.core.money import NanoUSD
from legato.core.records import EntryKind
from legato.core.usage import NO_USAGE, Usage
from legato.core.wire import RequestView, Surface
from legato.routing.load.concurrency import Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from legato.core.decisions import QueueFacts, Routed, SliceFacts, Step
    from legato.core.guard_facts import Guarded
    from legato.core.guard_output import OutputFacts
    from legato.core.guarding import FilterFactory, Reach
    from legato.core.measures import Measures
    from legato.core.principal import BudgetLimit, Principal
    from legato.core.tasks import InThread
    from legato.core.wire import Turn
    from legato.gateway.directory import Deployment, Directory, Route
    from legato.gateway.looked import Looked
    from legato.governance.slots import Slots
    from legato.governance.steps import StepsTaken
    from legato.guardrails.redaction import Redaction
    from legato.providers.base import Repeated

_BYTES_PER_TOKEN = 4
Headers = list[tuple[bytes, bytes]]


class Lost(NamedTuple):
    """What an attempt used that gave no answer; a cost of None: its deployment has no price."""

    deployment: str
    usage: Usage
    cost: NanoUSD | None


class Sink(Protocol):
    """Where an answer goes."""

    began: bool
    """The status line has gone out: a failure can only be told in-band now."""
    gone: bool
    """The caller has left."""

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        ...

    async def start(self, headers: Headers) -> None:
        """Begin a stream with status 200; its head may wait for what is sent next."""
        ...

    def send(self, frames: bytes) -> bool:
        """Send part of a stream; false where the caller is slow: then wait for `drained`."""
        ...

    async def drained(self) -> None:
        """Return once the caller has taken enough of what was sent."""
        ...

    async def end(self, frames: bytes = b"") -> None:
        """End a stream with its last frames; waits for nobody."""
        ...

    def cut(self) -> None:
        """Break a stream off, so that nobody takes what has come of it for all."""
        ...


class Source(Protocol):
    """Where a request comes from."""

    @property
    def credential(self) -> bytes | None:
        """The secret of the caller's key, None when none was sent."""
        ...

    @property
    def address(self) -> str:
        """Where the caller connects from; "" where that is no network address."""
        ...

    def header(self, name: bytes) -> bytes | None:
        """Return a request header by its lower-case name."""
        ...

    async def body(self) -> bytes:
        """Read the whole body. Raises TooLarge."""
        ...


class AnswerChecking(Protocol):
    """What policies ask of a call's answer; see legato.gateway.guards.output."""

    @property
    def fingerprint(self) -> bytes:
        """Of the policies: answers that others were given under other ones don't serve."""
        ...

    @property
    def holds_whole(self) -> bool:
        """Whether nothing of a stream may go out before all of it is checked."""
        ...

    @property
    def wants_json(self) -> bool:
        """Whether the answer must be JSON."""
        ...

    @property
    def asks_elsewhere(self) -> bool:
        """Whether detectors have to be asked about all of an answer before any of it goes out."""
        ...

    async def look(self, gather: "Callable[[], object]") -> None:
        """Ask them about the texts that `gather` lets pass. Raises DetectorFailed."""
        ...

    def was_kept(self) -> None:
        """Note that the answer comes of a cache."""
        ...

    @property
    def withholds(self) -> bool:
        """Whether nothing may go out that can't be looked at."""
        ...

    @property
    def facts(self) -> "OutputFacts":
        """What is recorded."""
        ...

    @property
    def header(self) -> bytes:
        """What the caller is told."""
        ...

    @property
    def is_clean(self) -> bool:
        """Whether all was checked and nothing found."""
        ...

    @property
    def is_reviewed(self) -> bool:
        """Whether something has to be asked elsewhere about the whole answer."""
        ...

    async def review(self) -> None:
        """Ask it. Raises OutputBlocked, DetectorFailed."""
        ...

    def answered(self) -> None:
        """Note that all of an answer has come, and passed."""
        ...


class Filtering(Protocol):
    """A stream whose texts pass filters."""

    @property
    def kept(self) -> bytes:
        """Its frames as they were before; nothing where it was too much."""
        ...

    def failure(self, frames: bytes) -> bytes:
        """Return the frames of a failure as they belong behind what went out."""
        ...


class Copy(Protocol):
    """How a copy of a call is made of it."""

    @property
    def arm(self) -> str:
        """Of the rollout, for what the copy costs: `ID/shadow`."""
        ...

    @property
    def budget(self) -> "BudgetLimit":
        """Who pays for it."""
        ...

    def put(self, call: "Call", live: "Call", directory: "Directory") -> "Turn | None":
        """Make `call` a copy of `live`, which is over.

        Returns the turn that must still be given what it continues, where there is one.
        Raises LegatoError where the call can't be made.
        """
        ...


class Reply(msgspec.Struct, gc=False):
    """A complete answer, as it goes to the caller and into the cache.

    `frames` tells that `body` is a recorded stream. `sent` tells that it has already gone out.
    `masked` is the answer as the provider gave it, where values were put back into `body`.
    """

    body: bytes
    frames: bool = False
    sent: bool = False
    content_type: bytes = b"application/json"
    masked: bytes | None = None

    @property
    def kept(self) -> bytes:
        """What may be kept of it, or shown to a judge."""
        return self.body if self.masked is None else self.masked


class Failure(msgspec.Struct, frozen=True, gc=False):
    """One attempt that did not give the answer."""

    deployment: str
    code: str
    http_status: int
    message: str


class Call:
    """Everything known about one request; written by the stages, read by `record`."""

    __slots__ = (
        "answer_filters",
        "arm",
        "arrived_ns",
        "attempts",
        "baseline_cost",
        "body",
        "body_bytes",
        "budget_steps",
        "cache",
        "cache_control",
        "cache_key",
        "cached_us",
        "candidates",
        "captured_bytes_max",
        "captured_for_ns",
        "captured_redacted",
        "compare",
        "copy",
        "cost",
        "degraded",
        "deployment",
        "draws",
        "error_code",
        "failures",
        "filtering",
        "first_byte_ns",
        "guarded",
        "hedged",
        "holdout",
        "http_status",
        "in_thread",
        "kind",
        "latencies",
        "loads",
        "looked_up",
        "lost",
        "marks",
        "masked",
        "measures",
        "model_served",
        "near",
        "outputs",
        "overhead",
        "principal",
        "priority",
        "purpose",
        "queued",
        "raw",
        "reach",
        "redaction",
        "repeated",
        "reply",
        "request_id",
        "route",
        "route_asked",
        "routed",
        "sampled",
        "semantic",
        "silent_since_ns",
        "slices",
        "slots_taken",
        "source",
        "span_parent",
        "started_ns",
        "steps",
        "surface",
        "text_tokens",
        "trace_id",
        "upstream_ns",
        "usage",
        "user",
        "user_context",
        "variables",
        "versions",
        "view",
        "whole",
    )

    answer_filters: "tuple[FilterFactory, ...]"
    """What each text of its answer passes, in this order; see legato.gateway.guards.answers."""
    filtering: "Filtering | None"
    """What its stream passes, once it has any filters and is under way."""
    redaction: "Redaction | None"
    """What stands for values in its body; None where nothing does."""
    repeated: "Repeated | None"
    """Which parts of it came before; None where nobody looked."""
    measures: "Measures | None"
    """What was done to the attempt under way so that it costs less."""
    degraded: str
    """Which lesser answer it got: "stale_cache", "deployment; NAME"; "" where none."""
    hedged: str
    """Which of two attempts at the same time it was answered by; "" where there was one."""
    overhead: EntryKind
    """Of an attempt that doesn't answer, in the ledger."""
    outputs: "AnswerChecking | None"
    """What policies ask of its answer; None where they ask nothing."""
    priority: Priority | None
    """How urgent it is; None where nobody asked."""
    loads: tuple[float, ...]
    """Of the deployments, where they were ordered by them."""
    semantic: "Looked | None"
    """What the semantic cache knows of it; None where it isn't asked."""
    user_context: bool
    """A prompt was given variables that are about its user."""
    looked_up: "dict[str, str | int | bool] | None"
    """What its route's rules look up, by their variables; None where nobody looked."""
    purpose: str
    """What a judge is asked for; "" of any other call."""
    guarded: "Guarded | None"
    """What guardrails did with it; None where no policy applies."""
    masked: bool
    """Its body isn't the caller's any more: what was redacted stands for what was there."""
    captured_redacted: bool
    """What is captured of it has labels in the place of what a scan finds."""
    variables: "Mapping[str, Any] | None"
    """What it gave to a prompt; None where it names none."""
    whole: "tuple[dict[str, Any], int] | None"
    """Its body and the bytes of it before its route left anything out, where it is copied."""
    reach: "Reach | None"
    """Of a copy: what the call that it was made of came under."""
    in_thread: "InThread | None"
    """Runs off the event loop what takes long to do with it; None where no policy applies."""
    slots_taken: "tuple[Slots, ...]"
    """Of limits of calls at the same time: its end must give them back."""
    budget_steps: "StepsTaken | None"
    """What its budgets do before the wall; None where none has got there."""
    near: tuple[str, ...]
    """Deployments put last, as their providers had little room left."""
    queued: "tuple[QueueFacts, ...]"
    """Its stays in its route's queue."""

    def __init__(self, request_id: str, surface: Surface, source: Source, arrived_ns: int) -> None:
        self.request_id = request_id
        self.surface: Surface = surface
        self.source, self.arrived_ns = source, arrived_ns
        self.started_ns = perf_counter_ns()
        self.marks: list[tuple[str, int]] = []
        self.principal: Principal | None = None
        self.reply: Reply | None = None
        self.body: dict[str, Any] = {}
        self.raw = b""
        """The body as it came, kept where requests may be captured."""
        self.user_context = self.masked = self.captured_redacted = False
        self.guarded = self.variables = self.outputs = self.reach = self.looked_up = None
        self.filtering = self.redaction = self.budget_steps = self.in_thread = None
        self.body_bytes = self.captured_bytes_max = self.captured_for_ns = 0
        """How long what is captured of it is kept, and how much of it; 0 where nothing is."""
        self.view: RequestView = _NO_VIEW
        self.overhead = EntryKind.RETRY
        self.kind = EntryKind.USAGE
        """Of the attempt that answers, in the ledger."""
        self.route: Route | None = None
        self.copy: Copy | None = None
        """What a shadow is sent once the call is over."""
        self.purpose = self.versions = self.arm = self.holdout = ""
        self.route_asked = self.hedged = self.degraded = ""
        self.candidates: Sequence[Deployment] = ()
        self.repeated = self.measures = self.priority = self.semantic = self.whole = None
        self.cache = "bypass"
        self.cache_key: bytes | None = None
        self.attempts = 0
        self.failures: list[Failure] = []
        self.deployment: Deployment | None = None
        self.usage: Usage = NO_USAGE
        self.cost: NanoUSD | None = NanoUSD(0)
        self.lost: tuple[Lost, ...] = ()
        """Of the cost, what attempts took that did not answer."""
        self.baseline_cost: NanoUSD | None = NanoUSD(0)
        self.http_status = 0
        self.user = self.error_code = self.model_served = self.compare = ""
        self.first_byte_ns = self.upstream_ns = 0
        self.silent_since_ns = 0
        """Since when a provider owes the next piece of its answer; 0 while none does."""
        # what was decided by and isn't known from elsewhere: see legato.core.decisions
        self.steps: tuple[Step, ...] = ()
        self.draws: tuple[float, ...] = ()
        self.latencies: tuple[float, ...] = ()
        self.loads = self.near = self.queued = self.slots_taken = self.answer_filters = ()
        self.slices: tuple[SliceFacts, ...] = ()
        self.routed: Routed | None = None
        self.text_tokens, self.route_asked = -1, ""
        self.cache_control = self.cached_us = 0
        self.trace_id, self.span_parent, self.sampled = request_id, "", False

    @property
    def caller(self) -> "Principal":
        """Who calls; known once the request is authenticated."""
        if self.principal is None:
            msg = "authenticate runs first"
            raise AssertionError(msg)
        return self.principal

    @property
    def arms(self) -> str:
        """The arms of a rollout and of a holdout it is in."""
        if not self.holdout:
            return self.arm
        return f"{self.arm} {self.holdout}" if self.arm else self.holdout

    @property
    def tokens_needed(self) -> int:
        """What providers count against a limit of tokens when it comes: a rough estimate."""
        return self.body_bytes // _BYTES_PER_TOKEN + (self.view.max_output_tokens or 0)

    def mark(self, stage: str) -> None:
        """Note that a stage has ended now."""
        self.marks.append((stage, perf_counter_ns()))

    def drawing(self, random: "Callable[[], float]") -> "Callable[[], float]":
        """Return what draws random numbers and writes them down."""

        def draw() -> float:
            number = random()
            self.draws += (number,)
            return number

        return draw

    def versions_with(self, deployment: "Deployment | None") -> str:
        """Return the versions that make an answer, that of its deployment last."""
        last = "" if deployment is None else deployment.version
        return f"{self.versions}, {last}" if self.versions and last else self.versions or last

    def add_cost(self, cost: NanoUSD | None) -> None:
        """Add what one attempt cost; unpriced stays unpriced."""
        self.cost = None if cost is None or self.cost is None else NanoUSD(self.cost + cost)


_NO_VIEW = RequestView(model="")


class Waiting:
    """Counts the time within it as spent waiting for a provider."""

    __slots__ = ("_call", "_since_ns")

    def __init__(self, call: Call) -> None:
        self._call = call

    def __enter__(self) -> None:
        self._since_ns = perf_counter_ns()

    def __exit__(self, *exception: object) -> None:
        self._call.upstream_ns += perf_counter_ns() - self._since_ns
