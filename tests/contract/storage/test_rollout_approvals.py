"""Where moves of a label need approval, a rollout of it waits for others; on both databases."""

import pytest
from sqlalchemy import Engine, update

from legato.core.clock import ManualClock
from legato.core.config import ApprovalRule
from legato.core.errors import Conflict, Forbidden, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.registry import Kind, MoveState, ObjectName, Selector, Truth, digest_of
from legato.core.tenant import Tenant
from legato.registry.registry import Act
from legato.registry.rollout_watch import RolloutWatch
from legato.registry.rollouts import Rollouts, Wish, waits_for_others
from legato.routing.rollouts.course import Command, Phase
from legato.routing.rollouts.gates import Gate, Metric
from legato.routing.rollouts.plan import Mode, Plan, Step
from legato.storage.registry.changes import RegistryChanges
from legato.storage.registry.reader import RegistryReader
from legato.storage.registry.records import Changes, Move, MoveRecord, NewVersion
from legato.storage.registry.rollout_outcomes import RolloutOutcomes
from legato.storage.registry.rollouts import Rollout, RolloutStore, running_rollouts
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.storage.tables.rollouts import rollout as rollout_table

ACME = Tenant("acme")
GREETING = ObjectName(Kind.PROMPT, "greeting")
OLD, NEW, NEWER = (digest_of(Kind.PROMPT, text) for text in ("old", "new", "newer"))
PLAN = Plan((Step(1_000, for_s=60),))
EXPERIMENT = Plan((Step(4_000, for_s=60),), mode=Mode.EXPERIMENT, goal=Metric.ERRORS)


def rule(approvals: int) -> tuple[ApprovalRule, ...]:
    return (ApprovalRule(environment="production", labels=("production",), approvals=approvals),)


class Desk:
    """An organisation with a prompt of three versions, the oldest live, and rules for its label."""

    def __init__(self, engine: Engine, clock: ManualClock, ids: IdSource) -> None:
        self.clock, self.engine = clock, engine
        self.changes = RegistryChanges(engine, clock, ids, ACME)
        self.store = RolloutStore(engine, clock, ids, ACME)
        self.read = RegistryReader(engine, ACME)
        versions = tuple(
            NewVersion(GREETING, digest, text)
            for digest, text in ((OLD, b"old"), (NEW, b"new"), (NEWER, b"newer"))
        )
        move = Move(GREETING, "production", OLD)
        self.changes.make(Changes("ada", "", "production", Truth.DATABASE, versions, (move,)))
        self.rules = rule(2)
        self.watch = RolloutWatch(
            lambda: running_rollouts(engine, "production"),
            lambda _: self.store,
            lambda _: RolloutOutcomes(engine, ACME),
            clock.now_ns,
            waits=lambda one: waits_for_others(self.rules, one),
        )

    @property
    def rollouts(self) -> Rollouts:
        return Rollouts(self.read, self.store, self.rules)

    def start(self, plan: Plan = PLAN, *numbers: int) -> Rollout:
        picked = tuple(Selector(number=one) for one in numbers or (2,))
        return self.rollouts.start(Wish(GREETING, "production", picked, plan), Act("ada", "warmer"))

    def say(self, rollout_id: str, *approvers: str, approved: bool = True) -> MoveRecord:
        for approver in approvers:
            decided = self.changes.decide(rollout_id, approver, approved=approved, reason="read it")
        return decided

    def actions(self, rollout_id: str) -> list[tuple[str, str]]:
        return [(one.action, one.actor) for one in self.store.events(rollout_id)]

    @property
    def served(self) -> list[str]:
        """The rollouts whose candidates workers give to anybody."""
        return [one.id for one in RegistrySnapshots(self.engine, "production").rollouts()]

    @property
    def pointed(self) -> str:
        return self.read.version(GREETING, Selector(label="production"), "production").digest


@pytest.fixture
def desk(engine: Engine, clock: ManualClock, ids: IdSource) -> Desk:
    return Desk(engine, clock, ids)


