"""Configuration of what is kept of requests and said of answers."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import Count, Dollars, Name, Share


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Feedback(_Strict, frozen=True):
    """What callers say of their answers (`/v1/feedback`); its texts are sealed."""

    retention_days: Count = 365
    """How long it is kept after it was last changed."""


class UsageImports(_Strict, frozen=True):
    """What other reports say was used (`legato baseline`): sums, no content."""

    retention_days: Count = 1100
    """How long an import is kept after it was made: three years, to compare with."""


class CaptureRule(_Strict, frozen=True):
    """Of which requests the content is kept. What is None fits any."""

    routes: Annotated[list[Name], Meta(min_length=1)] | None = None
    """Aliases, or deployments addressed directly."""
    keys: Annotated[list[Name], Meta(min_length=1)] | None = None
    features: Annotated[list[Name], Meta(min_length=1)] | None = None
    tags: dict[str, str] = {}
    """All of these, as the key has them: consent is said by such a tag."""
    payloads: Literal["none", "full"] = "full"
    redact: bool = False
    """Labels stand for the personal data and secrets that a scan finds in what is kept."""
    share: Share = 1.0
    """Of the requests that fit, decided by their ids."""
    retention_days: Count = 30


class Capture(_Strict, frozen=True):
    """Content of requests and answers, kept sealed. The first rule that fits a request decides."""

    rules: list[CaptureRule] = []
    """None: nothing is kept."""
    bytes_max: Count = 1024 * 1024
    """Of a request, and of an answer: what is larger is left out."""
    waiting_mib: Count = 32
    """What a worker holds in memory at most until it is sealed; more is dropped and counted."""
    spool_mib: Count = 1024
    """What may wait on the local disk for the database; more is dropped and counted."""


class Reviews(_Strict, frozen=True):
    """Answers that people review; their contents are sealed."""

    retention_days: Count = 365
    """How long an item is kept after it was added, with what was said of it."""
    lease_s: Count = 900
    """How long an item is before one reviewer alone."""
    double_share: Share = 0.2
    """Which share of items two people label, so that their agreement can be told."""


class Proposals(_Strict, frozen=True):
    """What vendors change, and what that would do (`legato proposals`)."""

    price_changes: bool = True
    """Whether a price that the price book has changed raises a proposal by itself."""


class Evaluation(_Strict, frozen=True):
    """Runs of suites (`legato eval`); their answers are sealed."""

    retention_days: Count = 365
    """How long one is kept after it ended, with its answers."""
    traffic_dataset_retention_days: Count | None = None
    """How long cases from captured requests are kept, whatever names them; None for good."""


class DriftTerms(_Strict, frozen=True):
    """How drift of scores is looked for."""

    alpha: Annotated[float, Meta(gt=0, le=0.5)] = 0.05
    """The chance of ever a false alarm, of one scorer and version."""
    reference_scores: Annotated[int, Meta(ge=50, le=100_000)] = 500
    """The first so many scores are what later ones are compared with."""
    epoch_scores: Annotated[int, Meta(ge=50, le=100_000)] = 500


class LivePolicy(_Strict, frozen=True):
    """Which captured live answers are scored in the background, by what, for how much."""

    name: Name
    key: str
    """Name of the key that pays: its models, limits and budget hold."""
    scorers: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=20)]
    """As in suites."""
    usd_per_day: Dollars
    """Once so much is spent in a day (UTC), what is captured meanwhile is passed over."""
    route: Name | None = None
    prompt: Name | None = None
    """Only answers that a version of this prompt made."""
    share: Share = 0.05
    """Of all requests; what isn't captured can't be scored."""
    feedback: str | None = None
    """The scorer whose values become feedback, which quality gates of rollouts read."""
    drift: DriftTerms = DriftTerms()
