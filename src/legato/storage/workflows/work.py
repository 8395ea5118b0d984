"""What an activation reads and writes of its run, under its fence.

Each write begins with an UPDATE of the run where the fence is still the writer's. That locks the
row until the transaction ends, so nobody takes the run over between this and the writes behind it,
and who takes it over afterwards finds all of them. Where no row fits, nothing is written.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, Executable, delete, or_, select, tuple_, update

from legato.storage.database.dialect import is_sqlite, upsert, upsert_into
from legato.storage.database.engine import reading, writing
from legato.storage.registry.rollout_outcomes import add_outcomes
from legato.storage.tables.workflows import (
    workflow_definition,
    workflow_message,
    workflow_run,
    workflow_step,
    workflow_wait,
)
from legato.storage.workflows.moving import end, may_begin, own
from legato.storage.workflows.rows import (
    ENDED,
    RUNNING,
    UNSETTLED,
    WAITING,
    Effect,
    MessageRow,
    RunRow,
    StepRow,
    WaitRow,
    Written,
    Wrote,
    message_row,
    run_row,
    step_row,
    wait_row,
)

_RUN: Final = workflow_run.c
_STEP_KEY: Final = ("org", "run_id", "node", "name")
_REFUSED: Final = Wrote(kept=False)
_IDS_PER_READ: Final = 500


class Recorded(NamedTuple):
    """All that is known of a run when an activation begins."""

    steps: list[StepRow]
    waits: list[WaitRow]


class Turn(NamedTuple):
    """An activation that is about to begin."""

    org: str
    run_id: str
    activation: int
    executor: str
    at_ns: int


class RunWork:
    """Of all organisations; for the processes that run. Methods may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, some: Sequence[Turn]) -> list[RunRow | None]:
        """Take runs' fences for activations, in one transaction; None: it isn't its turn."""
        came: dict[int, RunRow | None] = {}
        with writing(self._engine) as connection:
            for place in _in_order(some):
                came[place] = _begun(connection, some[place])
        return [came[place] for place in range(len(some))]

    def recorded(self, org: str, run_id: str) -> Recorded:
        """Return a run's steps and waits."""
        steps, waits = workflow_step.c, workflow_wait.c
        with reading(self._engine) as connection:
            done = connection.execute(
                select(workflow_step).where(steps.org == org, steps.run_id == run_id)
            ).all()
            waiting = connection.execute(
                select(workflow_wait).where(waits.org == org, waits.run_id == run_id)
            ).all()
        return Recorded([step_row(row) for row in done], [wait_row(row) for row in waiting])

    def runs(self, org: str, run_ids: Sequence[str]) -> list[RunRow]:
        """Return runs by their ids."""
        found: list[RunRow] = []
        with reading(self._engine) as connection:
            for first in range(0, len(run_ids), _IDS_PER_READ):
                some = run_ids[first : first + _IDS_PER_READ]
                wanted = select(workflow_run).where(_RUN.org == org, _RUN.id.in_(some))
                found += map(run_row, connection.execute(wanted))
        return found

    def inbox(self, org: str, run_id: str) -> tuple[list[MessageRow], int, bool]:
        """Return the unused messages in order, how many news there were, and whether to cancel.

        The count is read first: what comes in between is news that isn't known of.
        """
        stands = select(_RUN.news, _RUN.cancelling).where(*own(org, run_id))
        table = workflow_message.c
        mine = (table.org == org, table.run_id == run_id, table.taken.is_(False))
        unused = select(workflow_message).where(*mine).order_by(table.number, table.id)
        with reading(self._engine) as connection:
            news, cancelling = connection.execute(stands).one()
            return [message_row(row) for row in connection.execute(unused)], news, cancelling

    def children(self, org: str, run_id: str) -> dict[str, str]:
        """Return the ids of a run's children with how they ended, "" for those that go on."""
        wanted = select(_RUN.id, _RUN.status).where(_RUN.org == org, _RUN.parent == run_id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return {row.id: row.status if row.status in ENDED else "" for row in rows}

    def ended(self, org: str, run_ids: Sequence[str]) -> dict[str, str]:
        """Return which of some runs have ended, and how."""
        found: dict[str, str] = {}
        with reading(self._engine) as connection:
            for first in range(0, len(run_ids), _IDS_PER_READ):
                some = run_ids[first : first + _IDS_PER_READ]
                wanted = select(_RUN.id, _RUN.status).where(
                    _RUN.org == org, _RUN.id.in_(some), _RUN.status.in_(ENDED)
                )
                found.update((row.id, row.status) for row in connection.execute(wanted))
        return found

    def definition(self, org: str, digest: str) -> bytes | None:
        """Return the sealed content that runs of this digest run."""
        table = workflow_definition.c
        wanted = select(table.sealed).where(table.org == org, table.digest == digest)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).scalar()
        return None if found is None else bytes(found)

    def write(self, some: Sequence[Written]) -> list[Wrote]:
        """Write what activations have to write, in one transaction.

        Raises what an effect raises: then nothing was written.
        """
        came: dict[int, Wrote] = {}
        with writing(self._engine) as connection:
            for place in _in_order(some):
                came[place] = _write(connection, some[place])
        return [came[place] for place in range(len(some))]

    def news(self, executor: str) -> dict[tuple[str, str], tuple[int, int]]:
        """Return fence and count of news of each run that a process has."""
        wanted = select(_RUN.org, _RUN.id, _RUN.fence, _RUN.news).where(
            _RUN.status == RUNNING, _RUN.executor == executor
        )
        with reading(self._engine) as connection:
            return {(one[0], one[1]): (one[2], one[3]) for one in connection.execute(wanted)}


