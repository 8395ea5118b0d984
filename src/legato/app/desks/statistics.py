"""What `legato stats` shows, from two readings of the workers' counters."""

from collections.abc import Iterable, Sequence

import msgspec

from legato.core.decisions import FROM_CACHE
from legato.core.money import NanoUSD
from legato.telemetry.families import LATENCY_BOUNDS_S, Histogram
from legato.telemetry.metrics import Counts

_ERROR_MIN = 400
_SERVER_ERROR_MIN = 500


class DeploymentStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment; waits are to the first byte, in ms, None before there is one."""

    name: str
    requests: int
    requests_per_s: float
    failed_attempts: int
    first_byte_ms_p50: float | None
    first_byte_ms_p99: float | None
    input_tokens: int
    output_tokens: int
    cost: NanoUSD


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """All workers together. Counts are since the start, rates over the last interval."""

    requests: int
    requests_per_s: float
    open_requests: int
    cache_hits: int
    caller_errors: int
    server_errors: int
    cost: NanoUSD
    baseline: NanoUSD
    unpriced: int
    latency_ms_p50: float | None
    latency_ms_p99: float | None
    overhead_ms_p50: float | None
    overhead_ms_p99: float | None
    deployments: list[DeploymentStatistics]

    @property
    def saved(self) -> NanoUSD:
        """What the baselines would have cost more."""
        return NanoUSD(self.baseline - self.cost)


def statistics(now: Counts, before: Counts, interval_s: float) -> Statistics:
    """Compute the figures; `before` was read `interval_s` seconds before `now`."""
    statuses = [(int(key[3]), count) for key, count in now.requests.items()]
    requests = sum(now.requests.values())
    fresh = requests - sum(before.requests.values())
    latency, overhead = _sum(now.latency.values()), _sum(now.overhead.values())
    return Statistics(
        requests=requests,
        requests_per_s=_rate(fresh, interval_s),
        open_requests=int(now.gauges.get("open_requests", 0)),
        cache_hits=sum(count for key, count in now.requests.items() if key[4] in FROM_CACHE),
        caller_errors=sum(n for status, n in statuses if _ERROR_MIN <= status < _SERVER_ERROR_MIN),
        server_errors=sum(n for status, n in statuses if status >= _SERVER_ERROR_MIN),
        cost=NanoUSD(sum(now.cost_nano.values())),
        baseline=NanoUSD(sum(now.baseline_nano.values())),
        unpriced=sum(now.unpriced.values()),
        latency_ms_p50=quantile_ms(latency, 0.50),
        latency_ms_p99=quantile_ms(latency, 0.99),
        overhead_ms_p50=quantile_ms(overhead, 0.50),
        overhead_ms_p99=quantile_ms(overhead, 0.99),
        deployments=_deployments(now, before, interval_s),
    )


def quantile_ms(counts: Sequence[int], share: float) -> float | None:
    """Return a quantile of a histogram, linear within its bucket; None when it is empty.

    What lies beyond the last bound is told as that bound.
    """
    total = sum(counts)
    if total == 0:
        return None
    wanted, below, lower_s = share * total, 0, 0.0
    for bound_s, count in zip(LATENCY_BOUNDS_S, counts, strict=False):
        if count and below + count >= wanted:
            inside_s = (bound_s - lower_s) * (wanted - below) / count
            return round(1000 * (lower_s + inside_s), 3)
        below, lower_s = below + count, bound_s
    return 1000 * LATENCY_BOUNDS_S[-1]


def _deployments(now: Counts, before: Counts, interval_s: float) -> list[DeploymentStatistics]:
    names = {key[2] for key in now.requests} | {key[0] for key in now.failures}
    return [_deployment(name, now, before, interval_s) for name in sorted(names - {""})]


def _deployment(name: str, now: Counts, before: Counts, interval_s: float) -> DeploymentStatistics:
    requests = _of(name, now)
    waits = now.first_byte.get((name,))
    counts = waits.counts if waits else []
    return DeploymentStatistics(
        name=name,
        requests=requests,
        requests_per_s=_rate(requests - _of(name, before), interval_s),
        failed_attempts=sum(count for key, count in now.failures.items() if key[0] == name),
        first_byte_ms_p50=quantile_ms(counts, 0.50),
        first_byte_ms_p99=quantile_ms(counts, 0.99),
        input_tokens=now.tokens.get((name, "input"), 0),
        output_tokens=now.tokens.get((name, "output"), 0),
        cost=NanoUSD(sum(cost for key, cost in now.cost_nano.items() if key[2] == name)),
    )


def _of(name: str, counts: Counts) -> int:
    return sum(count for key, count in counts.requests.items() if key[2] == name)


def _sum(histograms: Iterable[Histogram]) -> list[int]:
    return [sum(column) for column in zip(*(one.counts for one in histograms), strict=True)]


def _rate(count: int, interval_s: float) -> float:
    return max(0, count) / interval_s if interval_s > 0 else 0.0
