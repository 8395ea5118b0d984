"""How a candidate is let in: a growing share of callers, and what it is held to meanwhile."""

from itertools import pairwise

import msgspec

from legato.core.errors import InvalidRequest
from legato.routing.assignment import WHOLE_BP
from legato.routing.rollouts.contrast import Unit
from legato.routing.rollouts.gates import Gate, Terms, checked_gates

STEPS_MAX = 50


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share of callers, kept until time and the candidate's requests both suffice."""

    share_bp: int
    for_s: int = 0
    samples_min: int = 0


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The steps of one candidate; `alpha` is the chance of rolling it back for nothing.

    Where several candidates run against one champion, `candidates` divides alpha among them.
    `unit` says what the moments were summed over; requests only where no user comes back.
    """

    steps: tuple[Step, ...]
    gates: tuple[Gate, ...] = ()
    alpha: float = 0.05
    candidates: int = 1
    unit: Unit = Unit.USER

    @property
    def terms(self) -> Terms:
        """The terms its gates are judged under."""
        return Terms(self.alpha, max(len(self.gates) * self.candidates, 1), self.unit)


def checked_plan(plan: Plan) -> Plan:
    """Return a plan that can be followed. Raises InvalidRequest naming the field."""
    if not 1 <= len(plan.steps) <= STEPS_MAX:
        raise InvalidRequest(f"steps: give 1 to {STEPS_MAX}", param="steps")
    for number, step in enumerate(plan.steps):
        _check_step(f"steps[{number}]", step)
    for number, (step, following) in enumerate(pairwise(plan.steps), start=1):
        if following.share_bp <= step.share_bp:
            raise InvalidRequest(
                f"steps[{number}].share_bp: {following.share_bp} isn't above the step before, "
                f"{step.share_bp}; shares grow from step to step",
                param="steps",
            )
    if plan.candidates < 1:
        raise InvalidRequest("candidates: at least 1", param="candidates")
    checked_gates(plan.gates, plan.alpha)
    return plan


def _check_step(place: str, step: Step) -> None:
    if not 0 < step.share_bp <= WHOLE_BP:
        raise InvalidRequest(
            f"{place}.share_bp: {step.share_bp} isn't within 1 and {WHOLE_BP} basis points",
            param="steps",
        )
    if min(step.for_s, step.samples_min) < 0 or not step.for_s + step.samples_min:
        raise InvalidRequest(
            f"{place}: give for_s, samples_min or both, above 0: a step has to last for something",
            param="steps",
        )