def _in_order(some: Sequence[Written] | Sequence[Turn]) -> list[int]:
    """Return the places in the one order in which two of us can't wait for each other."""
    return sorted(range(len(some)), key=lambda place: (some[place].org, some[place].run_id))


def _begun(connection: Connection, turn: Turn) -> RunRow | None:
    took = (
        update(workflow_run)
        .where(*may_begin(turn.org, turn.run_id, turn.activation))
        .values(
            fence=_RUN.fence + 1,
            status=RUNNING,
            executor=turn.executor,
            changed_at_ns=turn.at_ns,
        )
        .returning(*workflow_run.c)
    )
    row = connection.execute(took).first()
    return None if row is None else run_row(row)


def _write(connection: Connection, written: Written) -> Wrote:
    mine = [*own(written.org, written.run_id), _RUN.fence == written.fence, _RUN.status == RUNNING]
    held = (
        update(workflow_run)
        .where(*mine)
        .values(
            steps=written.begun,
            charged=written.charged,
            sequence=_RUN.sequence + 1,
            changed_at_ns=written.at_ns,
        )
        .returning(_RUN.news, _RUN.cancelling, _RUN.sequence)
    )
    row = connection.execute(held).first()
    if row is None:
        return _REFUSED
    came = [_effect(connection, written, one, row.sequence) for one in written.effects]
    _record(connection, written, written.steps, row.sequence)
    _waits(connection, written)
    _children(connection, written)
    left = False
    if written.end is not None:
        end(connection, written.org, written.run_id, written.end, at_ns=written.at_ns)
        if written.end.outcome is not None:
            add_outcomes(connection, [written.end.outcome])
        left = True
    elif written.leave is not None and written.leave == row.news:
        leaving = {"status": WAITING, "due_ns": written.due_ns, "executor": ""}
        connection.execute(update(workflow_run).where(*mine).values(leaving))
        left = True
    return Wrote(
        kept=True, left=left, effects=tuple(came), news=row.news, cancelling=row.cancelling
    )


