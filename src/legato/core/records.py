"""What the gateway writes to the journal and the ledger reads back.

Records are arrays on disk (msgpack): fields are only ever appended with a default, so a
segment written by an older version still reads. The identity of an entry is
(request_id, attempt, kind, seq), everywhere.
"""

from enum import StrEnum
from typing import Final

import msgspec

from legato.core.decisions import Decision
from legato.core.guard_facts import Guarded
from legato.core.usage import NO_USAGE, Usage, UsageSource


class EntryKind(StrEnum):
    """Why money was, or was not, spent."""

    USAGE = "usage"  # the attempt that gave the answer
    RETRY = "retry"  # an attempt that did not
    HEDGE = "hedge"  # an attempt that lost against another at the same time: overhead
    CACHE = "cache"  # answered from our cache: cost 0, the baseline is what it saved
    JUDGE = "judge"  # the attempt that gave a judgement of other answers: overhead, saves nothing
    SHADOW = "shadow"  # the attempt that answered a copy of a call, for nobody: saves nothing
    CORRECTION = "correction"  # reverses another entry
    OVERHEAD = "overhead"  # asked by ourselves, a check of the cache say: saves nothing


class Facts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who and what: the dimensions of one attempt."""

    request_id: str
    attempt: int
    org: str
    team: str
    feature: str
    key_id: str
    user: str  # keyed pseudonym, "" when the caller named none
    tags: dict[str, str]
    model_requested: str  # alias or deployment as the caller wrote it
    route: str  # "" when a deployment was addressed directly
    deployment: str
    provider: str
    model: str  # the model asked of the provider
    region: str
    price_version: str
    baseline_model: str  # deployment name of the route's baseline, "" without one
    config_version: str  # content hash of the configuration that decided
    versions: str = ""  # of the registry that made it: "prompt/greeting@3fa9c1d2e4b5"
    arm: str = ""  # of a rollout: "ROLLOUT/ARM"
    measures: str = ""  # of ours, so that it costs less: see core.measures


class Intent(msgspec.Struct, frozen=True, array_like=True, tag="i", gc=False):
    """Written before an attempt is dispatched. Costs are nano-USD, None where unpriced."""

    facts: Facts
    at_ns: int
    hold: int | None
    budget_id: str
    estimate: Usage
    estimated_cost: int | None
    estimated_baseline_cost: int | None
    kind: EntryKind = EntryKind.USAGE  # of the entry, should it answer
    budget_spans: str = ""  # as of Settled


class Progress(msgspec.Struct, frozen=True, array_like=True, tag="p", gc=False):
    """A long stream's usage so far: a better estimate should its settle be lost."""

    request_id: str
    attempt: int
    estimate: Usage
    estimated_cost: int | None
    estimated_baseline_cost: int | None


class Settled(msgspec.Struct, frozen=True, array_like=True, tag="s", gc=False):
    """The outcome of one attempt, self-contained. Costs are nano-USD, None where unpriced."""

    facts: Facts
    kind: EntryKind
    at_ns: int
    usage: Usage
    usage_source: UsageSource
    cost: int | None
    baseline_cost: int | None
    model_served: str
    status: str  # "ok" or an error code of core.errors, "cancelled"
    http_status: int  # as the provider answered, 0 for none
    total_us: int
    first_token_us: int  # 0 where nothing came
    gateway_us: int  # total minus time spent waiting for the provider
    budget_id: str = ""
    held_at_ns: int = 0  # when the hold was taken: names the budget window the cost belongs to
    seq: int = 0
    steps: tuple[int, ...] = ()  # of economics.waterfall, where they don't follow from the kind
    budget_spans: str = ""  # of the windows that paid, in the order of the counters


class Voided(msgspec.Struct, frozen=True, array_like=True, tag="v", gc=False):
    """The attempt provably never reached the provider: its intent ends without an entry."""

    request_id: str
    attempt: int
    reason: str


class Served(msgspec.Struct, frozen=True, array_like=True, tag="r", gc=False):
    """One finished request, for the trace store. Never holds prompt or answer text."""

    request_id: str
    at_ns: int  # arrival
    org: str
    team: str
    feature: str
    key_id: str
    surface: str
    model_requested: str
    deployment: str
    provider: str
    model_served: str
    attempts: int
    http_status: int
    error_code: str
    stream: bool
    cache: str  # hit | miss | bypass
    cost: int | None
    total_us: int
    first_byte_us: int
    upstream_us: int
    stages: tuple[tuple[str, int], ...]  # (stage, µs) in the order they ran
    trace_id: str
    parent_span_id: str
    sampled: bool
    usage: Usage = NO_USAGE
    versions: str = ""
    arm: str = ""
    decision: Decision | None = None  # None for what calls no model
    guarded: Guarded | None = None  # what guardrails did, None where no policy applies


class Outcome(msgspec.Struct, frozen=True, array_like=True, tag="r", gc=False):
    """The start of a Served, as far as it says how the request went."""

    request_id: str
    at_ns: int
    org: str
    team: str
    feature: str
    key_id: str
    surface: str
    model_requested: str
    deployment: str
    provider: str
    model_served: str
    attempts: int
    http_status: int
    error_code: str
    stream: bool
    cache: str
    cost: int | None
    total_us: int
    first_byte_us: int
    upstream_us: int
    stages: tuple[tuple[str, int], ...]

    @property
    def ended_ns(self) -> int:
        """When it was answered, or not."""
        return self.at_ns + self.total_us * 1_000


class RouteKnown(msgspec.Struct, frozen=True, array_like=True, tag="d", gc=False):
    """A route as a worker has it, written once before the first decision by it."""

    digest: str
    at_ns: int
    facts: bytes  # JSON of core.decisions.RouteFacts


class ArmOutcome(msgspec.Struct, frozen=True, array_like=True, tag="o", gc=False):
    """What became of one request that a rollout put into an arm, however it ended."""

    request_id: str
    org: str
    arm: str
    at_ns: int  # arrival
    unit: str  # who was put there: the user's pseudonym, else the request's id
    ok: bool
    cost: int | None  # nano-USD, None where unpriced
    total_us: int
    triggered: bool | None = None  # whether an enforced rule fired; None: no policy applied


class ShadowOutcome(msgspec.Struct, frozen=True, array_like=True, tag="h", gc=False):
    """What became of a copy of a call, beside the call itself. Costs in nano-USD."""

    request_id: str  # of the copy
    org: str
    rollout_id: str
    live_request_id: str
    at_ns: int  # arrival of the call
    status: str  # "ok", an error code, or DROPPED
    live_status: str
    cost: int | None
    live_cost: int | None
    total_us: int
    live_us: int
    output_tokens: int
    live_output_tokens: int
    shadow_json: bool | None  # whether the answer's text is JSON; None where there is none
    live_json: bool | None
    agrees: bool | None  # whether both texts are the same


DROPPED: Final = "dropped"
"""A copy that was not made, as too many were under way."""

Record = Intent | Progress | Settled | Voided | Served | ArmOutcome | RouteKnown | ShadowOutcome

RECORD_VERSION: Final = 1
encode_record = msgspec.msgpack.Encoder().encode
decode_record = msgspec.msgpack.Decoder(Record).decode
decode_served = msgspec.msgpack.Decoder(Served).decode

_SERVED_HEAD: Final = encode_record(Served.__struct_config__.tag)


def is_served(payload: bytes) -> bool:
    """Whether an encoded record is a Served, by its tag alone."""
    # A msgpack array's head is one byte, or three where it has more than 15 items.
    return payload.startswith(_SERVED_HEAD, 3 if payload[:1] == b"\xdc" else 1)
