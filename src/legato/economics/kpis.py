"""The KPIs that the ledger's sums say, each defined once (economics: KPIs).

A figure is an exact fraction of two integers; only who shows it divides.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec

LATENCY_SHARE: Final = 95
_PERCENT: Final = 100
_THOUSAND: Final = 1_000


class Unit(StrEnum):
    """What a figure counts."""

    SHARE = "share"  # 0.4 is 40 %
    NANO_USD = "nano_usd"
    MILLISECONDS = "ms"
    SECONDS = "s"
    PER_THOUSAND = "per_thousand"
    PER_DAY = "per_day"
    COUNT = "count"


class Figure(msgspec.Struct, frozen=True):
    """A fraction; or why there is none, and what is needed for one."""

    numerator: int = 0
    denominator: int = 1
    needs: str = ""

    @property
    def is_measured(self) -> bool:
        """Whether there is a figure."""
        return not self.needs


class Counts(msgspec.Struct):
    """What all KPIs are made of, for one group of entries. Amounts are nano-USD."""

    requests: int = 0
    """Of callers, where an attempt was made or the cache answered."""
    answers: int = 0
    """Of callers' requests, answered in full."""
    cached: int = 0
    cheaper: int = 0
    """Answers whose routing step saved something."""
    routed: int = 0
    """Answers by a route that has a choice of deployments."""
    unpriced: int = 0
    attempts: int = 0
    tokens_answered: int = 0
    """Of answers to callers, those from the cache too."""
    tokens_removed: int = 0
    """Left out of inputs."""
    tokens_paid: int = 0
    """That went to providers who bill them, for whatever reason."""
    cost: int = 0
    saved: int = 0
    """Baseline minus cost, of what has both prices."""
    latencies: tuple[int, ...] = ()
    """Answers that took less than each of the bounds."""
    triggers: int | None = None
    """Of guardrails, in rules that are enforced; None where that isn't counted."""
    pii_stopped: int | None = None
    users: int | None = None
    runs: int | None = None
    """Of workflows; None where they can't be told apart."""
    run_cost: int = 0
    features: int = 0
    teams: int = 0
    days: int = 1
    promotions: int | None = None
    revenue: int | None = None
    incidents: int | None = None
    """That were resolved; None where they can't be told apart."""
    detection_ms: int = 0
    resolution_ms: int = 0


class Kpi(msgspec.Struct, frozen=True):
    """A KPI: what it means, and how it follows from counts."""

    id: str
    title: str
    unit: Unit
    definition: str
    figure: Callable[[Counts], Figure]
    bands: str = ""
    """The field's, where it has some."""

    @property
    def lower_is_better(self) -> bool:
        """Whether a target is met from above."""
        return self.id in _LOWER


def share(part: int, whole: int, needs: str) -> Figure:
    """Return a fraction; of nothing, what is needed."""
    return Figure(part, whole) if whole else Figure(needs=needs)


def _per(whole: str, needs: str) -> Callable[[Counts], Figure]:
    return lambda counts: share(counts.cost, getattr(counts, whole) or 0, needs)


def _mean(counts: Counts, duration_ms: int) -> Figure:
    return share(duration_ms, _THOUSAND * (counts.incidents or 0), _INCIDENTS)


def _token_optimisation(counts: Counts) -> Figure:
    asked = counts.tokens_answered + counts.tokens_removed
    return share(asked - counts.tokens_paid, asked, "traffic with answers")


def _p95(bounds: tuple[int, ...]) -> Callable[[Counts], Figure]:
    """Interpolate within the bucket that holds the 95th of 100 answers."""

    def figure(counts: Counts) -> Figure:
        total = counts.answers - counts.cached
        if total <= 0 or not counts.latencies:
            return Figure(needs="answers from a deployment")
        below, under = 0, 0
        for bound, fast in zip(bounds, counts.latencies, strict=True):
            if fast * _PERCENT >= total * LATENCY_SHARE:
                wanted = total * LATENCY_SHARE - under * _PERCENT
                width = (fast - under) * _PERCENT
                return Figure(below * width + wanted * (bound - below), width)
            below, under = bound, fast
        return Figure(needs=f"finer bounds: it is more than {bounds[-1]} ms")

    return figure


_TRAFFIC: Final = "traffic: no request of callers in this period"
_LOWER: Final = frozenset(
    {"cost-per-request", "cost-per-success", "cost-per-user", "cost-per-feature", "cost-per-team",
     "cost-per-run", "failure-rate", "time-to-detection", "time-to-resolution", "latency-p95",
     "ai-cogs", "unpriced"}
)  # fmt: skip
_GUARDRAIL: Final = "a guardrail: no rule of one found anything in this period"
_INCIDENTS: Final = "incidents that were resolved in this period"
_RUNS: Final = (
    "workflow runs: calls with the tags `run` and `workflow` in the last 400 days, split by team, "
    "feature, workflow or day at most"
)
_REVENUE: Final = "revenue of the period, in whole months: legato revenue add"


def kpis(latency_bounds_ms: tuple[int, ...]) -> tuple[Kpi, ...]:
    """Return all of them; latencies are counted below these bounds."""
    return (*_OF_CALLS, *_OF_COST, *_of_service(latency_bounds_ms))


