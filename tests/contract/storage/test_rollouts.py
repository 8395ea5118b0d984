"""A rollout moves its label once, by its plan or a person; on both databases."""

import msgspec
import pytest
from sqlalchemy import Engine, insert, update

from legato.core.clock import ManualClock
from legato.core.config import ApprovalRule
from legato.core.errors import Conflict, InvalidRequest, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.records import ArmOutcome
from legato.core.registry import CANDIDATE, Kind, ObjectName, Selector, Truth, digest_of
from legato.core.tenant import Tenant
from legato.registry.registry import Act
from legato.registry.rollout_watch import RolloutWatch
from legato.registry.rollouts import Rollouts, Wish, waits_for_others
from legato.routing.assignment import Slice
from legato.routing.rollouts.course import Command, Phase, State
from legato.routing.rollouts.division import Arm
from legato.routing.rollouts.gates import Gate, Metric
from legato.routing.rollouts.plan import Mode, Plan, Step
from legato.storage.ledger.ledger import Ledger
from legato.storage.registry.changes import RegistryChanges
from legato.storage.registry.reader import RegistryReader
from legato.storage.registry.records import Changes, Move, NewVersion
from legato.storage.registry.rollout_outcomes import RolloutOutcomes, prune_outcomes
from legato.storage.registry.rollouts import (
    NewRollout,
    Progress,
    Rollout,
    RolloutStore,
    running_rollouts,
)
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.storage.tables.feedback import feedback
from legato.storage.tables.rollouts import rollout as rollout_table

from .journal_records import encoded

ACME = Tenant("acme")
GREETING = ObjectName(Kind.PROMPT, "greeting")
OLD, NEW, NEWER = (digest_of(Kind.PROMPT, text) for text in ("old", "new", "newer"))
PLAN = Plan((Step(1_000, samples_min=100), Step(5_000, samples_min=100)), (Gate(Metric.ERRORS),))


TWO_ARMS = (Arm("v2", NEW), Arm("v3", NEWER))
EXPERIMENT = Plan(
    (Step(4_000, samples_min=100),),
    (Gate(Metric.ERRORS),),
    candidates=2,
    mode=Mode.EXPERIMENT,
    goal=Metric.ERRORS,
)


class Desk:
    """An organisation with a prompt of two versions, the older one live."""

    def __init__(self, engine: Engine, clock: ManualClock, ids: IdSource) -> None:
        self.clock, self.engine = clock, engine
        self.changes = RegistryChanges(engine, clock, ids, ACME)
        self.store = RolloutStore(engine, clock, ids, ACME)
        self.outcomes = RolloutOutcomes(engine, ACME)
        self.ledger = Ledger(engine, clock)
        self.read = RegistryReader(engine, ACME)
        self.rules: tuple[ApprovalRule, ...] = ()
        self.lacks = ""
        self.offset = 0
        versions = tuple(
            NewVersion(GREETING, digest, text)
            for digest, text in ((OLD, b"old"), (NEW, b"new"), (NEWER, b"newer"))
        )
        self.make(Move(GREETING, "production", OLD), versions)
        self.watch = RolloutWatch(
            lambda: running_rollouts(engine, "production"),
            lambda _: self.store,
            lambda _: self.outcomes,
            clock.now_ns,
            waits=lambda one: waits_for_others(self.rules, one),
            require_margin=lambda _: self.require_margin(),
        )

    def require_margin(self) -> None:
        if self.lacks:
            raise Conflict(self.lacks)

    def make(self, move: Move, versions: tuple[NewVersion, ...] = ()) -> None:
        self.changes.make(Changes("ada", "", "production", Truth.DATABASE, versions, (move,)))

    def start(self, candidate: str = NEW, plan: Plan = PLAN) -> Rollout:
        arms = (Arm(CANDIDATE, candidate),)
        return self.start_all(arms, plan)

    def start_all(self, arms: tuple[Arm, ...], plan: Plan) -> Rollout:
        wanted = NewRollout("production", GREETING, "production", arms, plan, "ada", "why")
        return self.store.start(wanted)

    @property
    def pointed(self) -> str:
        return self.read.version(GREETING, Selector(label="production"), "production").digest

    def serve(
        self, rollout: Rollout, arm: str, count: int, *, failed: int = 0, total_us: int = 1_000
    ) -> None:
        """Journal requests of an arm, each of a user of its own."""
        outcomes = []
        for number in range(count):
            self.offset += 1
            one = self.outcome(rollout, arm, self.offset, ok=number >= failed)
            outcomes.append(msgspec.structs.replace(one, total_us=total_us))
        self.ledger.commit("w-1/0.seg", self.offset, encoded(*outcomes))
        self.clock.advance(1)

    def outcome(
        self, rollout: Rollout, arm: str, number: int, *, ok: bool = True, unit: str = ""
    ) -> ArmOutcome:
        name, at_ns = f"{number:032x}", self.clock.now_ns()
        in_arm = f"{rollout.id}/{arm}"
        return ArmOutcome(name, "acme", in_arm, at_ns, unit or f"u-{name}", ok, 500, 1_000)


