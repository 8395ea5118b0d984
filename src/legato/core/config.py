"""The configuration tree: types only. `legato.app` loads, merges and checks it.

Every struct refuses unknown keys. Lengths of time end in `_s`, sizes in `_bytes` or `_mib`.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from legato.core.config_access import Access
from legato.core.config_accounts import Accounts
from legato.core.config_anomalies import Anomalies
from legato.core.config_audit import Audit, Tombstones
from legato.core.config_budgets import BudgetSaid
from legato.core.config_cache import Cache, RouteCache
from legato.core.config_callers import TokenIssuer
from legato.core.config_cascade import Cascade
from legato.core.config_compliance import Compliance
from legato.core.config_finance import Finance
from legato.core.config_guardrails import Guardrails
from legato.core.config_load import Hedge, Load, Queue, RateLimits
from legato.core.config_lookups import Lookup
from legato.core.config_notifications import Notifications
from legato.core.config_objectives import Objectives
from legato.core.config_parts import (
    Count,
    Dollars,
    Name,
    Positive,
    Requirements,
    SecretRef,
    Share,
)
from legato.core.config_records import (
    Capture,
    Evaluation,
    Feedback,
    LivePolicy,
    Proposals,
    Reviews,
    UsageImports,
)
from legato.core.config_retention import Retention
from legato.core.config_routing import Quality, RouteRule
from legato.core.config_secret_stores import SecretStores
from legato.core.config_server import Server
from legato.core.config_tools import Tool
from legato.core.config_triggers import Triggers
from legato.core.registry import Kind

CONFIG_VERSION = 1


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class EgressRules(_Strict, frozen=True):
    """Which addresses may be called; see legato.core.egress."""

    private: Literal["allow", "refuse"] = "allow"
    allow: list[str] = []


class Timeouts(_Strict, frozen=True):
    """Waiting limits towards a provider; `total_s` is one deadline over all attempts."""

    connect_s: Positive = 5.0
    first_byte_s: Positive = 120.0
    idle_s: Positive = 60.0
    total_s: Positive = 600.0


class TimeoutChanges(_Strict, frozen=True):
    """What a provider or a route changes about the waiting limits, each on its own."""

    connect_s: Positive | None = None
    first_byte_s: Positive | None = None
    idle_s: Positive | None = None
    total_s: Positive | None = None


class Retry(_Strict, frozen=True):
    """Attempts per deployment before the fallback chain goes on to the next one."""

    attempts_max: Annotated[int, Meta(ge=1, le=10)] = 2
    backoff_base_s: Positive = 0.25
    backoff_max_s: Positive = 8.0
    retry_after_max_s: Positive = 30.0
    """A longer `retry-after` sends the call to the next deployment instead of waiting."""


class Breaker(_Strict, frozen=True):
    """Opens after `failures` in a row or a failure share over a window of calls."""

    failures: Count = 5
    failure_share: Share = 0.5
    window_calls: Count = 20
    open_s: Positive = 15.0


class Provider(_Strict, frozen=True):
    """A place models are called at."""

    name: Name
    kind: str
    preset: str | None = None
    base_url: str | None = None
    api_key: SecretRef | None = None
    secrets: dict[str, SecretRef] = {}
    """Further secrets of a kind whose credential is more than one key, under the kind's names."""
    headers: dict[str, str] = {}
    transport: Literal["http1", "aiohttp"] = "http1"
    ca_file: str | None = None
    proxy: str | None = None
    connections_max: Count = 512
    timeouts: TimeoutChanges = TimeoutChanges()
    settings: dict[str, Any] = {}
    """Options of the provider kind, checked by the kind itself."""


