"""How candidates stand beside each other and their champion, each by its own evidence."""

from collections.abc import Sequence
from typing import NamedTuple

from legato.core.registry import CANDIDATE
from legato.routing.rollouts.gates import Evidence, Finding, Gate, Verdict
from legato.routing.rollouts.plan import Plan
from legato.routing.rollouts.reasons import standing


class Judged(NamedTuple):
    """What is found about one candidate."""

    arm: str
    findings: tuple[tuple[Gate, Finding], ...]
    goal: tuple[Gate, Finding] | None

    @property
    def passed(self) -> bool:
        """Whether every gate lets it through."""
        return all(gate.passed_by(finding) for gate, finding in self.findings)

    @property
    def is_better(self) -> bool:
        """Whether it is proven better than the champion by the goal."""
        return self.goal is not None and self.goal[1].verdict is Verdict.BETTER and self.passed


def judged_by(plan: Plan, arm: str, evidence: Sequence[Evidence]) -> Judged:
    """Judge one candidate by its part of the evidence."""
    findings = {one.gate.metric: (one.gate, one.finding()) for one in evidence if one.arm == arm}
    gates = tuple(findings[gate.metric] for gate in plan.gates)
    return Judged(arm, gates, None if plan.goal is None else findings[plan.goal])


def proposal(judged: Sequence[Judged]) -> str:
    """Say how each candidate stands by the goal, the best one first."""
    better = [one for one in judged if one.is_better]
    best = min(better, key=by_harm).arm if better else "none"
    standings = [
        told(one.arm, f"{one.goal[0].metric}: {standing(*one.goal)}")
        for one in sorted(judged, key=by_harm)
        if one.goal is not None
    ]
    return f"{best} is proven better; {'; '.join(standings)}"


def by_harm(judged: Judged) -> float:
    """Order candidates by their goal, the best one first."""
    harm = None if judged.goal is None else judged.goal[1].harm
    return float("inf") if harm is None else harm


def told(arm: str, reason: str) -> str:
    """Say which of several candidates is meant."""
    return reason if arm == CANDIDATE else f"{arm}: {reason}"