def test_nobody_has_the_candidate_before_enough_others_approve(desk: Desk) -> None:
    waiting = desk.start()
    assert (waiting.state.phase, waiting.share_bp) == (Phase.WAITING, 0)
    assert (waiting.approvals, waiting.told) == (2, "waits for others to approve: 2")
    (move,) = desk.read.moves(state=MoveState.PENDING)
    assert (move.id, move.from_digest, move.to_digest) == (waiting.id, OLD, NEW)
    assert (move.approvals_wanted, move.reason) == (2, f"canary of {NEW[:12]}: warmer")
    desk.clock.advance(3_600)
    desk.watch.look()
    with pytest.raises(Forbidden):
        desk.say(waiting.id, "ada")
    assert desk.say(waiting.id, "ben").state is MoveState.PENDING
    assert desk.store.get(waiting.id).state.phase is Phase.WAITING
    with pytest.raises(Conflict, match="have said"):
        desk.say(waiting.id, "ben")
    assert desk.served == []
    assert desk.say(waiting.id, "cyd").state is MoveState.APPROVED
    begun = desk.store.get(waiting.id)
    assert (begun.state.phase, begun.share_bp, desk.served) == (
        Phase.RUNNING,
        1_000,
        [waiting.id],
    )
    assert begun.begun_ns == (begun.started_at_ns,) == (desk.clock.now_ns(),)
    assert desk.pointed == OLD
    assert desk.actions(begun.id) == [
        ("ask", "ada"),
        ("approve", "ben"),
        ("approve", "cyd"),
        ("start", "cyd"),
    ]


def test_its_plans_end_moves_the_label_under_the_approval(desk: Desk) -> None:
    begun = desk.start()
    desk.say(begun.id, "ben", "cyd")
    with pytest.raises(Conflict, match="isn't at its end"):
        desk.rollouts.steer(begun.id, Command.PROMOTE, Act("ada"))
    desk.clock.advance(61)
    desk.watch.look()
    assert (desk.store.get(begun.id).state.phase, desk.pointed) == (Phase.PROMOTED, NEW)
    applied, asked = desk.read.moves(2)
    assert (applied.state, asked.state) == (MoveState.APPLIED, MoveState.APPROVED)
    assert (applied.author, applied.to_digest) == (f"rollout:{begun.id}", NEW)


def test_a_rule_that_became_stricter_stops_the_promotion(desk: Desk) -> None:
    begun = desk.start()
    desk.say(begun.id, "ben", "cyd")
    desk.rules = rule(3)
    desk.clock.advance(61)
    desk.watch.look()
    held = desk.store.get(begun.id)
    assert (held.state.phase, desk.pointed) == (Phase.RUNNING, OLD)
    assert "others must approve" in held.told
    desk.rules = rule(1)
    desk.watch.look()
    assert (desk.store.get(begun.id).state.phase, desk.pointed) == (Phase.PROMOTED, NEW)


def test_a_rejection_ends_it(desk: Desk) -> None:
    waiting = desk.start()
    assert desk.say(waiting.id, "ben", approved=False).state is MoveState.REJECTED
    ended = desk.store.get(waiting.id)
    assert (ended.state.phase, ended.told) == (Phase.ABORTED, "rejected by ben: read it")
    assert ended.ended_at_ns == desk.clock.now_ns()
    with pytest.raises(Conflict, match="rejected already"):
        desk.say(waiting.id, "cyd")
    assert desk.actions(waiting.id) == [("ask", "ada"), ("reject", "ben")]
    desk.start()


