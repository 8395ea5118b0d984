"""One request on its way through the pipeline, and where its answer goes."""

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from legato.core.money import NanoUSD
from legato.core.records import EntryKind
from legato.core.usage import NO_USAGE, Usage
from legato.core.wire import RequestView, Surface

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from legato.core.decisions import SliceFacts, Step
    from legato.core.principal import Principal
    from legato.gateway.directory import Deployment, Route
    from legato.gateway.prompt_versions import Copy

Headers = list[tuple[bytes, bytes]]


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

    def header(self, name: bytes) -> bytes | None:
        """Return a request header by its lower-case name."""
        ...

    async def body(self) -> bytes:
        """Read the whole body. Raises TooLarge."""
        ...


class Reply(msgspec.Struct, gc=False):
    """A complete answer, as it goes to the caller and into the cache.

    `frames` tells that `body` is a recorded stream. `sent` tells that it has already gone out.
    """

    body: bytes
    frames: bool = False
    sent: bool = False
    content_type: bytes = b"application/json"


class Failure(msgspec.Struct, frozen=True, gc=False):
    """One attempt that did not give the answer."""

    deployment: str
    code: str
    http_status: int
    message: str


class Call:
    """Everything known about one request; written by the stages, read by `record`."""

    __slots__ = (
        "arm",
        "arrived_ns",
        "attempts",
        "baseline_cost",
        "body",
        "body_bytes",
        "cache",
        "cache_control",
        "cache_key",
        "cached_us",
        "candidates",
        "captured_bytes_max",
        "captured_for_ns",
        "copy",
        "cost",
        "deployment",
        "draws",
        "error_code",
        "failures",
        "first_byte_ns",
        "holdout",
        "http_status",
        "kind",
        "latencies",
        "marks",
        "model_served",
        "principal",
        "raw",
        "reply",
        "request_id",
        "route",
        "route_asked",
        "sampled",
        "silent_since_ns",
        "slices",
        "slot_taken",
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
        "versions",
        "view",
    )

    def __init__(self, request_id: str, surface: Surface, source: Source, arrived_ns: int) -> None:
        self.request_id = request_id
        self.surface = surface
        self.source = source
        self.arrived_ns = arrived_ns
        self.started_ns = perf_counter_ns()
        self.marks: list[tuple[str, int]] = []
        self.principal: Principal | None = None
        self.reply: Reply | None = None
        self.slot_taken = False
        self.body: dict[str, Any] = {}
        self.body_bytes = 0
        self.raw = b""
        """The body as it came, kept where requests may be captured."""
        self.captured_bytes_max = 0
        self.captured_for_ns = 0
        """How long what is captured of it is kept; 0 where nothing is."""
        self.view: RequestView = _NO_VIEW
        self.user = ""
        self.kind = EntryKind.USAGE
        """Of the attempt that answers, in the ledger."""
        self.route: Route | None = None
        self.copy: Copy | None = None
        """What a shadow is sent once the call is over."""
        self.versions = self.arm = self.holdout = ""
        self.candidates: Sequence[Deployment] = ()
        self.cache = "bypass"
        self.cache_key: bytes | None = None
        self.attempts = 0
        self.failures: list[Failure] = []
        self.deployment: Deployment | None = None
        self.model_served = ""
        self.usage: Usage = NO_USAGE
        self.cost: NanoUSD | None = NanoUSD(0)
        self.baseline_cost: NanoUSD | None = NanoUSD(0)
        self.http_status = 0
        self.error_code = ""
        self.first_byte_ns = self.upstream_ns = 0
        self.silent_since_ns = 0
        """Since when a provider owes the next piece of its answer; 0 while none does."""
        # what was decided by and isn't known from elsewhere: see legato.core.decisions
        self.steps: tuple[Step, ...] = ()
        self.draws: tuple[float, ...] = ()
        self.latencies: tuple[float, ...] = ()
        self.slices: tuple[SliceFacts, ...] = ()
        self.route_asked = ""
        self.text_tokens = -1
        self.cache_control = 0
        self.cached_us = 0
        self.trace_id = request_id
        self.span_parent = ""
        self.sampled = False

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
