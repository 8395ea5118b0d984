"""Changing one organisation's registry: all of a change, or nothing of it.

Versions are never altered and moves never forgotten: what a label pointed to at any time can be
told from its moves.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, Forbidden, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.registry import KEPT_APART, SHOWN_DIGITS, MoveState, ObjectName, Truth
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock, upsert
from legato.storage.database.engine import writing
from legato.storage.database.versions import bump
from legato.storage.registry.reader import move_record
from legato.storage.registry.records import Changes, Details, Move, MoveRecord, NewVersion, Verdict
from legato.storage.registry.rollout_starts import decided
from legato.storage.tables.registry import (
    registry_approval,
    registry_environment,
    registry_label,
    registry_move,
    registry_object,
    registry_reference,
    registry_version,
)
from legato.storage.tables.rollouts import rollout

REGISTRY_VERSION: Final = "registry"
"""The number that workers poll."""
_LABEL_KEY: Final = ("org", "environment", "kind", "name", "label")


class RegistryChanges:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._tenant = tenant
        self._org = tenant.org

    def make(self, changes: Changes) -> list[MoveRecord]:
        """Keep versions, then move labels; return the moves that change anything.

        Raises:
            Conflict: the environment is changed another way.
            NotFound: a move goes to a version that isn't kept.
            PreconditionFailed: a label doesn't point where it was expected to.
        """
        with self._writing() as connection:
            return self.make_within(connection, changes)

    def make_within(self, connection: Connection, changes: Changes) -> list[MoveRecord]:
        """Make changes within a transaction that holds the organisation's lock; as `make`."""
        if changes.moves and not _imported(changes):
            self.require_truth(connection, changes)
        for version in changes.versions:
            self._keep(connection, version, changes)
        moved = [self.move(connection, one, changes) for one in changes.moves]
        bump(connection, REGISTRY_VERSION)
        return [one for one in moved if one is not None]

    @property
    def org(self) -> str:
        """Whose registry it is."""
        return self._org

    def decide(
        self, move_id: str, approver: str, *, approved: bool, reason: str = ""
    ) -> MoveRecord:
        """Approve or reject a pending move; the last approval makes it, or begins its rollout.

        Raises:
            NotFound: there is no such move.
            Forbidden: the one who asked approves it himself.
            Conflict: it isn't pending any more, this person has spoken, the label was moved, or it
                may not be moved so any more.
        """
        with self._writing() as connection:
            move = self._pending(connection, move_id)
            if approved and approver == move.author:
                raise Forbidden("Who asks for a move can't approve it; ask another.")
            verdict = Verdict(approver, approved, reason, self._clock.now_ns())
            self._say(connection, move, verdict)
            state = self._followed(connection, move, verdict)
            ended_at_ns = None if state is MoveState.PENDING else self._clock.now_ns()
            values = {"state": state.value, "ended_at_ns": ended_at_ns}
            connection.execute(update(registry_move).where(*self._is(move_id)), values)
            bump(connection, REGISTRY_VERSION)
            action = "approve" if approved else "reject"
            told = {"move": move_id, "label": move.label, "state": state.value}
            self._tell(connection, action, move.name, (move.to_digest, reason, told))
            row = connection.execute(select(registry_move).where(*self._is(move_id))).one()
        if state is MoveState.OVERTAKEN:
            raise Conflict("The label was moved since this was asked for; ask for it again.")
        return move_record(row)

    def describe(self, name: ObjectName, details: Details, version: int) -> None:
        """Change who answers for an object whose details still have this version.

        Raises:
            NotFound: there is none with this name.
            PreconditionFailed: it was changed since.
        """
        table = registry_object
        of_name = (table.c.org == self._org, table.c.kind == name.kind, table.c.name == name.name)
        with self._writing() as connection:
            there = connection.execute(select(table.c.version).where(*of_name)).scalar()
            if there is None:
                raise NotFound(f"there is no {name.kind} named {name.name}", param="name")
            if there != version:
                raise PreconditionFailed(f"{name} was changed since you read it")
            values = {**_columns(details), "version": version + 1}
            connection.execute(update(table).where(*of_name), values)
            self._tell(connection, "describe", name, ("", "", {"version": version + 1}))

    def set_truth(self, environment: str, truth: Truth, by: str) -> None:
        """Say what decides an environment's labels from now on.

        Raises:
            Conflict: a rollout is under way there, whose promotion a directory would not know of.
        """
        with self._writing() as connection:
            if truth is Truth.DIRECTORY:
                self._require_no_rollout(connection, environment)
            self._say_truth(connection, environment, truth, by)

    def _writing(self) -> AbstractContextManager[Connection]:
        return changing(self._engine, self._org)

    def require_truth(self, connection: Connection, changes: Changes) -> None:
        """Refuse what comes the other way; a directory may have an environment that is empty.

        Raises:
            Conflict: the environment is changed another way.
        """
        table, environment = registry_environment.c, changes.environment
        wanted = select(table.truth).where(table.org == self._org, table.environment == environment)
        truth = connection.execute(wanted).scalar()
        if truth is None and changes.through is Truth.DIRECTORY:
            move = registry_move.c
            here = (move.org == self._org, move.environment == environment)
            moved = select(move.id).where(*here, move.kind.not_in(sorted(KEPT_APART)))
            if connection.execute(moved.limit(1)).first() is None:
                self._say_truth(connection, environment, Truth.DIRECTORY, changes.author)
                return
        if (truth or Truth.DATABASE.value) == changes.through:
            return
        where = f"--environment {environment} --org '{self._org}'"
        if truth == Truth.DIRECTORY:
            raise Conflict(
                f"{environment} is kept in a directory: change its files and `legato apply` them, "
                f"or `legato registry truth database {where}`",
                param="environment",
            )
        raise Conflict(
            f"{environment} is kept in the database: change it there, or hand it to a directory by "
            f"`legato registry truth directory {where}`",
            param="environment",
        )

    def _say_truth(self, connection: Connection, environment: str, truth: Truth, by: str) -> None:
        row = {
            "org": self._org,
            "environment": environment,
            "truth": truth.value,
            "changed_by": by,
            "changed_at_ns": self._clock.now_ns(),
        }
        statement = upsert(connection, registry_environment).values(row)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["org", "environment"], set_=row)
        )
        subject = Subject("environment", environment)
        details: dict[str, Detail] = {"truth": truth.value, "by": by}
        recorded(connection, Act(self._org, "registry.truth", subject, details=details))

    def _tell(
        self,
        connection: Connection,
        action: str,
        name: ObjectName,
        told: tuple[str, str, Mapping[str, Detail]],
    ) -> None:
        """Record an act on an object: the version's digest, the reason, and more."""
        digest, reason, details = told
        subject = Subject(name.kind.value, name.name, digest)
        act = Act(self._org, f"registry.{action}", subject, reason=reason, details=dict(details))
        recorded(connection, act)

    def _keep(self, connection: Connection, version: NewVersion, changes: Changes) -> None:
        names = self._names(version.name)
        self._keep_object(connection, names, version.details)
        table = registry_version
        same = [table.c[name] == value for name, value in names.items()]
        known = select(table.c.number).where(*same, table.c.digest == version.digest)
        if connection.execute(known).scalar() is not None:
            return
        last = connection.execute(select(func.max(table.c.number)).where(*same)).scalar() or 0
        row = {
            **names,
            "digest": version.digest,
            "number": last + 1,
            "sealed": version.sealed,
            "author": changes.author,
            "reason": changes.reason,
            "created_at_ns": self._clock.now_ns(),
        }
        connection.execute(insert(table), row)
        references = [
            {**names, "digest": version.digest, "to_kind": kind, "to_name": name}
            for kind, name in sorted(version.references)
        ]
        if references:
            connection.execute(insert(registry_reference), references)
        told = {"number": last + 1, "by": changes.author}
        self._tell(connection, "save", version.name, (version.digest, changes.reason, told))

    def _keep_object(
        self, connection: Connection, names: dict[str, str], details: Details | None
    ) -> None:
        table = registry_object
        row = {
            **names,
            **_columns(details or Details()),
            "version": 1,
            "created_at_ns": self._clock.now_ns(),
        }
        same = [table.c[name] == value for name, value in names.items()]
        there = connection.execute(select(table).where(*same)).first()
        if there is None:
            connection.execute(insert(table), row)
        elif details is not None and details != Details(
            there.owner, there.escalation, there.description
        ):
            values = {**_columns(details), "version": there.version + 1}
            connection.execute(update(table).where(*same), values)

    def pointed(
        self, connection: Connection, name: ObjectName, label: str, changes: Changes
    ) -> str:
        """Return the digest that a label points to, "" for nowhere."""
        place = {**self._names(name), "environment": changes.environment, "label": label}
        return self._pointed(connection, place)

    def require_kept(self, connection: Connection, name: ObjectName, digest: str) -> None:
        """Refuse a version that isn't kept. Raises NotFound."""
        _require_kept(connection, self._names(name), digest)

    def move(self, connection: Connection, move: Move, changes: Changes) -> MoveRecord | None:
        """Move a label within a change; None where it points there already.

        Raises:
            NotFound, PreconditionFailed: as `make`.
            Conflict: a rollout is under way on it.
        """
        names = self._names(move.name)
        label = {**names, "environment": changes.environment, "label": move.label}
        there = self._pointed(connection, label)
        _require_no_rollout_on(connection, label)
        if move.expected is not None and move.expected != there:
            raise PreconditionFailed(
                f"{move.name}@{move.label} points to {_said(there)} in {changes.environment}, "
                f"not to {_said(move.expected)}: it was moved since you read it",
                param="label",
            )
        if move.digest == there:
            return None
        if move.digest:
            _require_kept(connection, names, move.digest)
        now_ns = self._clock.now_ns()
        waits = move.approvals > 0
        row: dict[str, Any] = {
            **label,
            "id": self._ids.new(),
            "from_digest": there,
            "to_digest": move.digest,
            "author": changes.author,
            "reason": changes.reason,
            "state": (MoveState.PENDING if waits else MoveState.APPLIED).value,
            "approvals_wanted": move.approvals,
            "asked_at_ns": now_ns,
            "ended_at_ns": None if waits else now_ns,
        }
        connection.execute(insert(registry_move), row)
        by_id = select(registry_move).where(*self._is(str(row["id"])))
        made = move_record(connection.execute(by_id).one())
        if not waits:
            self._point(connection, made)
        told = {
            "label": move.label,
            "environment": changes.environment,
            "from": there,
            "state": row["state"],
            "by": changes.author,
        }
        self._tell(connection, "move", move.name, (move.digest, changes.reason, told))
        return made

    def _require_movable(self, connection: Connection, move: MoveRecord) -> None:
        """Refuse what could not be asked for any more. Raises Conflict."""
        changes = Changes(move.author, move.reason, move.environment, Truth.DATABASE)
        if move.name.kind not in KEPT_APART:
            self.require_truth(connection, changes)
        _require_no_rollout_on(connection, self._label(move))

    def _require_no_rollout(self, connection: Connection, environment: str) -> None:
        table = rollout.c
        here = (table.org == self._org, table.environment == environment)
        running = select(rollout).where(*here, table.ended_at_ns.is_(None)).order_by(table.id)
        first = connection.execute(running.limit(1)).first()
        if first is not None:
            raise Conflict(
                f"the rollout {first.id} is under way on {first.kind}/{first.name}@{first.label} "
                f"in {environment}: end it first",
                param="environment",
            )

    def _point(self, connection: Connection, move: MoveRecord) -> None:
        label = self._label(move)
        if not move.to_digest:
            same = [registry_label.c[name] == value for name, value in label.items()]
            connection.execute(registry_label.delete().where(*same))
            return
        values = {"digest": move.to_digest, "moved_at_ns": self._clock.now_ns()}
        statement = upsert(connection, registry_label).values({**label, **values})
        connection.execute(statement.on_conflict_do_update(index_elements=_LABEL_KEY, set_=values))

    def _pointed(self, connection: Connection, label: dict[str, str]) -> str:
        same = [registry_label.c[name] == value for name, value in label.items()]
        return str(connection.execute(select(registry_label.c.digest).where(*same)).scalar() or "")

    def _pending(self, connection: Connection, move_id: str) -> MoveRecord:
        row = connection.execute(select(registry_move).where(*self._is(move_id))).first()
        if row is None:
            raise NotFound("there is no move with this id", param="id")
        move = move_record(row)
        if move.state is not MoveState.PENDING:
            raise Conflict(f"This move is {move.state.value} already.")
        return move

    def _say(self, connection: Connection, move: MoveRecord, verdict: Verdict) -> None:
        row = {
            "org": self._org,
            "move_id": move.id,
            "approver": verdict.approver,
            "verdict": "approved" if verdict.approved else "rejected",
            "reason": verdict.reason,
            "at_ns": verdict.at_ns,
        }
        said = registry_approval.c
        before = select(said.verdict).where(
            said.org == self._org, said.move_id == move.id, said.approver == verdict.approver
        )
        if connection.execute(before).first() is not None:
            raise Conflict("You have said what you say to this move.")
        connection.execute(insert(registry_approval), row)

    def _followed(self, connection: Connection, move: MoveRecord, verdict: Verdict) -> MoveState:
        """Do what a verdict asks for; return what becomes of the move."""
        state = self._state(connection, move, approved=verdict.approved)
        if move.rollout_digest:
            return decided(connection, self._tenant, (move, verdict), state)
        if state is MoveState.APPLIED:
            self._require_movable(connection, move)
            self._point(connection, move)
        return state

    def _state(self, connection: Connection, move: MoveRecord, *, approved: bool) -> MoveState:
        if not approved:
            return MoveState.REJECTED
        said = registry_approval.c
        count = select(func.count()).where(
            said.org == self._org, said.move_id == move.id, said.verdict == "approved"
        )
        if connection.execute(count).scalar_one() < move.approvals_wanted:
            return MoveState.PENDING
        same = self._pointed(connection, self._label(move)) == move.from_digest
        return MoveState.APPLIED if same else MoveState.OVERTAKEN

    def _label(self, move: MoveRecord) -> dict[str, str]:
        return {**self._names(move.name), "environment": move.environment, "label": move.label}

    def _names(self, name: ObjectName) -> dict[str, str]:
        return {"org": self._org, "kind": name.kind.value, "name": name.name}

    def _is(self, move_id: str) -> list[Any]:
        return [registry_move.c.org == self._org, registry_move.c.id == move_id]