class TokenPrice(_Strict, frozen=True):
    """Dollars per million tokens of each class, per unit, or per hour of a local machine."""

    input_per_mtok: Dollars | None = None
    output_per_mtok: Dollars | None = None
    cache_read_per_mtok: Dollars | None = None
    cache_write_5m_per_mtok: Dollars | None = None
    cache_write_1h_per_mtok: Dollars | None = None
    reasoning_per_mtok: Dollars | None = None
    audio_in_per_mtok: Dollars | None = None
    audio_out_per_mtok: Dollars | None = None
    image_in_per_mtok: Dollars | None = None
    image_out_per_mtok: Dollars | None = None
    image_usd: Dollars | None = None
    mchar_usd: Dollars | None = None
    audio_minute_usd: Dollars | None = None
    search_usd: Dollars | None = None
    machine_hour_usd: Dollars | None = None


Modality = Literal["text", "image", "audio", "video", "file", "embedding"]


class Capabilities(_Strict, frozen=True):
    """What a model can do. None is unknown, and what is unknown is left to the provider."""

    chat: bool | None = None
    embeddings: bool | None = None
    rerank: bool | None = None
    tools: bool | None = None
    parallel_tools: bool | None = None
    vision: bool | None = None
    json_object: bool | None = None
    json_schema: bool | None = None
    streaming: bool | None = None
    reasoning: bool | None = None
    context_tokens: Count | None = None
    output_tokens_max: Count | None = None
    modalities_in: list[Modality] | None = None
    modalities_out: list[Modality] | None = None


class DataUse(_Strict, frozen=True):
    """What becomes of the data sent. None is unknown."""

    training: bool | None = None
    """Whether the provider trains models on it."""
    retention_days: Annotated[int, Meta(ge=0)] | None = None
    certifications: list[str] | None = None


class BatchLane(_Strict, frozen=True):
    """Who runs batches whose calls all name this deployment, and at which price."""

    lane: Literal["own", "native"] = "own"
    """`own`: our queue makes the calls one by one. `native`: the provider's own batches."""
    price_factor: Dollars | None = None
    """What a native batch costs, as a part of the usual price: "0.5" for half of it."""


class Deployment(_Strict, frozen=True):
    """A model at a provider, with its price and region."""

    name: Name
    provider: Name
    model: str
    price: TokenPrice | None = None
    region: str = ""
    weight: Annotated[int, Meta(ge=0)] = 1
    max_output_tokens: Count = 4096
    """Upper bound of the answer: sent upstream when the caller sets none and a budget holds."""
    capabilities: Capabilities = Capabilities()
    """Laid over what the packaged catalogue knows of the model."""
    data_use: DataUse = DataUse()
    """Laid over what the packaged catalogue knows of the provider."""
    slots: Count = 1
    """Parallel requests one local machine serves: spreads the machine hour."""
    batch: BatchLane = BatchLane()
    limits: RateLimits = RateLimits()


class Strategy(StrEnum):
    """How a route orders its deployments."""

    ORDERED = "ordered"
    WEIGHTED = "weighted"
    CHEAPEST = "cheapest"
    LEAST_LATENCY = "least_latency"
    LEAST_OUTSTANDING = "least_outstanding"
    PEAK_EWMA = "peak_ewma"
    CHEAPEST_GOOD_ENOUGH = "cheapest_good_enough"
    CASCADE = "cascade"


class Summarise(_Strict, frozen=True):
    """Oldest turns are summarised instead of left out."""

    deployment: Name
    """A cheap one, of the file."""
    max_tokens: Annotated[int, Meta(ge=16, le=4096)] = 300
    """Of a summary."""
    within_s: Annotated[float, Meta(gt=0, le=60)] = 10.0
    """What takes longer is left out unsummarised."""


class ContextPolicy(_Strict, frozen=True):
    """What is left out of a long conversation before it is sent."""

    deduplicate: bool = False
    """Passages that stand further up already."""
    max_tokens: Count | None = None
    """Of the input, at four characters each: its oldest turns go until the rest fits."""
    summarise: Summarise | None = None
    """What goes by `max_tokens` is summarised; half of it goes at once, so that this is seldom."""