def _of_service(latency_bounds_ms: tuple[int, ...]) -> tuple[Kpi, ...]:
    return (
        Kpi("failure-rate", "Failure rate", Unit.SHARE,
            "Requests of callers that got no full answer / requests. What was refused before any "
            "attempt isn't in the ledger, and not here.",
            lambda c: share(max(0, c.requests - c.answers), c.requests, _TRAFFIC)),
        Kpi("throughput", "Throughput", Unit.PER_DAY, "Requests of callers / days of the period.",
            lambda c: Figure(c.requests, c.days)),
        Kpi("latency-p95", "Latency, 95th percentile", Unit.MILLISECONDS,
            "Below which 95 of 100 answers from deployments came, interpolated between counted "
            "bounds.", _p95(latency_bounds_ms)),
        Kpi("time-to-detection", "Mean time to detection", Unit.SECONDS,
            "From when an incident began to when it was opened, of those resolved in the period.",
            lambda c: _mean(c, c.detection_ms)),
        Kpi("time-to-resolution", "Mean time to resolution", Unit.SECONDS,
            "From when an incident was opened, the alert, to when it was resolved, of those "
            "resolved in the period.", lambda c: _mean(c, c.resolution_ms)),
        Kpi("deployment-frequency", "Deployment frequency", Unit.PER_DAY,
            "Labels of the registry that were moved to another version / days of the period.",
            lambda c: Figure(needs="the whole organisation") if c.promotions is None
            else Figure(c.promotions, c.days)),
    )  # fmt: skip


_OF_CALLS: Final = (
    Kpi("token-optimisation", "Token optimisation", Unit.SHARE,
        "1 - tokens sent to paid providers / tokens requested. Requested are the tokens of all "
        "answers, cached ones too, and those left out of inputs; sent are those of every "
        "attempt at a provider that bills them, our own judges and retries included.",
        _token_optimisation),
    Kpi("routing-efficiency", "Routing efficiency", Unit.SHARE,
        "Answers from a deployment cheaper than the baseline / all answers from deployments.",
        lambda c: share(c.cheaper, c.answers - c.cached, _TRAFFIC)),
    Kpi("routing-coverage", "Routing coverage", Unit.SHARE,
        "Answers by routes that have a choice of deployments / all answers.",
        lambda c: share(c.routed, c.answers, _TRAFFIC),
        "< 30 % low, 50-70 % median, > 85 % elite"),
    Kpi("cache-hit-rate", "Cache hit rate", Unit.SHARE,
        "Answers from the exact or the semantic cache / all answers.",
        lambda c: share(c.cached, c.answers, _TRAFFIC)),
    Kpi("wrong-hit-rate", "Wrong hits", Unit.SHARE,
        "Hits of the semantic cache that a sampled check found wrong / hits that were checked.",
        lambda _: Figure(needs="sums of sampled checks: their counts are in the metric "
                               "legato_semantic_cache alone")),
    Kpi("policy-triggers", "Policy triggers", Unit.PER_THOUSAND,
        "Requests in which an enforced rule of a guardrail fired, of 1,000 requests.",
        lambda c: Figure(needs=_GUARDRAIL) if c.triggers is None
        else share(c.triggers * _THOUSAND, c.requests, _TRAFFIC)),
    Kpi("personal-data-stopped", "Personal data stopped", Unit.COUNT,
        "Finds that enforced rules redacted or blocked.",
        lambda c: Figure(needs=_GUARDRAIL) if c.pii_stopped is None
        else Figure(c.pii_stopped)),
)  # fmt: skip
_OF_COST: Final = (
    Kpi("cost-per-request", "Cost per request", Unit.NANO_USD,
        "Cost of all entries, overhead included / requests of callers.",
        _per("requests", _TRAFFIC),
        "> $0.10 high, $0.01-0.05 median, < $0.005 elite"),
    Kpi("cost-per-success", "Cost per successful request", Unit.NANO_USD,
        "Cost of all entries, failed ones included / answers.", _per("answers", _TRAFFIC)),
    Kpi("cost-per-user", "Cost per user", Unit.NANO_USD,
        "Cost of all entries / users that callers named.",
        _per("users", "users of the last 92 days: callers name them by `user` or the header "
                      "x-legato-user")),
    Kpi("cost-per-feature", "Cost per feature", Unit.NANO_USD,
        "Cost of all entries / features that had any.", _per("features", _TRAFFIC)),
    Kpi("cost-per-team", "Cost per team", Unit.NANO_USD,
        "Cost of all entries / teams that had any.", _per("teams", _TRAFFIC)),
    Kpi("cost-per-run", "Cost per run", Unit.NANO_USD,
        "Cost of the entries that name a workflow's run in their tags / runs that have any: all "
        "models a run called, judges and retries too. By day, a run counts on each day it spent.",
        lambda c: share(c.run_cost, c.runs or 0, _RUNS)),
    Kpi("ai-cogs", "AI COGS", Unit.SHARE, "Cost of all entries / revenue.",
        lambda c: share(c.cost, c.revenue or 0, _REVENUE),
        "> 40 % low, 15-25 % median, < 10 % elite"),
    Kpi("contribution-margin", "Contribution margin", Unit.SHARE,
        "(Revenue - cost of all entries) / revenue.",
        lambda c: share((c.revenue or 0) - c.cost, c.revenue or 0, _REVENUE)),
    Kpi("savings-rate", "Savings rate", Unit.SHARE,
        "(Baseline - cost) / baseline: modelled by prices, not measured.",
        lambda c: share(c.saved, c.cost + c.saved, _TRAFFIC)),
    Kpi("unpriced", "Attempts without a price", Unit.SHARE,
        "Attempts whose cost is unknown / all attempts. Their cost is in none of the figures.",
        lambda c: share(c.unpriced, c.attempts, _TRAFFIC)),
)  # fmt: skip
