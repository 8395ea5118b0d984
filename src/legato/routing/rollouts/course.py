"""The course of a rollout: what to do next, from its plan, its state, its evidence and the time.

```
            ┌── pause ──> paused ── resume ──┐
running <───┴────────────────────────────────┘
   │  hold, advance: still running
   ├── every step done, every gate passed ──> promoted      a person may promote at any time
   ├── harm proven ────────────────────────> rolled back    from paused too
   └── abort ──────────────────────────────> aborted
```
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.routing.assignment import WHOLE_BP
from legato.routing.rollouts.contrast import Stratum
from legato.routing.rollouts.gates import Evidence, Finding, Gate, Metric, Verdict
from legato.routing.rollouts.plan import Plan, Step
from legato.routing.rollouts.reasons import doubt, harm

_NS_PER_S: Final = 1_000_000_000


class Phase(StrEnum):
    """Where a rollout is."""

    RUNNING = "running"
    PAUSED = "paused"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"


class Action(StrEnum):
    """What a decision asks for."""

    HOLD = "hold"
    ADVANCE = "advance"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"


class Command(StrEnum):
    """What a person may ask for."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ABORT = "abort"


class State(msgspec.Struct, frozen=True):
    """A rollout at a moment: `step` counts from 0, begun (or resumed) at `since_ns`."""

    phase: Phase
    step: int
    since_ns: int

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.phase not in {Phase.RUNNING, Phase.PAUSED}

    def share_bp(self, plan: Plan) -> int:
        """Return the candidate's share of callers now, in basis points."""
        if self.phase is Phase.PROMOTED:
            return WHOLE_BP
        return 0 if self.ended else plan.steps[self.step].share_bp


class Observed(msgspec.Struct, frozen=True):
    """What was seen: the candidate's requests in this step, and each metric's strata by step."""

    requests: int = 0
    strata: Mapping[Metric, tuple[Stratum, ...]] = {}


class Decision(msgspec.Struct, frozen=True):
    """What to do, why in words, and the evidence it rests on: one for each gate."""

    action: Action
    reason: str
    evidence: tuple[Evidence, ...] = ()


def begun(now_ns: int) -> State:
    """Return the state of a rollout that starts."""
    return State(Phase.RUNNING, 0, now_ns)


def decide(plan: Plan, state: State, observed: Observed, now_ns: int) -> Decision:
    """Say what to do next. Asked as often as one likes; the test allows for it."""
    if state.ended:
        return Decision(Action.HOLD, f"the rollout has ended: {state.phase.replace('_', ' ')}")
    evidence = tuple(
        Evidence(gate, plan.terms, observed.strata.get(gate.metric, ())) for gate in plan.gates
    )
    judged = [(each.gate, each.finding()) for each in evidence]
    for gate, finding in judged:
        if finding.verdict is Verdict.WORSE:
            return Decision(Action.ROLL_BACK, harm(gate, finding), evidence)
    action, reason = _next(plan, state, observed, now_ns) or _end(judged)
    return Decision(action, reason, evidence)


def followed(state: State, decision: Decision, now_ns: int) -> State:
    """Return the state after a decision."""
    if state.ended or decision.action is Action.HOLD:
        return state
    if decision.action is Action.ADVANCE:
        return State(state.phase, state.step + 1, now_ns)
    phase = Phase.PROMOTED if decision.action is Action.PROMOTE else Phase.ROLLED_BACK
    return State(phase, state.step, now_ns)


def commanded(state: State, command: Command, now_ns: int) -> State:
    """Return the state after a person's command. A step that is resumed lasts its time anew.

    Raises:
        InvalidRequest: it has ended, or is paused or running already.
    """
    if state.ended:
        phase = state.phase.replace("_", " ")
        raise InvalidRequest(f"{command}: the rollout has ended ({phase}); start another one")
    phase = {
        Command.PAUSE: Phase.PAUSED,
        Command.RESUME: Phase.RUNNING,
        Command.PROMOTE: Phase.PROMOTED,
        Command.ABORT: Phase.ABORTED,
    }[command]
    if phase is state.phase:
        raise InvalidRequest(f"{command}: the rollout is {phase} already")
    return State(phase, state.step, now_ns)


def _next(plan: Plan, state: State, observed: Observed, now_ns: int) -> tuple[Action, str] | None:
    """Say what the steps ask for; None after the last."""
    step = plan.steps[state.step]
    at = f"step {state.step + 1} of {len(plan.steps)}, {step.share_bp / 100:g} % of callers"
    if state.phase is Phase.PAUSED:
        return Action.HOLD, f"{at}: paused"
    if missing := _missing(step, observed.requests, (now_ns - state.since_ns) // _NS_PER_S):
        return Action.HOLD, f"{at}: {missing}"
    if state.step + 1 == len(plan.steps):
        return None
    return Action.ADVANCE, f"{at}: done, and no harm is proven"


def _missing(step: Step, requests: int, passed_s: int) -> str:
    if passed_s < step.for_s:
        return f"{passed_s} of {step.for_s} s have passed"
    if requests < step.samples_min:
        return f"{requests} of {step.samples_min} requests were served"
    return ""


def _end(judged: Sequence[tuple[Gate, Finding]]) -> tuple[Action, str]:
    for gate, finding in judged:
        if not gate.passed_by(finding):
            return Action.HOLD, f"all steps are done; {doubt(gate, finding)}"
    return Action.PROMOTE, "all steps are done and every gate is passed"