def make_together(engine: Engine, parts: Sequence[tuple[RegistryChanges, Changes]]) -> None:
    """Change several organisations' registries: all of it, or nothing. Raises as `make`."""
    with writing(engine) as connection:
        lock(connection, sorted(f"legato:registry:{one.org}" for one, _ in parts))
        for one, changes in parts:
            one.make_within(connection, changes)


@contextmanager
def changing(engine: Engine, org: str) -> Iterator[Connection]:
    """Change one organisation's registry one at a time: versions are numbered, labels compared."""
    with writing(engine) as connection:
        lock(connection, [f"legato:registry:{org}"])
        yield connection


def under_way(connection: Connection, label: dict[str, str]) -> bool:
    """Whether a rollout has not ended on a label."""
    same = [rollout.c[name] == value for name, value in label.items()]
    wanted = select(rollout.c.id).where(*same, rollout.c.ended_at_ns.is_(None))
    return connection.execute(wanted).first() is not None


def _imported(changes: Changes) -> bool:
    """Whether only data sets move, by hand: their cases can't come from a directory."""
    by_hand = changes.through is Truth.DATABASE
    return by_hand and all(one.name.kind in KEPT_APART for one in changes.moves)


def _require_no_rollout_on(connection: Connection, label: dict[str, str]) -> None:
    if under_way(connection, label):
        raise Conflict(
            f"a rollout is under way on {label['kind']}/{label['name']}@{label['label']} "
            f"in {label['environment']}: promote or abort it first",
            param="label",
        )


def _require_kept(connection: Connection, names: dict[str, str], digest: str) -> None:
    same = [registry_version.c[name] == value for name, value in names.items()]
    wanted = select(registry_version.c.number).where(*same, registry_version.c.digest == digest)
    if connection.execute(wanted).scalar() is None:
        raise NotFound(f"{names['kind']}/{names['name']} has no version {_said(digest)}")


def _columns(details: Details) -> dict[str, str]:
    return {
        "owner": details.owner,
        "escalation": details.escalation,
        "description": details.description,
    }


def _said(digest: str) -> str:
    return digest[:SHOWN_DIGITS] or "nothing"
