"""Rollouts as people and programs begin, steer and watch them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from legato.core.config import ApprovalRule
from legato.core.errors import Conflict, InvalidRequest
from legato.core.registry import ObjectName, Selector, checked_label
from legato.registry.registry import Act, approvals_wanted
from legato.routing.rollouts.course import Command, Phase, commanded
from legato.routing.rollouts.gates import Metric
from legato.routing.rollouts.plan import Plan, checked_plan
from legato.storage.registry import RegistryReader
from legato.storage.rollouts import NewRollout, Progress, Rollout, RolloutStore

MEASURED = frozenset(
    {Metric.ERRORS, Metric.LATENCY, Metric.COST, Metric.DISAPPROVAL, Metric.QUALITY}
)
"""What can be told of an arm, by its requests and by feedback on them."""
_TOLD = {
    Phase.RUNNING: "resumed by a person",
    Phase.PAUSED: "paused by a person",
    Phase.PROMOTED: "promoted by a person",
    Phase.ABORTED: "aborted by a person",
}


class Wish(msgspec.Struct, frozen=True):
    """What is to replace what a label points to, and how."""

    name: ObjectName
    label: str
    candidate: Selector
    plan: Plan


class Rollouts:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(
        self, reader: RegistryReader, store: RolloutStore, approvals: Sequence[ApprovalRule]
    ) -> None:
        self._reader = reader
        self.store = store
        self._approvals = approvals

    def start(self, wish: Wish, act: Act) -> Rollout:
        """Begin to replace what a label points to by another version, as a plan says.

        Raises:
            InvalidRequest: the plan can't be followed, naming the field.
            NotFound: there is no such version, or the label points to nothing.
            Conflict: the label is there already, waits for approvals, is kept in a directory, or
                has a rollout under way.
        """
        plan = measurable(checked_plan(wish.plan))
        name, label = wish.name, checked_label(wish.label)
        candidate = self._reader.version(name, wish.candidate, act.environment).digest
        if approvals_wanted(self._approvals, name, label, act):
            raise Conflict(
                f"moves of {name}@{label} wait for others to approve, and a rollout would go round "
                "them: roll out under a label without such a rule",
                param="label",
            )
        return self.store.start(
            NewRollout(act.environment, name, label, candidate, plan, act.author, act.reason)
        )

    def steer(self, rollout_id: str, command: Command, act: Act) -> Rollout:
        """Pause, resume, promote or abort.

        Raises:
            NotFound: there is no such rollout.
            InvalidRequest: it has ended, or is so already.
            Conflict: it is to be promoted, and a rule that came meanwhile wants others to approve.
            PreconditionFailed: it was changed meanwhile.
        """
        rollout = self.store.get(rollout_id)
        state = commanded(rollout.state, command, self.store.now_ns())
        if state.phase is Phase.PROMOTED and waits_for_others(self._approvals, rollout):
            raise Conflict(
                f"moves of {rollout.name}@{rollout.label} wait for others to approve since this "
                "rollout began: abort it, and ask for the move",
                param="command",
            )
        told = act.reason or _TOLD[state.phase]
        return self.store.progress(rollout, Progress(state, act.author, command.value, told))


def waits_for_others(rules: Sequence[ApprovalRule], rollout: Rollout) -> bool:
    """Whether a rule, which came after a rollout began, wants its label's moves approved."""
    act = Act(rollout.author, environment=rollout.environment)
    return approvals_wanted(rules, rollout.name, rollout.label, act) > 0


def read_plan(plain: Any) -> Plan:
    """Read a plan from plain data. Raises InvalidRequest."""
    try:
        return measurable(checked_plan(msgspec.convert(plain, Plan)))
    except msgspec.ValidationError as error:
        told = str(error)
        raise InvalidRequest(f"plan: {told[:1].lower()}{told[1:]}", param="plan") from None


def measurable(plan: Plan) -> Plan:
    """Refuse gates on what isn't measured. Raises InvalidRequest."""
    for number, gate in enumerate(plan.gates):
        if gate.metric not in MEASURED:
            known = ", ".join(sorted(MEASURED))
            raise InvalidRequest(
                f"gates[{number}].metric: {gate.metric.value} isn't measured here; known: {known}",
                param="gates",
            )
    return plan