class Deferred(_Strict, frozen=True):
    """Calls with `service_tier: flex` or `batch` go through the durable queue of batches."""

    hold_s: Annotated[float, Meta(gt=0, le=3600)] = 600.0
    """How long a connection is held for the answer."""
    gather_s: Annotated[float, Meta(ge=0, le=60)] = 2.0
    """How long calls are gathered for one batch of the provider's; 0: each is one of its own."""
    gather_max: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Calls of one batch."""


class Route(_Strict, frozen=True):
    """The policy behind an alias."""

    alias: Name
    deployments: Annotated[list[Name], Meta(min_length=1)]
    baseline: Name | None = None
    strategy: Strategy = Strategy.ORDERED
    cache: RouteCache = RouteCache()
    retry: Retry | None = None
    timeouts: TimeoutChanges = TimeoutChanges()
    drop_unsupported: bool = False
    """Drop request fields the chosen provider's dialect can't carry, instead of 400."""
    model_name: Literal["upstream", "alias"] = "upstream"
    """Which model name an answer carries."""
    prompt_cache: Literal["caller", "auto"] = "caller"
    """Who marks what a vendor keeps of a prompt: the caller, or Legato where it pays."""
    context: ContextPolicy | None = None
    require: Requirements | None = None
    rules: list[RouteRule] = []
    quality: Quality | None = None
    cascade: Cascade | None = None
    hedge: Hedge | None = None
    queue: Queue | None = None
    """None: where the limits of all deployments are reached, calls are refused."""
    degrade: list[Name] = []
    """Lesser answers, in this order, where no deployment answers: `stale_cache`, deployments."""
    deferred: Deferred | None = None
    """None: `service_tier` is the vendor's own."""


class Budget(_Strict, frozen=True):
    """A hard limit in dollars over a window."""

    usd: Dollars
    window: Literal["day", "week", "month", "total"] = "month"


class Key(_Strict, frozen=True):
    """A declared key; its secret comes from the environment or a file."""

    name: Name
    team: Name
    feature: Name
    secret: SecretRef
    org: Name = "default"
    models: Annotated[list[str], Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["*"])
    tags: dict[str, str] = {}
    requests_per_minute: Count | None = None
    concurrency_max: Count | None = None
    budget: Budget | None = None
    require: Requirements | None = None
    allow_from: list[str] = []
    admin: bool = False


class Journal(_Strict, frozen=True):
    """The spend journal on local disk."""

    durability: Literal["process", "power"] = "process"
    segment_mib: Annotated[int, Meta(ge=1, le=1024)] = 16
    total_mib_max: Count = 4096


class Storage(_Strict, frozen=True):
    """The database: SQLite in the data directory unless a URL is given."""

    url: SecretRef | None = None
    """A secret, since a Postgres URL carries a password."""
    ledger_poll_s: Positive = 0.5


class LimitStore(_Strict, frozen=True):
    """A store that speaks Redis' protocol, of which workers lease parts of limits."""

    url: SecretRef
    """A secret, since it carries a password: redis://, rediss:// or unix://."""
    ca_file: str | None = None
    """Certificates that vouch for a rediss:// server; None: the system's."""
    prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "legato"
    """What the names of all keys begin with."""
    timeout_s: Annotated[float, Meta(gt=0, le=10)] = 1.0
    """For a connection, and for an answer."""


class Limits(_Strict, frozen=True):
    """Where limits are counted: in the database, unless a store is given."""

    store: LimitStore | None = None


class KeyService(_Strict, frozen=True):
    """A service that keeps the master keys: a kind of the entry points `legato.key_services`."""

    kind: str
    settings: dict[str, Any] = {}
    """Options of the kind, checked by the kind itself."""
    secrets: dict[str, SecretRef] = {}
    """What the kind signs in with, under the kind's names."""


class Vault(_Strict, frozen=True):
    """Where the master key is: in the data directory unless one of these says otherwise."""

    master_key: SecretRef | None = None
    master_key_previous: SecretRef | None = None
    """Still unwraps what it wrapped, until `legato vault rotate` has run."""
    key_service: KeyService | None = None


