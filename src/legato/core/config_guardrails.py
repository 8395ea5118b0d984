"""Configuration of guardrails: policies, what they must keep to, and detectors of one's own."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import Count, Name, Positive, Share
from legato.core.guard_output import OutputChecks
from legato.core.guarding import Action, Mode, Place

Word = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
"""Names a pattern or a dictionary; what it finds is labelled `CUSTOM:<name>`."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Attachment(_Strict, frozen=True):
    """Whose requests a policy is for. What is None fits any; all that is said must fit."""

    orgs: Annotated[list[Name], Meta(min_length=1)] | None = None
    teams: Annotated[list[Name], Meta(min_length=1)] | None = None
    features: Annotated[list[Name], Meta(min_length=1)] | None = None
    keys: Annotated[list[Name], Meta(min_length=1)] | None = None
    routes: Annotated[list[Name], Meta(min_length=1)] | None = None
    """Aliases, deployments addressed directly, or `prompt/NAME`."""
    deployments: Annotated[list[Name], Meta(min_length=1)] | None = None
    """What the request may be sent to, by whatever name, fallbacks included."""


Said = Annotated[str, Meta(min_length=1, max_length=2_000)]


class Topic(_Strict, frozen=True):
    """A matter that texts can be about, told by examples."""

    description: Said
    """What it is, in a sentence: one more example."""
    examples: Annotated[list[Said], Meta(min_length=3, max_length=200)]
    """Texts about it, as people write them."""
    counter_examples: Annotated[list[Said], Meta(max_length=200)] = []
    """Texts that are near it, and not about it."""
    background_share: Annotated[float, Meta(gt=0, le=0.5)] | None = None
    """How much of a background of everyday requests may count as about it: 0.03, or 0.1 where only
    topics are allowed."""
    threshold: Annotated[float, Meta(gt=0, lt=1)] | None = None
    """The nearness from which a text is about it, instead of the one that is found."""


class Detect(_Strict, frozen=True):
    """What a rule looks for: any of these."""

    labels: list[str] = []
    """Labels, or groups of them: `personal`, `names`, `secrets`, `injection`."""
    detectors: Annotated[list[Name], Meta(min_length=1)] | None = None
    """Only what these find of the labels; without labels whatever they find."""
    patterns: dict[Word, str] = {}
    """Regular expressions of RE2, by name."""
    words: dict[Word, Annotated[list[str], Meta(min_length=1)]] = {}
    """Dictionaries, by name; whole words, whatever their case."""
    topics: Annotated[dict[Word, Topic], Meta(max_length=20)] = {}
    """Matters that texts mustn't be about, by name; what is found is labelled `TOPIC:<name>`."""
    only_topics: Annotated[dict[Word, Topic], Meta(max_length=20)] = {}
    """Matters that a turn, or an answer, must be about; what isn't is labelled `OFF_TOPIC`."""


class RuleJudge(_Strict, frozen=True):
    """A model that is asked before a rule acts."""

    deployment: Name
    """A deployment, or an alias."""
    asks: Literal["injection", "toxicity"]
    below: Share = 0.9
    """Findings with a lower score are put to it; those above stand unasked."""
    always: bool = False
    """Whether it is asked about every text, and finds what no detector found."""
    time_ms: Positive = 5_000.0
    characters_max: Annotated[int, Meta(ge=500, le=100_000)] = 12_000
    """Of all texts of one request together; more is a failure."""
    max_tokens: Annotated[int, Meta(ge=16, le=4_096)] = 300
    on_failure: Literal["refuse", "score"] = "refuse"
    """Whether what it can't tell refuses the request, or the detectors' scores decide. Where the
    rule only flags, and in shadow, they decide."""


class GuardRule(_Strict, frozen=True):
    """What is done where something is found."""

    name: Name
    detect: Detect
    action: Action
    on: Annotated[list[Place], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [Place.INPUT, Place.TOOL_RESULT, Place.DOCUMENT]
    )
    at_least: Share = 0.5
    """The score that a finding must have."""
    stand_in: Literal["placeholder", "surrogate"] = "placeholder"
    """What redacted text is replaced by: `[EMAIL_ADDRESS_1_...]`, or text of the same form."""
    deployment: Name | None = None
    """The only one that may answer, with the action `route`."""
    judge: RuleJudge | None = None


class Terms(_Strict, frozen=True):
    """A condition that requests must meet."""

    name: Name
    when: str
    """In the Common Expression Language; see routes' rules. What it isn't true of is refused."""
    message: Annotated[str, Meta(min_length=1, max_length=500)]
    """What callers are told."""


class InputTerms(_Strict, frozen=True):
    """What requests must be like before anything else is done with them."""

    json_schema: dict[str, Any] | None = None
    of: Literal["body", "variables"] = "body"
    """Of what: the request's body, or the variables it gives to a prompt."""
    conditions: list[Terms] = []


class KeptMap(_Strict, frozen=True):
    """That what stands for redacted values can be turned back after the request."""

    retention_days: Count
    """How long the values are kept, sealed."""
    who: Annotated[list[Name], Meta(min_length=1)] | None = None
    """Names of the keys that may read them; None: whichever has the permission."""


class RedactionTerms(_Strict, frozen=True):
    """What becomes of redacted values."""

    keep: KeptMap | None = None
    """None: they are gone when the request has ended."""


class GuardPolicy(_Strict, frozen=True):
    """Rules for the requests it is attached to. Of several policies the strictest action wins."""

    name: Name
    attach: Attachment = Attachment()
    mode: Mode = Mode.ENFORCE
    input: InputTerms = InputTerms()
    rules: list[GuardRule] = []
    """In order: of those that find the same, the first decides."""
    redaction: RedactionTerms = RedactionTerms()
    output: OutputChecks | None = None
    """What answers must be like; rules on `output` and `tool_call` say what they may not hold."""
    time_ms: Positive = 500.0
    """What detectors may take for one request; more is a failure."""


class OwnDetector(_Strict, frozen=True):
    """A detector beside those that come with Legato."""

    name: Name
    kind: str = "http"
    """`http`, or a kind of the entry points `legato.detectors`."""
    url: str | None = None
    labels: list[str] = []
    """What an `http` one may find."""
    settings: dict[str, Any] = {}
    """Options of the kind, checked by the kind itself."""


class TopicReading(_Strict, frozen=True):
    """How texts become vectors, for rules about topics."""

    embedder: Name = "wordllama"
    """wordllama, minilm, or a deployment of embeddings."""
    dimensions: Count | None = None
    """Of a deployment's vectors."""
    time_ms: Positive = 2_000.0
    """What a deployment may take for one request; more is a failure."""


class KeptSamples(_Strict, frozen=True):
    """What is kept of finds that nothing is done about, for people to confirm or reject."""

    per_rule: Annotated[int, Meta(ge=0, le=10_000)] = 200
    """Samples that wait to be judged, of each policy's rule and label; 0 keeps none."""
    retention_days: Count = 90
    """How long a sample is kept, judged or not; its text no longer than the request's capture."""


class Guardrails(_Strict, frozen=True):
    """Policies of this instance; organisations have theirs in the registry."""

    policies: list[GuardPolicy] = []
    compliance: list[str] = []
    """Built-in rules that every policy must keep to, by name."""
    detectors: list[OwnDetector] = []
    topics: TopicReading = TopicReading()
    processes: Count = 1
    """For each gateway worker: how many processes run detectors that take long."""
    samples: KeptSamples = KeptSamples()
