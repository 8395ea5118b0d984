"""The course of a rollout: what to do next, from its plan, its state, its evidence and the time.

```
waiting ── enough others approve ──> running    where moves of the label need approval
   └────── a rejection, abort ─────> aborted

            ┌── pause ──> paused ── resume ──┐
running <───┴────────────────────────────────┘
   │  hold, advance, take one of several candidates out: still running
   ├── a canary's steps done, every gate passed ──────> promoted    a person may promote any time
   ├── an experiment's end, a challenger's proof ─────> proposed ── a person ──> promoted
   ├── a shadow's steps done ─────────────────────────> done        a person may promote any time
   ├── harm of the last candidate proven ─────────────> rolled back  from paused and proposed too
   └── abort ─────────────────────────────────────────> aborted
```
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.registry import CANDIDATE
from legato.routing.assignment import WHOLE_BP
from legato.routing.rollouts.contrast import Stratum
from legato.routing.rollouts.gates import Evidence, Metric, Verdict
from legato.routing.rollouts.plan import Mode, Plan, Promotion, Step
from legato.routing.rollouts.reasons import doubt, harm
from legato.routing.rollouts.standings import Judged, by_harm, judged_by, proposal, told

WAITS: Final = "waits for others to approve"
_NS_PER_S: Final = 1_000_000_000


class Phase(StrEnum):
    """Where a rollout is."""

    WAITING = "waiting"  # nobody has the candidate before others approve
    RUNNING = "running"
    PAUSED = "paused"
    PROPOSED = "proposed"  # an experiment is at its end, or a challenger better: a person decides
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"
    DONE = "done"  # a shadow was looked at for as long as it was to be


class Action(StrEnum):
    """What a decision asks for."""

    HOLD = "hold"
    ADVANCE = "advance"
    TAKE_OUT = "take_out"
    PROPOSE = "propose"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    END = "end"


class Command(StrEnum):
    """What a person may ask for."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ABORT = "abort"


class State(msgspec.Struct, frozen=True):
    """A rollout at a moment: `step` counts from 0, begun (or resumed) at `since_ns`.

    `out` are candidates taken out, `chosen` is the one proposed or promoted.
    """

    phase: Phase
    step: int
    since_ns: int
    out: tuple[str, ...] = ()
    chosen: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        under_way = {Phase.WAITING, Phase.RUNNING, Phase.PAUSED, Phase.PROPOSED}
        return self.phase not in under_way

    def share_bp(self, plan: Plan) -> int:
        """Return the share of callers that was meant for candidates now, in basis points."""
        if self.phase is Phase.PROMOTED:
            return WHOLE_BP
        nobody = self.ended or self.phase is Phase.WAITING
        return 0 if nobody else plan.steps[self.step].share_bp


class Observed(msgspec.Struct, frozen=True):
    """What was seen of a candidate: its requests in this step, and each metric's strata."""

    requests: int = 0
    strata: Mapping[Metric, tuple[Stratum, ...]] = {}


class Decision(msgspec.Struct, frozen=True):
    """What to do, with which arm, why in words, and the evidence it rests on: for each gate."""

    action: Action
    reason: str
    evidence: tuple[Evidence, ...] = ()
    arm: str = CANDIDATE


def begun(now_ns: int) -> State:
    """Return the state of a rollout that starts."""
    return State(Phase.RUNNING, 0, now_ns)


def decide(plan: Plan, state: State, observed: Mapping[str, Observed], now_ns: int) -> Decision:
    """Say what to do next, by what was seen of each candidate that is not out.

    Asked as often as one likes; the test allows for it.
    """
    if state.ended:
        return Decision(Action.HOLD, f"the rollout has ended: {state.phase.replace('_', ' ')}")
    if state.phase is Phase.WAITING:
        return Decision(Action.HOLD, WAITS)
    evidence = tuple(
        Evidence(gate, plan.terms, seen.strata.get(gate.metric, ()), arm)
        for arm, seen in observed.items()
        for gate in plan.measured
    )
    judged = [judged_by(plan, arm, evidence) for arm in observed]
    for one in judged:
        for gate, finding in one.findings:
            if finding.verdict is Verdict.WORSE:
                action = Action.ROLL_BACK if len(judged) == 1 else Action.TAKE_OUT
                return Decision(action, told(one.arm, harm(gate, finding)), evidence, one.arm)
    if state.phase is Phase.PROPOSED:
        return Decision(Action.HOLD, proposal(judged), evidence, state.chosen)
    action, reason, arm = _next(plan, state, observed, now_ns) or _end(plan, judged)
    return Decision(action, reason, evidence, arm)


