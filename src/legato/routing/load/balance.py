"""Choosing between deployments by how busy they are."""

from collections.abc import Callable, Sequence
from math import exp
from typing import Protocol, TypeVar

RAMP_MIN = 0.1
"""A deployment that comes back counts as this share of itself at first."""
EWMA_S = 10.0
"""The time constant of the moving average: as long as a slow answer is remembered."""
UNMEASURED_MS = 1_000.0
"""What the second call to an unmeasured deployment is assumed to take: the first measures it."""


class Weighed(Protocol):
    """What is chosen from: `load` already is per weight; a weight of 0 is never chosen."""

    weight: int
    load: float


Some = TypeVar("Some", bound=Weighed)


def two_choices(candidates: Sequence[Some], random: Callable[[], float]) -> list[Some]:
    """Return the candidates, the less loaded of two drawn ones first, the rest by load.

    Two choices are enough to spread calls evenly (Mitzenmacher, "The Power of Two Choices in
    Randomized Load Balancing", 2001), and unlike always taking the least loaded one they keep
    workers that see the same numbers from all running to the same deployment.
    """
    ordered = [one for one in candidates if one.weight > 0]
    count = len(ordered)
    if count > 1:
        first = int(random() * count)
        second = int(random() * (count - 1))
        second += second >= first
        chosen = first if ordered[first].load <= ordered[second].load else second
        best = ordered.pop(chosen)
        ordered.sort(key=_load)
        ordered.insert(0, best)
    return ordered


def _load(one: Weighed) -> float:
    return one.load


def outstanding_load(outstanding: float, weight: int, ramp: float) -> float:
    """Return calls under way with the one to come, per weight (as Envoy's least request does)."""
    return (outstanding + 1.0) / (max(weight, 1) * ramp)


def peak_ewma_load(ewma_ms: float, outstanding: float, weight: int, ramp: float) -> float:
    """Return ms until a call's answer would begin behind those under way, per weight.

    From Finagle's Peak EWMA; an unmeasured deployment costs nothing until it has been asked.
    """
    calls = outstanding + 1.0
    waited_ms = ewma_ms * calls if ewma_ms > 0.0 else UNMEASURED_MS * outstanding
    return waited_ms / (max(weight, 1) * ramp)


def peak_ewma_ms(known_ms: float, age_s: float, latency_ms: float) -> float:
    """Return the average with one more measurement: it rises at once, and falls slowly."""
    if latency_ms >= known_ms:
        return latency_ms
    kept = exp(-max(age_s, 0.0) / EWMA_S)
    return known_ms * kept + latency_ms * (1.0 - kept)


def ramp(back_for_s: float, slow_start_s: float) -> float:
    """Return which share of itself a deployment counts as, so long after it came back."""
    if back_for_s >= slow_start_s:
        return 1.0
    return max(RAMP_MIN, back_for_s / slow_start_s)
