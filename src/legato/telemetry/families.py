"""What metrics are made of: label values to numbers, and Prometheus' families of them."""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

import msgspec
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

LATENCY_BOUNDS_S: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
)  # fmt: skip
_BOUNDS_US: Final = tuple(int(bound * 1e6) for bound in LATENCY_BOUNDS_S)
Key = tuple[str, ...]


class Histogram(msgspec.Struct):
    """Counts per bucket, the last one unbounded, and the sum in µs."""

    counts: list[int]
    sum_us: int = 0


def add(counts: dict[Key, int], key: Key, amount: int) -> None:
    """Count more of a key."""
    counts[key] = counts.get(key, 0) + amount


def observe(histograms: dict[Key, Histogram], key: Key, value_us: int) -> None:
    """Note how long something took."""
    histogram = histograms.get(key)
    if histogram is None:
        histogram = histograms[key] = Histogram([0] * (len(_BOUNDS_US) + 1))
    histogram.counts[bisect_left(_BOUNDS_US, value_us)] += 1
    histogram.sum_us += value_us


def merge_histograms(into: dict[Key, Histogram], part: dict[Key, Histogram]) -> None:
    """Add what another process noted."""
    for key, histogram in part.items():
        known = into.setdefault(key, Histogram([0] * len(histogram.counts)))
        known.counts = [a + b for a, b in zip(known.counts, histogram.counts, strict=True)]
        known.sum_us += histogram.sum_us


def counter_family(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[Key, float]
) -> Metric:
    """Return what only rises."""
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def gauge_family(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[Key, float]
) -> Metric:
    """Return how something stands."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def histogram_family(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[Key, Histogram]
) -> Metric:
    """Return how long something took, in seconds."""
    family = HistogramMetricFamily(name, text, labels=labels)
    for key, histogram in sorted(values.items()):
        buckets, below = [], 0
        for bound, count in zip((*LATENCY_BOUNDS_S, "+Inf"), histogram.counts, strict=True):
            below += count
            buckets.append((str(bound), below))
        family.add_metric(key, buckets, sum_value=histogram.sum_us / 1e6)
    return family


def objective_family(values: Mapping[Key, float]) -> Metric:
    """Return what is left of error budgets, by organisation and objective."""
    text = "What share of an objective's error budget is left; below 0 where it is overspent"
    return gauge_family("legato_objective_budget_left", text, ("org", "objective"), values)