class Gated:
    """What a registry asks, of a policy on margins alone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def require_servable(self, version: object, environment: str) -> None:
        """Anything can be served."""

    def require_margin(self, name: object, label: str, environment: str) -> None:
        self._desk.require_margin()


@pytest.fixture
def desk(engine: Engine, clock: ManualClock, ids: IdSource) -> Desk:
    return Desk(engine, clock, ids)


def test_one_at_a_time_and_nothing_else_moves_the_label(desk: Desk) -> None:
    begun = desk.start()
    assert (begun.champion, begun.candidate, begun.share_bp) == (OLD, NEW, 1_000)
    with pytest.raises(Conflict, match="under way"):
        desk.start()
    with pytest.raises(Conflict, match="promote or abort"):
        desk.make(Move(GREETING, "production", NEW))
    desk.make(Move(GREETING, "staging", NEW))
    assert desk.pointed == OLD


def test_what_can_not_be_rolled_out(desk: Desk) -> None:
    with pytest.raises(Conflict, match="points there already"):
        desk.start(OLD)
    with pytest.raises(NotFound, match="no version"):
        desk.start("0" * 64)
    desk.make(Move(GREETING, "production", ""))
    with pytest.raises(NotFound, match="nothing to replace"):
        desk.start()
    desk.changes.set_truth("production", Truth.DIRECTORY, "ada")
    with pytest.raises(Conflict, match="kept in a directory"):
        desk.start()


def test_an_environment_is_not_handed_over_under_a_rollout(desk: Desk) -> None:
    begun = desk.start()
    with pytest.raises(Conflict, match=f"{begun.id}.*end it first"):
        desk.changes.set_truth("production", Truth.DIRECTORY, "ada")
    desk.changes.set_truth("staging", Truth.DIRECTORY, "ada")
    state = State(Phase.ABORTED, 0, desk.clock.now_ns())
    desk.store.progress(begun, Progress(state, "ben", "abort", ""))
    desk.changes.set_truth("production", Truth.DIRECTORY, "ada")


def test_a_move_that_waited_is_not_made_under_a_rollout(desk: Desk) -> None:
    desk.make(Move(GREETING, "production", NEW, approvals=1))
    (waiting,) = desk.read.moves(1)
    desk.start()
    with pytest.raises(Conflict, match="promote or abort"):
        desk.changes.decide(waiting.id, "ben", approved=True)
    assert desk.pointed == OLD
    desk.changes.decide(waiting.id, "ben", approved=False)


def test_a_promotion_moves_the_label_and_says_why(desk: Desk) -> None:
    begun = desk.start()
    state = State(Phase.PROMOTED, 0, desk.clock.now_ns())
    ended = desk.store.progress(begun, Progress(state, "ben", "promote", "good enough"))
    assert (ended.state.phase, ended.share_bp) == (Phase.PROMOTED, 10_000)
    assert desk.pointed == NEW
    (move, *_) = desk.read.moves(1)
    assert (move.author, move.to_digest) == ("ben", NEW)
    assert move.reason == f"rollout {begun.id}: good enough"
    assert [one.action for one in desk.store.events(begun.id)] == ["start", "promote"]
    with pytest.raises(PreconditionFailed):
        desk.store.progress(begun, Progress(state, "cyd", "promote", ""))
    desk.make(Move(GREETING, "production", OLD))


def test_workers_see_what_is_under_way(desk: Desk, engine: Engine) -> None:
    snapshots = RegistrySnapshots(engine, "production")
    before = snapshots.version()
    begun = desk.start()
    assert snapshots.version() > before
    (running,) = snapshots.rollouts()
    assert (running.org, running.id) == ("acme", begun.id)
    assert running.slices == (Slice(0, 1_000, "candidate"), Slice(1_000, 10_000, "champion"))
    assert running.candidates[CANDIDATE].sealed == b"new"
    aborted = State(Phase.ABORTED, 0, desk.clock.now_ns())
    desk.store.progress(begun, Progress(aborted, "ben", "abort", ""))
    assert snapshots.rollouts() == []
    assert desk.pointed == OLD


def test_harm_takes_it_back_with_its_evidence(desk: Desk) -> None:
    begun = desk.start()
    desk.serve(begun, "champion", 300)
    desk.serve(begun, "candidate", 60, failed=30)
    desk.watch.look()
    ended = desk.store.get(begun.id)
    assert ended.state.phase is Phase.ROLLED_BACK
    assert desk.pointed == OLD
    event = desk.store.events(begun.id)[-1]
    assert (event.action, event.actor) == ("roll_back", f"rollout:{begun.id}")
    assert '"metric":"errors"' in event.evidence
    assert "errors" in event.reason
    desk.start()  # another try


def test_no_promotion_goes_round_a_rule_that_came_meanwhile(desk: Desk) -> None:
    begun = desk.start(plan=Plan((Step(1_000, samples_min=1),)))
    desk.rules = (ApprovalRule(environment="production", labels=("production",)),)
    steered = Rollouts(desk.read, desk.store, desk.rules)
    with pytest.raises(Conflict, match="abort it, and ask for the move"):
        steered.steer(begun.id, Command.PROMOTE, Act("ben"))
    desk.serve(begun, "candidate", 5)
    desk.watch.look()
    held = desk.store.get(begun.id)
    assert (held.state.phase, desk.pointed) == (Phase.RUNNING, OLD)
    assert "others must approve" in held.told
    desk.rules = ()
    desk.watch.look()
    assert (desk.store.get(begun.id).state.phase, desk.pointed) == (Phase.PROMOTED, NEW)


def test_what_does_not_pay_is_not_promoted_at_the_end_either(desk: Desk) -> None:
    begun = desk.start(plan=Plan((Step(1_000, samples_min=1),)))
    desk.lacks = "finance.margin_gates: no margin is shown"
    steered = Rollouts(desk.read, desk.store, (), Gated(desk))
    with pytest.raises(Conflict, match="no margin is shown"):
        steered.steer(begun.id, Command.PROMOTE, Act("ben", environment="production"))
    desk.serve(begun, "candidate", 5)
    for _ in range(2):
        desk.watch.look()
    held = desk.store.get(begun.id)
    assert (held.state.phase, desk.pointed) == (Phase.RUNNING, OLD)
    assert held.told == "all steps are done, but finance.margin_gates: no margin is shown"
    desk.lacks = ""
    desk.watch.look()
    assert (desk.store.get(begun.id).state.phase, desk.pointed) == (Phase.PROMOTED, NEW)


def test_a_harmful_candidate_of_several_is_taken_out_alone(desk: Desk, engine: Engine) -> None:
    begun = desk.start_all(TWO_ARMS, EXPERIMENT)
    desk.serve(begun, "champion", 300)
    desk.serve(begun, "v2", 60)
    desk.serve(begun, "v3", 60, failed=30)
    desk.watch.look()
    left = desk.store.get(begun.id)
    assert (left.state.phase, left.state.out, left.share_bp) == (Phase.RUNNING, ("v3",), 2_000)
    assert desk.store.events(begun.id)[-1].action == "take_out"
    assert len(left.begun_ns) == 2
    (running,) = RegistrySnapshots(engine, "production").rollouts()
    assert set(running.candidates) == {"v2"}
    assert {part.arm for part in running.slices} == {"v2", "champion"}
    steered = Rollouts(desk.read, desk.store, ())
    with pytest.raises(Conflict, match="v3 was taken out"):
        steered.steer(begun.id, Command.PROMOTE, Act("ben"), "v3")
    steered.steer(begun.id, Command.PROMOTE, Act("ben"))
    assert desk.pointed == NEW


def test_an_experiment_proposes_the_best_arm_and_a_person_promotes_any(desk: Desk) -> None:
    begun = desk.start_all(TWO_ARMS, EXPERIMENT)
    desk.serve(begun, "champion", 2_000, failed=400)
    desk.serve(begun, "v2", 2_000, failed=380)
    desk.serve(begun, "v3", 2_000, failed=200)
    desk.watch.look()
    proposed = desk.store.get(begun.id)
    assert (proposed.state.phase, proposed.state.chosen) == (Phase.PROPOSED, "v3")
    assert (proposed.candidate, proposed.share_bp) == (NEWER, 4_000)
    assert "v3 is proven better" in proposed.told
    desk.watch.look()
    assert desk.pointed == OLD
    steered = Rollouts(desk.read, desk.store, ())
    assert steered.steer(begun.id, Command.PROMOTE, Act("ben"), "v2").candidate == NEW
    assert desk.pointed == NEW


def test_several_candidates_are_named_by_their_versions(desk: Desk) -> None:
    steered = Rollouts(desk.read, desk.store, ())
    picked = (Selector(number=2), Selector(number=3))
    wish = Wish(GREETING, "production", picked, msgspec.structs.replace(EXPERIMENT, candidates=1))
    begun = steered.start(wish, Act("ada"))
    assert begun.division.candidates == TWO_ARMS
    assert begun.plan.candidates == 2
    with pytest.raises(InvalidRequest, match="arm: name one of v2, v3"):
        steered.steer(begun.id, Command.PROMOTE, Act("ben"))
    with pytest.raises(InvalidRequest, match="only for promote"):
        steered.steer(begun.id, Command.PAUSE, Act("ben"), "v2")


def test_a_row_that_older_code_wrote_has_one_candidate(desk: Desk, engine: Engine) -> None:
    begun = desk.start()
    with engine.begin() as connection:
        connection.execute(update(rollout_table).values(division=""))
    found = desk.store.get(begun.id)
    assert found.division == begun.division
    assert (found.candidate, found.share_bp) == (NEW, 1_000)
    desk.serve(begun, "candidate", 100)
    desk.watch.look()
    assert desk.store.get(begun.id).share_bp == 5_000


def test_slow_answers_are_a_gate(desk: Desk) -> None:
    plan = Plan((Step(1_000, for_s=3_600),), (Gate(Metric.SLOW, above_ms=1.5),))
    begun = desk.start(plan=plan)
    desk.serve(begun, "champion", 300)
    desk.serve(begun, "candidate", 60, total_us=1_600)
    desk.watch.look()
    ended = desk.store.get(begun.id)
    assert (ended.state.phase, "slow: " in ended.told) == (Phase.ROLLED_BACK, True)


def test_step_by_step_to_the_end(desk: Desk) -> None:
    begun = desk.start()
    desk.watch.look()
    assert "0 of 100 requests" in desk.store.get(begun.id).told
    for step in (0, 1):
        found = desk.store.get(begun.id)
        assert (found.state.phase, found.state.step) == (Phase.RUNNING, step)
        assert found.share_bp == PLAN.steps[step].share_bp
        desk.serve(begun, "champion", 200, failed=2)
        desk.serve(begun, "candidate", 100, failed=1)
        desk.watch.look()
    assert desk.store.get(begun.id).state.phase is Phase.PROMOTED
    assert desk.pointed == NEW
    actions = [one.action for one in desk.store.events(begun.id)]
    assert actions == ["start", "advance", "promote"]


def test_an_outcome_that_comes_again_counts_once(desk: Desk) -> None:
    begun = desk.start()
    at_ns = desk.clock.now_ns()
    one = desk.outcome(begun, "candidate", 1, unit="ada")
    two = desk.outcome(begun, "candidate", 2, ok=False)
    desk.ledger.commit("w-1/0.seg", 1, encoded(one, two))
    desk.ledger.commit("w-2/0.seg", 1, encoded(one))
    found = {one.unit: one for one in desk.outcomes.of(begun.id, "candidate", at_ns, None)}
    assert {unit: (seen.ok, seen.cost) for unit, seen in found.items()} == {
        "ada": (True, 500),
        f"u-{2:032x}": (False, 500),
    }
    assert desk.outcomes.of(begun.id, "champion", at_ns, None) == []
    assert desk.outcomes.of(begun.id, "candidate", at_ns + 1, None) == []
    assert desk.outcomes.of(begun.id, "candidate", 0, at_ns) == []


def test_feedback_is_told_with_the_request(desk: Desk, engine: Engine) -> None:
    begun = desk.start()
    desk.serve(begun, "candidate", 2)
    rows = [
        {"id": f"{number:032x}", "org": org, "request_id": f"{1:032x}", "source": f"s{number}",
         "key_id": "k", "end_user": "", "thumbs": thumbs, "score": score,
         "created_at_ns": 0, "changed_at_ns": 0}
        for number, (org, thumbs, score) in enumerate(
            (("acme", "up", 0.5), ("acme", "down", 1.0), ("other", "down", 0.0))
        )
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(feedback), rows)
    found = {one.unit: one for one in desk.outcomes.of(begun.id, "candidate", 0, None)}
    assert (found[f"u-{1:032x}"].thumbs_down, found[f"u-{1:032x}"].score) == (True, 0.75)
    assert (found[f"u-{2:032x}"].thumbs_down, found[f"u-{2:032x}"].score) == (None, None)


def test_outcomes_are_forgotten_when_their_rollout_has_ended(desk: Desk, engine: Engine) -> None:
    begun = desk.start()
    desk.serve(begun, "candidate", 3)
    later_ns = desk.clock.now_ns() + 1
    assert prune_outcomes(engine, later_ns) == 0
    aborted = State(Phase.ABORTED, 0, desk.clock.now_ns())
    desk.store.progress(begun, Progress(aborted, "ben", "abort", ""))
    assert prune_outcomes(engine, begun.started_at_ns) == 0
    assert prune_outcomes(engine, later_ns) == 3


def test_nobody_meets_what_is_anothers(desk: Desk, engine: Engine, ids: IdSource) -> None:
    begun = desk.start()
    desk.serve(begun, "candidate", 5)
    other = Tenant("other")
    store = RolloutStore(engine, desk.clock, ids, other)
    assert store.page(10) == []
    assert store.events(begun.id) == []
    with pytest.raises(NotFound):
        store.get(begun.id)
    assert RolloutOutcomes(engine, other).of(begun.id, "candidate", 0, None) == []