@pytest.mark.parametrize("command", [Command.PROMOTE, Command.PAUSE, Command.RESUME])
def test_what_waits_is_only_aborted(desk: Desk, command: Command) -> None:
    waiting = desk.start()
    with pytest.raises(Conflict, match="under way"):
        desk.start()
    with pytest.raises(InvalidRequest, match="waits for others"):
        desk.rollouts.steer(waiting.id, command, Act("ada"))
    desk.rollouts.steer(waiting.id, Command.ABORT, Act("ada"))
    move, _ = desk.read.move(waiting.id)
    assert move.state is MoveState.OVERTAKEN
    with pytest.raises(Conflict, match="overtaken already"):
        desk.say(waiting.id, "ben")
    assert (desk.store.get(waiting.id).state.phase, desk.served) == (Phase.ABORTED, [])


def test_abort_and_rollback_need_no_approval(desk: Desk) -> None:
    begun = desk.start()
    desk.say(begun.id, "ben", "cyd")
    aborted = desk.rollouts.steer(begun.id, Command.ABORT, Act("ada"))
    assert (aborted.state.phase, desk.served, desk.pointed) == (Phase.ABORTED, [], OLD)


@pytest.mark.parametrize(
    "changed", [{"plan": '{"steps":[{"share_bp":9000,"for_s":1}]}'}, {"champion": NEWER}]
)
def test_the_approval_is_of_this_plan_alone(desk: Desk, changed: dict[str, str]) -> None:
    waiting = desk.start()
    desk.say(waiting.id, "ben")
    with desk.engine.begin() as connection:
        connection.execute(update(rollout_table).values(changed))
    with pytest.raises(Conflict, match="aren't those that others were asked"):
        desk.say(waiting.id, "cyd")
    assert desk.served == []
    assert desk.store.get(waiting.id).state.phase is Phase.WAITING


def test_what_was_changed_after_the_approval_is_not_promoted(desk: Desk) -> None:
    begun = desk.start()
    desk.say(begun.id, "ben", "cyd")
    with desk.engine.begin() as connection:
        connection.execute(
            update(rollout_table).values(plan='{"steps":[{"share_bp":1000,"for_s":1}]}')
        )
    desk.clock.advance(61)
    desk.watch.look()
    assert (desk.store.get(begun.id).state.phase, desk.pointed) == (Phase.RUNNING, OLD)


def test_a_person_promotes_what_an_approved_experiment_proposes(desk: Desk) -> None:
    begun = desk.start(EXPERIMENT, 2, 3)
    (move,) = desk.read.moves(state=MoveState.PENDING)
    assert move.reason == f"experiment of {NEW[:12]}, {NEWER[:12]}: warmer"
    desk.say(begun.id, "ben", "cyd")
    desk.clock.advance(61)
    desk.watch.look()
    assert desk.store.get(begun.id).state.phase is Phase.PROPOSED
    desk.rollouts.steer(begun.id, Command.PROMOTE, Act("ada"), "v3")
    assert desk.pointed == NEWER


def test_a_plan_with_gates_is_known_again(desk: Desk) -> None:
    gates = (Gate(Metric.ERRORS), Gate(Metric.COST, tolerated=0.1))
    begun = desk.start(Plan((Step(500, samples_min=10),), gates))
    assert desk.say(begun.id, "ben", "cyd").state is MoveState.APPROVED


def test_code_that_knows_no_approval_serves_nobody(desk: Desk) -> None:
    desk.start()
    with desk.engine.begin() as connection:
        connection.execute(update(rollout_table).values(waits=False))
    (paused,) = running_rollouts(desk.engine, "production")
    assert (paused.state.phase, paused.share_bp) == (Phase.PAUSED, 0)
    move = Move(GREETING, "production", NEW)
    changes = Changes("ada", "", "production", Truth.DATABASE, (), (move,))
    with pytest.raises(Conflict, match="rollout is under way"):
        desk.changes.make(changes)


def test_nobody_decides_on_what_is_anothers(desk: Desk, clock: ManualClock, ids: IdSource) -> None:
    waiting = desk.start()
    other = RegistryChanges(desk.engine, clock, ids, Tenant("other"))
    with pytest.raises(NotFound, match="no move"):
        other.decide(waiting.id, "eve", approved=True)
    assert desk.served == []
