"""One organisation's rollouts: versions that are tried against another, step by step."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Row, false, insert, select, update

from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.registry import CANDIDATE, CHAMPION, INSTANCE_ORG, Kind, ObjectName, Truth
from legato.core.tenant import EVERY_TENANT, Tenant, WholeReach
from legato.routing.assignment import WHOLE_BP, slices_of
from legato.routing.rollouts.course import WAITS, Phase, State, begun
from legato.routing.rollouts.division import Arm, Division
from legato.routing.rollouts.plan import Plan
from legato.storage.database.engine import reading
from legato.storage.database.versions import bump
from legato.storage.registry.changes import REGISTRY_VERSION, RegistryChanges, changing, under_way
from legato.storage.registry.records import Changes, Move
from legato.storage.registry.rollout_events import Event, note, noted
from legato.storage.registry.rollout_starts import ask, require_agreed, withdraw
from legato.storage.registry.shadow_outcomes import ShadowSummary, shadow_summary, shadows_sent
from legato.storage.tables.rollouts import rollout

_encode: Final = msgspec.json.Encoder().encode


class NewRollout(msgspec.Struct, frozen=True):
    """What is tried against what a label points to; versions by their digests."""

    environment: str
    name: ObjectName
    label: str
    candidates: tuple[Arm, ...]
    plan: Plan
    author: str
    reason: str
    approvals: int = 0
    """How many others must approve before it begins."""


class Rollout(msgspec.Struct, frozen=True):
    """A rollout as it is now."""

    org: str
    id: str
    environment: str
    name: ObjectName
    label: str
    champion: str
    division: Division
    plan: Plan
    state: State
    author: str
    reason: str
    told: str
    """The last decision in words."""
    begun_ns: tuple[int, ...]
    """When each span of time with the same shares began."""
    started_at_ns: int
    ended_at_ns: int | None
    version: int
    approvals: int
    """How many others must approve, or have approved, its start."""

    @property
    def share_bp(self) -> int:
        """The share of callers that candidates have now, in basis points."""
        if self.state.ended:
            return self.state.share_bp(self.plan)
        return WHOLE_BP - self.division.share_bp(CHAMPION)

    @property
    def candidate(self) -> str:
        """The digest of the candidate proposed or promoted, else of the first."""
        arms = self.division.candidates
        return next((arm.version for arm in arms if arm.name == self.state.chosen), arms[0].version)


class Progress(msgspec.Struct, frozen=True):
    """What becomes of a rollout, by whom, and why."""

    state: State
    actor: str
    action: str
    reason: str
    evidence: bytes = b"[]"


class RolloutStore:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._tenant = tenant
        self._org = tenant.org
        # every organisation calls what belongs to the instance
        self._reach: WholeReach = EVERY_TENANT if self._org == INSTANCE_ORG else tenant
        self._registry = RegistryChanges(engine, clock, ids, tenant)

    def now_ns(self) -> int:
        """Return the time that states are dated by."""
        return self._clock.now_ns()

    def start(self, wanted: NewRollout) -> Rollout:
        """Begin a rollout at its plan's first step, or ask others to approve that.

        Raises:
            NotFound: the label points to nothing, or the candidate isn't kept.
            Conflict: one is under way on this label, a candidate is what it points to, or the
                environment is kept in a directory.
            InvalidRequest: candidates can't be given the first step's share.
        """
        changes = Changes(wanted.author, wanted.reason, wanted.environment, Truth.DATABASE)
        with changing(self._engine, self._org) as connection:
            self._registry.require_truth(connection, changes)
            champion = self._registry.pointed(connection, wanted.name, wanted.label, changes)
            self._require_candidates(connection, wanted, champion)
            if under_way(connection, self._label(wanted)):
                raise Conflict(
                    f"a rollout is under way on {wanted.name}@{wanted.label}: end it first"
                )
            row = self._begun(wanted, champion)
            connection.execute(insert(rollout), row)
            if wanted.approvals:
                ask(connection, row)
            action = "ask" if wanted.approvals else "start"
            said = Event(row["started_at_ns"], wanted.author, action, wanted.reason)
            note(connection, self._tenant, row["id"], said)
            bump(connection, REGISTRY_VERSION)
            return self._get(connection, row["id"])

    def _begun(self, wanted: NewRollout, champion: str) -> dict[str, Any]:
        now_ns, waits = self._clock.now_ns(), wanted.approvals > 0
        state, division = begun(now_ns), Division.begun(wanted.plan, wanted.candidates)
        if waits:
            division = Division(division.candidates, slices_of({CHAMPION: WHOLE_BP}))
        return {
            **self._label(wanted),
            "id": self._ids.new(),
            "champion": champion,
            "candidate": wanted.candidates[0].version,
            "division": _encode(division).decode(),
            "plan": _encode(wanted.plan).decode(),
            "phase": (Phase.PAUSED if waits else state.phase).value,
            "author": wanted.author,
            "reason": wanted.reason,
            "told": f"{WAITS}: {wanted.approvals}" if waits else "",
            "step": state.step,
            "since_ns": state.since_ns,
            "started_at_ns": now_ns,
            "version": 1,
            "begun": _encode([now_ns]).decode(),
            "ended_at_ns": None,
            "approvals": wanted.approvals,
            "waits": waits,
        }

    def get(self, rollout_id: str) -> Rollout:
        """Return one. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._get(connection, rollout_id)

    def page(self, count: int, before_id: str | None = None) -> list[Rollout]:
        """Return up to `count`, newest first."""
        wanted = select(rollout).where(rollout.c.org == self._org)
        if before_id is not None:
            wanted = wanted.where(rollout.c.id < before_id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(rollout.c.id.desc()).limit(count))
            return [rollout_record(row) for row in rows]

    def events(self, rollout_id: str) -> list[Event]:
        """Return what was done, in order."""
        with reading(self._engine) as connection:
            return noted(connection, self._tenant, rollout_id)

    def shadow(self, rollout_id: str) -> ShadowSummary:
        """Return what the copies of calls showed that a shadow was sent."""
        with reading(self._engine) as connection:
            return shadow_summary(connection, self._reach, rollout_id)

    def copies(self, rollout_id: str, since_ns: int, until_ns: int | None) -> int:
        """Return how many copies of calls of a span of time a shadow was sent."""
        with reading(self._engine) as connection:
            return shadows_sent(connection, self._reach, rollout_id, (since_ns, until_ns))

    def progress(self, before: Rollout, made: Progress) -> Rollout:
        """Take a rollout on from the state that was seen; where it is promoted, the label moves.

        Raises:
            PreconditionFailed: it was changed since, or its label was.
            Conflict: it waits for approval and isn't aborted, or isn't what others approved.
        """
        with changing(self._engine, self._org) as connection:
            there = self._get(connection, before.id)
            if there.version != before.version:
                raise PreconditionFailed("this rollout was changed since you read it")
            if there.state.phase is Phase.WAITING:
                if made.state.phase is not Phase.ABORTED:
                    raise Conflict(f"this rollout {WAITS}")
                withdraw(connection, self._tenant, there.id, self._clock.now_ns())
            values = self._values(there, made)
            connection.execute(update(rollout).where(*self._is(before.id)), values)
            self._note(connection, before.id, made)
            if made.state.phase is Phase.PROMOTED:
                self._promote(connection, there, made)
            bump(connection, REGISTRY_VERSION)
            return self._get(connection, before.id)

    def tell(self, before: Rollout, told: str) -> None:
        """Keep the last decision in words where it changes nothing."""
        same = (*self._is(before.id), rollout.c.version == before.version)
        with changing(self._engine, self._org) as connection:
            connection.execute(update(rollout).where(*same), {"told": told})

    def _values(self, there: Rollout, made: Progress) -> dict[str, Any]:
        state, before = made.state, there.division
        slices, begun_ns = before.slices, [*there.begun_ns]
        if not state.ended:
            slices = before.divided(there.plan, state.share_bp(there.plan), state.out)
            if slices != before.slices:
                begun_ns.append(state.since_ns)
        division = Division(before.candidates, slices, state.out, state.chosen)
        return {
            "division": _encode(division).decode(),
            "phase": state.phase.value,
            "step": state.step,
            "since_ns": state.since_ns,
            "told": made.reason,
            "begun": _encode(begun_ns).decode(),
            "ended_at_ns": self._clock.now_ns() if state.ended else None,
            "waits": False,
            "version": there.version + 1,
        }

    def _promote(self, connection: Connection, there: Rollout, made: Progress) -> None:
        reason = f"rollout {there.id}: {made.reason}"
        changes = Changes(made.actor, reason, there.environment, Truth.DATABASE)
        if there.approvals:
            require_agreed(connection, self._tenant, there.id)
        promoted = there.division.arm(made.state.chosen).version
        move = Move(there.name, there.label, promoted, expected=there.champion)
        self._registry.require_truth(connection, changes)
        self._registry.move(connection, move, changes)

    def _require_candidates(
        self, connection: Connection, wanted: NewRollout, champion: str
    ) -> None:
        if not champion:
            raise NotFound(
                f"{wanted.name}@{wanted.label} points to nothing in {wanted.environment}: "
                "there is nothing to replace; point it to a version",
                param="label",
            )
        for arm in wanted.candidates:
            if champion == arm.version:
                raise Conflict(
                    f"{wanted.name}@{wanted.label} points there already", param="candidate"
                )
            self._registry.require_kept(connection, wanted.name, arm.version)

    def _label(self, wanted: NewRollout) -> dict[str, str]:
        return {
            "org": self._org,
            "environment": wanted.environment,
            "kind": wanted.name.kind.value,
            "name": wanted.name.name,
            "label": wanted.label,
        }

    def _note(self, connection: Connection, rollout_id: str, made: Progress) -> None:
        now_ns = self._clock.now_ns()
        event = Event(now_ns, made.actor, made.action, made.reason, made.evidence.decode())
        note(connection, self._tenant, rollout_id, event)

    def _get(self, connection: Connection, rollout_id: str) -> Rollout:
        row = connection.execute(select(rollout).where(*self._is(rollout_id))).first()
        if row is None:
            raise NotFound("there is no rollout with this id", param="id")
        return rollout_record(row)

    def _is(self, rollout_id: str) -> tuple[Any, ...]:
        return (rollout.c.org == self._org, rollout.c.id == rollout_id)