def followed(state: State, decision: Decision, now_ns: int) -> State:
    """Return the state after a decision."""
    if state.ended or decision.action is Action.HOLD:
        return state
    if decision.action is Action.ADVANCE:
        return msgspec.structs.replace(state, step=state.step + 1, since_ns=now_ns)
    if decision.action is Action.TAKE_OUT:
        chosen = "" if state.chosen == decision.arm else state.chosen
        out = (*state.out, decision.arm)
        return msgspec.structs.replace(state, out=out, since_ns=now_ns, chosen=chosen)
    phase, chosen = _ENDS[decision.action], decision.arm
    if phase in {Phase.ROLLED_BACK, Phase.DONE}:
        chosen = ""
    return msgspec.structs.replace(state, phase=phase, since_ns=now_ns, chosen=chosen)


_ENDS: Final = {
    Action.PROPOSE: Phase.PROPOSED,
    Action.PROMOTE: Phase.PROMOTED,
    Action.ROLL_BACK: Phase.ROLLED_BACK,
    Action.END: Phase.DONE,
}


def commanded(state: State, command: Command, now_ns: int) -> State:
    """Return the state after a person's command. A step that is resumed lasts its time anew.

    Raises:
        InvalidRequest: it has ended, is paused or running already, or waits for approval.
    """
    if state.ended:
        phase = state.phase.replace("_", " ")
        raise InvalidRequest(f"{command}: the rollout has ended ({phase}); start another one")
    if state.phase is Phase.WAITING and command is not Command.ABORT:
        raise InvalidRequest(
            f"{command}: the rollout {WAITS}, and can only be approved, rejected or aborted"
        )
    phase = {
        Command.PAUSE: Phase.PAUSED,
        Command.RESUME: Phase.RUNNING,
        Command.PROMOTE: Phase.PROMOTED,
        Command.ABORT: Phase.ABORTED,
    }[command]
    if phase is state.phase:
        raise InvalidRequest(f"{command}: the rollout is {phase} already")
    return msgspec.structs.replace(state, phase=phase, since_ns=now_ns)


def _next(
    plan: Plan, state: State, observed: Mapping[str, Observed], now_ns: int
) -> tuple[Action, str, str] | None:
    """Say what the steps ask for; None after the last."""
    step = plan.steps[state.step]
    at = f"step {state.step + 1} of {len(plan.steps)}, {step.share_bp / 100:g} % of callers"
    if state.phase is Phase.PAUSED:
        return Action.HOLD, f"{at}: paused", ""
    requests = min((seen.requests for seen in observed.values()), default=0)
    if missing := _missing(step, requests, (now_ns - state.since_ns) // _NS_PER_S):
        return Action.HOLD, f"{at}: {missing}", ""
    if state.step + 1 == len(plan.steps):
        return None
    return Action.ADVANCE, f"{at}: done, and no harm is proven", ""


def _missing(step: Step, requests: int, passed_s: int) -> str:
    if passed_s < step.for_s:
        return f"{passed_s} of {step.for_s} s have passed"
    if requests < step.samples_min:
        return f"{requests} of {step.samples_min} requests were served"
    return ""


def _end(plan: Plan, judged: Sequence[Judged]) -> tuple[Action, str, str]:
    if plan.mode is Mode.SHADOW:
        return Action.END, "all steps are done: see what the copies showed", ""
    if plan.mode is not Mode.CANARY:
        return _proposed(plan, judged)
    (only,) = judged
    for gate, finding in only.findings:
        if not gate.passed_by(finding):
            return Action.HOLD, f"all steps are done; {doubt(gate, finding)}", only.arm
    return Action.PROMOTE, "all steps are done and every gate is passed", only.arm


def _proposed(plan: Plan, judged: Sequence[Judged]) -> tuple[Action, str, str]:
    """Name the best arm of those proven better than the champion, "" where none is."""
    better = [one for one in judged if one.is_better]
    result = proposal(judged)
    if not better:
        waits = plan.mode is Mode.CHALLENGER
        return (Action.HOLD if waits else Action.PROPOSE), result, ""
    best = min(better, key=by_harm).arm
    wins = plan.promotion is Promotion.WINNER
    return (Action.PROMOTE if wins else Action.PROPOSE), result, best