def _effect(connection: Connection, written: Written, effect: Effect, sequence: int) -> StepRow:
    """Do what isn't recorded: a commit that nobody heard of may have done it before."""
    table = workflow_step.c
    done = select(workflow_step).where(
        table.org == written.org,
        table.run_id == written.run_id,
        table.node == effect.node,
        table.name == effect.name,
        table.state.not_in(UNSETTLED),
    )
    found = connection.execute(done).first()
    if found is not None:
        return step_row(found)
    row = effect.row(effect.work(connection))
    _record(connection, written, [row], sequence)
    return row


def _record(
    connection: Connection, written: Written, steps: Iterable[StepRow], sequence: int
) -> None:
    """Keep steps; one that is settled stays as it is."""
    whose = {"org": written.org, "run_id": written.run_id, "end_user": written.end_user}
    last = {(one.node, one.name): one for one in steps}  # what began and ended ended
    rows = [{**msgspec.structs.asdict(one), **whose, "sequence": sequence} for one in last.values()]
    if rows:
        connection.execute(_recording(sqlite=is_sqlite(connection)), rows)


@cache
def _recording(*, sqlite: bool) -> Executable:
    made = upsert_into(workflow_step, sqlite=sqlite)
    changed = {
        name: made.excluded[name] for name in StepRow.__struct_fields__ if name not in _STEP_KEY
    }
    # no IN: its parameters can't be given for many rows
    unsettled = or_(*[workflow_step.c.state == one for one in UNSETTLED])
    return made.on_conflict_do_update(index_elements=list(_STEP_KEY), set_=changed, where=unsettled)


def _waits(connection: Connection, written: Written) -> None:
    whose = {"org": written.org, "run_id": written.run_id}
    if written.waits:
        rows = [{**whose, **msgspec.structs.asdict(one)} for one in written.waits]
        connection.execute(upsert(connection, workflow_wait).on_conflict_do_nothing(), rows)
    if written.waited:
        table = workflow_wait.c
        mine = (table.org == written.org, table.run_id == written.run_id)
        over = tuple_(table.node, table.name).in_(written.waited)
        connection.execute(delete(workflow_wait).where(*mine, over))
    if written.taken:
        message = workflow_message.c
        used = (message.org == written.org, message.run_id == written.run_id)
        connection.execute(
            update(workflow_message)
            .where(*used, message.id.in_(written.taken))
            .values(taken=True, sealed=b"")
        )


def _children(connection: Connection, written: Written) -> None:
    for digest, sealed in written.definitions:
        keep_definition(connection, written.org, digest, sealed=sealed, at_ns=written.at_ns)
    if written.children:
        rows = [msgspec.structs.asdict(one) for one in written.children]
        connection.execute(upsert(connection, workflow_run).on_conflict_do_nothing(), rows)


def keep_definition(
    connection: Connection, org: str, digest: str, *, sealed: bytes, at_ns: int
) -> None:
    """Keep what runs run, where it isn't kept yet."""
    row = {"org": org, "digest": digest, "sealed": sealed, "created_at_ns": at_ns}
    connection.execute(upsert(connection, workflow_definition).values(row).on_conflict_do_nothing())


def add_runs(connection: Connection, runs: Sequence[RunRow]) -> list[RunRow]:
    """Keep runs; return those that are new."""
    if not runs:
        return []
    made = upsert(connection, workflow_run).on_conflict_do_nothing().returning(workflow_run.c.id)
    rows = [msgspec.structs.asdict(one) for one in runs]
    new = set(connection.execute(made, rows).scalars())
    return [one for one in runs if one.id in new]


def add_steps(connection: Connection, run: RunRow, steps: Sequence[StepRow]) -> None:
    """Keep steps that a new run begins with."""
    whose = {"org": run.org, "run_id": run.id, "end_user": run.end_user}
    if rows := [{**msgspec.structs.asdict(one), **whose} for one in steps]:
        connection.execute(workflow_step.insert(), rows)