def running_rollouts(engine: Engine, environment: str) -> list[Rollout]:
    """Return what has begun in an environment and not ended, of every organisation."""
    table = rollout.c
    wanted = select(rollout).where(
        table.environment == environment, table.ended_at_ns.is_(None), table.waits.is_(false())
    )
    with reading(engine) as connection:
        return [rollout_record(row) for row in connection.execute(wanted)]


def rollout_record(row: Row[Any]) -> Rollout:
    """Read a row of `rollout`."""
    plan: Plan = msgspec.json.decode(row.plan, type=Plan)
    phase = Phase.WAITING if row.waits else Phase(row.phase)
    state = State(phase, row.step, row.since_ns)
    division = _division(row, state.share_bp(plan))
    return Rollout(
        row.org,
        row.id,
        row.environment,
        ObjectName(Kind(row.kind), row.name),
        row.label,
        row.champion,
        division,
        plan,
        msgspec.structs.replace(state, out=division.out, chosen=division.chosen),
        row.author,
        row.reason,
        row.told,
        msgspec.json.decode(row.begun, type=tuple[int, ...]),
        row.started_at_ns,
        row.ended_at_ns,
        row.version,
        row.approvals,
    )


def _division(row: Row[Any], share_bp: int) -> Division:
    """Read how callers are divided; a row that older code wrote has one candidate."""
    if row.division:
        return msgspec.json.decode(row.division, type=Division)
    weights = {CANDIDATE: share_bp, CHAMPION: WHOLE_BP - share_bp}
    return Division((Arm(CANDIDATE, row.candidate),), slices_of(weights))