class Responses(_Strict, frozen=True):
    """What is kept of `/v1/responses`, sealed, for callers who ask for it."""

    store: bool = True
    """False: nothing is kept, whatever callers ask."""
    retention_days: Count = 30
    """How long a conversation is kept after its last turn."""


class Files(_Strict, frozen=True):
    """What callers keep under `/v1/files`, sealed; what batches write counts, too."""

    org_bytes_max: Count = 1024 * 1024 * 1024
    """How much one organisation may hold before it is refused another upload."""


class Batches(_Strict, frozen=True):
    """The process that runs batches."""

    idle_s: Positive = 60.0
    """How long it stays awake after the last batch, with a database of its own."""


class Workflows(_Strict, frozen=True):
    """Runs of workflows."""

    stay_awake: bool = True
    """Whether their process stays awake while runs wait to be told something, with a database of
    its own: it goes on at once then. Else it ends after `batches.idle_s`, and the next news waits
    until it has begun again."""


class ApprovalRule(_Strict, frozen=True):
    """Which moves of labels wait until others approve. What is None fits any."""

    environment: Name | None = None
    kinds: Annotated[list[Kind], Meta(min_length=1)] | None = None
    labels: Annotated[list[Name], Meta(min_length=1)] | None = None
    approvals: Annotated[int, Meta(ge=1, le=10)] = 1
    """By how many other people."""
    rollback_approvals: Annotated[int, Meta(ge=0, le=10)] | None = None
    """By how many where a label goes back to what it pointed to before; None: by as many."""


class Registry(_Strict, frozen=True):
    """Versions of prompts, and the labels that callers name."""

    environment: Name = "production"
    """Whose labels this instance serves."""
    approvals: list[ApprovalRule] = []


class Otlp(_Strict, frozen=True):
    """Sampled export of traces."""

    endpoint: str
    sample_share: Share = 0.01
    headers: dict[str, SecretRef] = {}


class Telemetry(_Strict, frozen=True):
    """Logs, metrics and traces."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    trace_retention_days: Count = 14
    otlp: Otlp | None = None


class Config(_Strict, frozen=True):
    """The whole tree."""

    config_version: int = CONFIG_VERSION
    server: Server = Server()
    egress: EgressRules = EgressRules()
    providers: list[Provider] = []
    deployments: list[Deployment] = []
    routes: list[Route] = []
    keys: list[Key] = []
    token_issuers: list[TokenIssuer] = []
    budgets: list[BudgetSaid] = []
    access: Access = Access()
    timeouts: Timeouts = Timeouts()
    retry: Retry = Retry()
    breaker: Breaker = Breaker()
    load: Load = Load()
    cache: Cache = Cache()
    journal: Journal = Journal()
    storage: Storage = Storage()
    limits: Limits = Limits()
    vault: Vault = Vault()
    secret_stores: SecretStores = SecretStores()
    responses: Responses = Responses()
    files: Files = Files()
    batches: Batches = Batches()
    workflows: Workflows = Workflows()
    registry: Registry = Registry()
    accounts: Accounts = Accounts()
    feedback: Feedback = Feedback()
    capture: Capture = Capture()
    guardrails: Guardrails = Guardrails()
    lookups: list[Lookup] = []
    reviews: Reviews = Reviews()
    usage_imports: UsageImports = UsageImports()
    proposals: Proposals = Proposals()
    live_scoring: list[LivePolicy] = []
    evaluation: Evaluation = Evaluation()
    finance: Finance = Finance()
    retention: Retention = Retention()
    audit: Audit = Audit()
    compliance: Compliance = Compliance()
    notifications: Notifications = Notifications()
    anomalies: Anomalies = Anomalies()
    objectives: Objectives = Objectives()
    tombstones: Tombstones = Tombstones()
    telemetry: Telemetry = Telemetry()
    tools: list[Tool] = []
    triggers: Triggers = Triggers()
