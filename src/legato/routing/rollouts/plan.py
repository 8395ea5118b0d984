"""How candidates are let in: a growing share of callers, and what they are held to meanwhile."""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, amount
from legato.routing.assignment import WHOLE_BP
from legato.routing.rollouts.contrast import Unit
from legato.routing.rollouts.gates import Gate, Metric, Terms, checked_gates

Dollars = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")]
STEPS_MAX: Final = 50
CANDIDATES_MAX: Final = 8
_WEIGHT_MAX: Final = 1_000


class Mode(StrEnum):
    """How it ends."""

    CANARY = "canary"  # one candidate takes the champion's place when its steps are done
    EXPERIMENT = "experiment"  # says at the end which arm is best
    SHADOW = "shadow"  # answers copies of calls, for nobody
    CHALLENGER = "challenger"  # goes on until a candidate is proven better, and proposes it


class Promotion(StrEnum):
    """Who promotes the winner of an experiment."""

    PERSON = "person"
    WINNER = "winner"  # by itself, where it is proven better


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share of callers, kept until time and each candidate's requests both suffice."""

    share_bp: int
    for_s: int = 0
    samples_min: int = 0


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The steps of candidates; `alpha` is the chance of taking any of them out for nothing.

    Where several candidates run against one champion, they divide a step's share by `weights`
    (alike without), and `candidates` divides alpha among them. `goal` is what the best arm is best
    by. `unit` says what the moments were summed over; requests only where no user comes back.

    Defaults are left out where it is kept: code that doesn't know a field can read on.
    """

    steps: tuple[Step, ...]
    gates: tuple[Gate, ...] = ()
    alpha: float = 0.05
    candidates: int = 1
    unit: Unit = Unit.USER
    mode: Mode = Mode.CANARY
    goal: Metric | None = None
    promotion: Promotion = Promotion.PERSON
    weights: tuple[int, ...] = ()
    budget_usd_per_day: (
        Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")] | int | None
    ) = None
    """What a shadow may cost."""

    @property
    def terms(self) -> Terms:
        """The terms its gates are judged under."""
        comparisons = max(len(self.gates) * self.candidates, 1)
        return Terms(self.alpha, comparisons, self.unit, self.candidates)

    @property
    def budget(self) -> NanoUSD:
        """What a shadow may cost in a day."""
        return amount(self.budget_usd_per_day or 0)

    @property
    def goal_gate(self) -> Gate | None:
        """The goal as a gate: that on its metric where there is one."""
        if self.goal is None:
            return None
        there = (gate for gate in self.gates if gate.metric is self.goal)
        return next(there, Gate(self.goal))

    @property
    def measured(self) -> tuple[Gate, ...]:
        """All that is compared."""
        goal = self.goal_gate
        return self.gates if goal is None or goal in self.gates else (*self.gates, goal)


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
    checked_gates(plan.gates, plan.alpha)
    _check_shadow(plan)
    _check_goal(plan)
    _check_candidates(plan)
    return plan


def _check_shadow(plan: Plan) -> None:
    if plan.mode is not Mode.SHADOW:
        if plan.budget_usd_per_day is not None:
            raise InvalidRequest(
                "budget_usd_per_day: only a shadow has one; others spend what callers do",
                param="budget_usd_per_day",
            )
        return
    if plan.budget <= 0:
        raise InvalidRequest(
            "budget_usd_per_day: say what the shadow may cost in a day, above 0: its answers are "
            "paid for like others",
            param="budget_usd_per_day",
        )
    if plan.gates:
        raise InvalidRequest(
            "gates: a shadow has none, as no caller meets it; read what it showed", param="gates"
        )


def _check_goal(plan: Plan) -> None:
    if plan.mode in {Mode.CANARY, Mode.SHADOW}:
        if plan.goal is not None or plan.promotion is not Promotion.PERSON:
            raise InvalidRequest(
                f"goal, promotion: a {plan.mode} has none; say mode: experiment or mode: "
                "challenger",
                param="goal",
            )
        return
    if plan.goal is None:
        raise InvalidRequest("goal: name the metric by which the best arm is best", param="goal")
    if plan.goal is Metric.SLOW and Metric.SLOW not in {gate.metric for gate in plan.gates}:
        raise InvalidRequest(
            "goal: slow needs a gate on slow, whose above_ms says what is slow", param="goal"
        )
    if plan.mode is Mode.CHALLENGER and plan.promotion is Promotion.WINNER:
        raise InvalidRequest(
            "promotion: a challenger is proposed, and a person promotes it", param="promotion"
        )


def _check_candidates(plan: Plan) -> None:
    """Check what divides callers among candidates, as far as their number is known."""
    if not 1 <= plan.candidates <= CANDIDATES_MAX:
        raise InvalidRequest(f"candidates: 1 to {CANDIDATES_MAX}", param="candidates")
    if plan.mode in {Mode.CANARY, Mode.SHADOW} and plan.candidates > 1:
        raise InvalidRequest(
            f"candidates: a {plan.mode} has one; for several say mode: experiment",
            param="candidates",
        )
    for number, weight in enumerate(plan.weights):
        if not 0 < weight <= _WEIGHT_MAX:
            raise InvalidRequest(
                f"weights[{number}]: {weight} isn't within 1 and {_WEIGHT_MAX}", param="weights"
            )


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
