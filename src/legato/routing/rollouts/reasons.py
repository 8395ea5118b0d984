"""A finding in words."""

import math
from typing import Final

from legato.routing.rollouts.contrast import Scale
from legato.routing.rollouts.gates import Finding, Gate

_ROLLOUTS_MAX: Final = 1_000_000


def harm(gate: Gate, finding: Finding) -> str:
    """Say why a rollout goes back."""
    overwhelming = finding.log_e >= math.log(_ROLLOUTS_MAX)
    rollouts = _ROLLOUTS_MAX if overwhelming else int(math.exp(finding.log_e))
    return (
        f"{gate.metric}: {_amount(gate, finding.harm)} worse than the champion, at least "
        f"{_amount(gate, finding.lower)}, where {_amount(gate, gate.tolerated)} is tolerated; by "
        f"chance this gate shows as much in at most one of {rollouts:,} rollouts"
    )


def doubt(gate: Gate, finding: Finding) -> str:
    """Say what a gate with a margin still lacks."""
    if finding.upper is None:
        return f"{gate.metric}: too few callers in an arm to compare"
    return (
        f"{gate.metric}: may still be {_amount(gate, finding.upper)} worse than the champion, "
        f"the margin is {_amount(gate, gate.margin)}"
    )


def standing(gate: Gate, finding: Finding) -> str:
    """Say how much better or worse than the champion a candidate is, with the bounds."""
    if finding.harm is None or finding.lower is None or finding.upper is None:
        return "too few callers to compare"
    word = "worse" if finding.harm > 0 else "better"
    return (
        f"{_amount(gate, abs(finding.harm))} {word} than the champion, between "
        f"{_amount(gate, -finding.upper)} and {_amount(gate, -finding.lower)} better"
    )


def _amount(gate: Gate, harm: float | None) -> str:
    if harm is None:
        return "unknown"
    if gate.metric.scale is Scale.MEAN:
        return f"{harm:.3g}"
    unit = "points" if gate.metric.scale is Scale.RATE else "%"
    return f"{100 * harm:.3g} {unit}"
