"""Rollouts as people and programs begin, steer and watch them."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from legato.core.config import ApprovalRule
from legato.core.errors import Conflict, InvalidRequest
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, Selector, checked_label
from legato.registry.registry import Act, approvals_wanted
from legato.routing.rollouts.course import Command, Phase, commanded
from legato.routing.rollouts.division import named_arms, planned_for
from legato.routing.rollouts.gates import Metric
from legato.routing.rollouts.plan import Plan, checked_plan
from legato.storage.registry.reader import RegistryReader
from legato.storage.registry.records import VersionRecord
from legato.storage.registry.rollouts import NewRollout, Progress, Rollout, RolloutStore

MEASURED = frozenset(
    {
        Metric.ERRORS,
        Metric.LATENCY,
        Metric.SLOW,
        Metric.COST,
        Metric.DISAPPROVAL,
        Metric.QUALITY,
        Metric.GUARDRAIL,
    }
)
"""What can be told of an arm, by its requests, what guardrails found, and feedback."""
_TOLD = {
    Phase.RUNNING: "resumed by a person",
    Phase.PAUSED: "paused by a person",
    Phase.PROMOTED: "promoted by a person",
    Phase.ABORTED: "aborted by a person",
}


class Wish(msgspec.Struct, frozen=True):
    """What is to be tried against what a label points to, and how."""

    name: ObjectName
    label: str
    candidates: tuple[Selector, ...]
    plan: Plan


class Requiring(Protocol):
    """What a registry asks of versions and labels."""

    def require_servable(self, version: VersionRecord, environment: str) -> None:
        """Refuse a version that callers of an environment couldn't be given. Raises Conflict."""
        ...

    def require_margin(self, name: ObjectName, label: str, environment: str) -> None:
        """Refuse a label whose feature doesn't pay, where a policy asks. Raises Conflict."""
        ...


class Rollouts:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        reader: RegistryReader,
        store: RolloutStore,
        approvals: Sequence[ApprovalRule],
        registry: Requiring | None = None,
    ) -> None:
        """`registry` refuses what an environment couldn't serve, and what doesn't pay."""
        self._reader = reader
        self.store = store
        self._approvals = approvals
        self._registry = registry

    def start(self, wish: Wish, act: Act) -> Rollout:
        """Begin to try versions against what a label points to, as a plan says.

        Where moves of the label need approval, it waits for as many to approve the start.

        Raises:
            InvalidRequest: the plan can't be followed with these candidates, naming the field.
            NotFound: there is no such version, or the label points to nothing.
            Conflict: the label is there already, is kept in a directory, or has a rollout under
                way.
        """
        plan = planned_for(measurable(checked_plan(wish.plan)), len(wish.candidates))
        name, label = wish.name, checked_label(wish.label)
        _require_tried(name, label)
        found = [self._reader.version(name, one, act.environment) for one in wish.candidates]
        if self._registry is not None:
            for version in found:
                self._registry.require_servable(version, act.environment)
            self._registry.require_margin(name, label, act.environment)
        candidates = named_arms([(one.number, one.digest) for one in found])
        wanted = NewRollout(
            act.environment,
            name,
            label,
            candidates,
            plan,
            act.author,
            act.reason,
            approvals_wanted(self._approvals, name, label, act),
        )
        return self.store.start(wanted)

    def steer(self, rollout_id: str, command: Command, act: Act, arm: str = "") -> Rollout:
        """Pause, resume, promote or abort; `arm` says which of several candidates to promote.

        Raises:
            NotFound: there is no such rollout, or no such candidate.
            InvalidRequest: it has ended, is so already, or it isn't said which to promote.
            Conflict: the candidate was taken out; or it is to be promoted, and a rule wants more
                to approve than did, others approved a plan that isn't at its end, or its feature
                doesn't pay where a policy asks.
            PreconditionFailed: it was changed meanwhile.
        """
        rollout = self.store.get(rollout_id)
        state = commanded(rollout.state, command, self.store.now_ns())
        if state.phase is Phase.PROMOTED:
            self._require_approved(rollout)
            if self._registry is not None:
                self._registry.require_margin(rollout.name, rollout.label, rollout.environment)
            chosen = rollout.division.arm(arm).name
            state = msgspec.structs.replace(state, chosen=chosen)
        elif arm:
            raise InvalidRequest(f"arm: only for promote, not {command.value}", param="arm")
        told = act.reason or _TOLD[state.phase]
        return self.store.progress(rollout, Progress(state, act.author, command.value, told))

    def _require_approved(self, rollout: Rollout) -> None:
        """Refuse a promotion that a person commands and others didn't approve. Raises Conflict."""
        if waits_for_others(self._approvals, rollout):
            raise Conflict(
                f"moves of {rollout.name}@{rollout.label} wait for others to approve since this "
                "rollout began: abort it, and ask for the move",
                param="command",
            )
        if _wanted(self._approvals, rollout) and rollout.state.phase is not Phase.PROPOSED:
            raise Conflict(
                "others approved a promotion by this rollout's plan, which isn't at its end: let "
                "it go on, or abort it and ask for the move",
                param="command",
            )


def _require_tried(name: ObjectName, label: str) -> None:
    """Refuse what callers can't be divided on. Raises InvalidRequest."""
    if name.kind is Kind.DEPLOYMENT:
        raise InvalidRequest(
            f"name: callers are divided on routes: save {name.name} under another name, and try "
            "a version of a route that names it",
            param="name",
        )
    if name.kind is Kind.ROUTER:
        raise InvalidRequest(
            f"name: callers are divided on routes: give the version a label of its own, and try "
            f"a version of a route that names {name}@LABEL",
            param="name",
        )
    if name.kind is Kind.ROUTE and label != DEFAULT_LABEL:
        told = f"label: callers reach a route by {DEFAULT_LABEL} alone, not by {label}"
        raise InvalidRequest(told, param="label")


def waits_for_others(rules: Sequence[ApprovalRule], rollout: Rollout) -> bool:
    """Whether a rule wants its label's moves approved by more than approved a rollout's start."""
    return _wanted(rules, rollout) > rollout.approvals


def _wanted(rules: Sequence[ApprovalRule], rollout: Rollout) -> int:
    act = Act(rollout.author, environment=rollout.environment)
    return approvals_wanted(rules, rollout.name, rollout.label, act)


def read_plan(plain: Any) -> Plan:
    """Read a plan from plain data. Raises InvalidRequest."""
    try:
        return measurable(checked_plan(msgspec.convert(plain, Plan)))
    except msgspec.ValidationError as error:
        told = str(error)
        raise InvalidRequest(f"plan: {told[:1].lower()}{told[1:]}", param="plan") from None


def measurable(plan: Plan) -> Plan:
    """Refuse what isn't measured. Raises InvalidRequest."""
    known = ", ".join(sorted(MEASURED))
    for number, gate in enumerate(plan.gates):
        if gate.metric not in MEASURED:
            raise InvalidRequest(
                f"gates[{number}].metric: {gate.metric.value} isn't measured here; known: {known}",
                param="gates",
            )
    if plan.goal is not None and plan.goal not in MEASURED:
        raise InvalidRequest(
            f"goal: {plan.goal.value} isn't measured here; known: {known}", param="goal"
        )
    return plan
