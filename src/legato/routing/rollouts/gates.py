"""What a candidate is held to, and what its evidence says at a moment.

A gate has two limits, both as harm (worse than the champion by so much). `tolerated`: proven worse
than that, the rollout goes back; 0 unless said. `margin`: proven less harmful than that, the gate
is passed; at 0 the candidate must be better; a gate without a margin only guards. Errors are
bounded over the whole life of the rollout, however often it is looked at:

- the chance of going back, though no gate's harm is above what is tolerated, is at most the
  plan's alpha: each of k comparisons (gates times candidates) gets alpha/k (Bonferroni), which
  holds however they depend on each other;
- the chance of passing, though some gate's harm is at or above its margin, is at most alpha without
  a division by gates, as every gate must pass (Berger 1982, the intersection-union test); of
  several candidates any may pass, so each gets alpha/candidates.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.registry import CANDIDATE
from legato.routing.rollouts.contrast import (
    Scale,
    Stratum,
    Unit,
    contrast,
    inward,
    outward,
)
from legato.routing.rollouts.sequential import boundary, log_e_value


class Metric(StrEnum):
    """What can be compared. A percentile is a rate: requests slower than a limit."""

    ERRORS = "errors"  # requests that failed
    SLOW = "slow"  # requests slower than a limit, such as the champion's p95
    GUARDRAIL = "guardrail"  # requests that triggered a guardrail
    DISAPPROVAL = "disapproval"  # thumbs down among all thumbs
    LATENCY = "latency"  # logarithms of milliseconds
    COST = "cost"  # per request
    QUALITY = "quality"  # a score, higher is better

    @property
    def scale(self) -> Scale:
        """How it is compared."""
        return _SCALES.get(self, Scale.RATE)

    @property
    def worse(self) -> int:
        """The direction of harm: 1 upwards, -1 downwards."""
        return -1 if self is Metric.QUALITY else 1


ALPHA_MAX: Final = 0.5
_SCALES: Final = {
    Metric.LATENCY: Scale.LOGARITHM,
    Metric.COST: Scale.RELATIVE,
    Metric.QUALITY: Scale.MEAN,
}


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Limits of one metric, as harm on its scale: 0.02 is two points of a rate, 2 % of a cost."""

    metric: Metric
    tolerated: float = 0.0
    margin: float | None = None
    above_ms: float | None = None
    """What is slow, for the metric `slow`."""

    def passed_by(self, finding: "Finding") -> bool:
        """Whether the candidate may replace its champion, as far as this gate goes."""
        if self.margin is None:
            return finding.verdict is not Verdict.WORSE
        return finding.verdict in {Verdict.HARMLESS, Verdict.BETTER}


class Verdict(StrEnum):
    """What is proven about the harm."""

    CONTINUE = "continue"  # nothing yet
    WORSE = "worse"  # above what is tolerated
    HARMLESS = "harmless"  # below the margin
    BETTER = "better"  # below zero


class Finding(msgspec.Struct, frozen=True):
    """A verdict with its reason: harm, between bounds that each hold with 1 - alpha at all times.

    `lower` uses the gate's part of alpha, `upper` the candidate's. `log_e` is the logarithm of the
    evidence that the harm is above what is tolerated; `log_e_needed` the limit. Harm and bounds
    are None while there are too few units to compare.
    """

    verdict: Verdict
    log_e_needed: float
    log_e: float = 0.0
    harm: float | None = None
    lower: float | None = None
    upper: float | None = None


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Under which terms gates are judged: `comparisons` tests share `alpha`.

    They are those of harm, gates times candidates; that one does no harm is shared by `candidates`.
    """

    alpha: float = 0.05
    comparisons: int = 1
    unit: Unit = Unit.USER
    candidates: int = 1


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a finding follows from: kept as JSON, it can be judged again by anybody."""

    gate: Gate
    terms: Terms
    strata: tuple[Stratum, ...]
    arm: str = CANDIDATE

    def finding(self) -> Finding:
        """Judge it."""
        return judge(self.gate, self.strata, self.terms)


def judge(gate: Gate, strata: Sequence[Stratum], terms: Terms) -> Finding:
    """Say what the strata prove about a gate."""
    scale, worse = gate.metric.scale, gate.metric.worse
    own_alpha = terms.alpha / terms.comparisons
    needed = -math.log(own_alpha)
    seen = contrast(strata, scale, terms.unit)
    if seen is None:
        return Finding(Verdict.CONTINUE, needed)
    harm = worse * seen.difference
    tolerated = inward(gate.tolerated, scale)
    log_e = log_e_value((harm - tolerated) / seen.standard_error, seen.pairs)
    lower = harm - boundary(own_alpha, seen.pairs) * seen.standard_error
    upper = harm + boundary(terms.alpha / terms.candidates, seen.pairs) * seen.standard_error
    margin = None if gate.margin is None else inward(gate.margin, scale)
    return Finding(
        _verdict(upper, margin, is_worse=log_e >= needed),
        needed,
        log_e,
        outward(harm, scale),
        outward(lower, scale),
        outward(upper, scale),
    )


def checked_gates(gates: Sequence[Gate], alpha: float) -> None:
    """Refuse limits that mean nothing.

    Raises:
        InvalidRequest: naming the field.
    """
    if not 0 < alpha <= ALPHA_MAX:
        raise InvalidRequest(f"alpha: {alpha:g} is not above 0 and at most {ALPHA_MAX}")
    for number, gate in enumerate(gates):
        place = f"gates[{number}] ({gate.metric})"
        if gate.metric in {earlier.metric for earlier in gates[:number]}:
            raise InvalidRequest(f"{place}: there is one already; keep one gate for each metric")
        _check_bound(place, gate)
        if not 0 <= gate.tolerated < math.inf:
            raise InvalidRequest(f"{place}.tolerated: {gate.tolerated:g} is not 0 or more")
        if gate.margin is not None and not gate.tolerated <= gate.margin < math.inf:
            raise InvalidRequest(
                f"{place}.margin: {gate.margin:g} is less than what is tolerated, "
                f"{gate.tolerated:g}; raise it, or leave it away for a gate that only guards"
            )


def _check_bound(place: str, gate: Gate) -> None:
    bound = gate.above_ms
    if gate.metric is not Metric.SLOW:
        if bound is not None:
            raise InvalidRequest(f"{place}.above_ms: only a gate on slow requests has it")
    elif bound is None or not 0 < bound < math.inf:
        raise InvalidRequest(
            f"{place}.above_ms: say from how many milliseconds on a request is slow, such as the "
            "champion's p95"
        )


def _verdict(upper: float, margin: float | None, *, is_worse: bool) -> Verdict:
    if is_worse:
        return Verdict.WORSE
    if upper < 0:
        return Verdict.BETTER
    return Verdict.HARMLESS if margin is not None and upper < margin else Verdict.CONTINUE
