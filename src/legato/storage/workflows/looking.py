"""What whoever looks after runs asks of all organisations: what is due, stranded, or to enqueue."""

from collections.abc import Collection
from typing import Final, NamedTuple

from sqlalchemy import Engine, and_, or_, select, update

from legato.storage.database.engine import reading, writing
from legato.storage.tables.workflows import workflow_run
from legato.storage.workflows.rows import ENQUEUED, QUEUED, RUNNING, WAITING

_RUN: Final = workflow_run.c
_RUNS_PER_PASS: Final = 100


class Wanted(NamedTuple):
    """An activation that is wanted."""

    org: str
    run_id: str
    activation: int


class RunLooking:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def stirs(self, now_ns: int) -> bool:
        """Whether an activation is wanted, or a run is due."""
        due = and_(_RUN.status == WAITING, _RUN.due_ns <= now_ns)
        some = select(_RUN.id).where(or_(_RUN.status == QUEUED, due)).limit(1)
        with reading(self._engine) as connection:
            return connection.execute(some).first() is not None

    def wanted(self, count: int) -> list[Wanted]:
        """Return activations that the engine hasn't been told of, oldest first."""
        queued = (
            select(_RUN.org, _RUN.id, _RUN.activation)
            .where(_RUN.status == QUEUED)
            .order_by(_RUN.changed_at_ns, _RUN.id)
            .limit(count)
        )
        with reading(self._engine) as connection:
            return [Wanted(*row) for row in connection.execute(queued)]

    def enqueued(self, some: Collection[Wanted], at_ns: int) -> None:
        """Say that activations are the engine's, as far as they haven't begun meanwhile."""
        with writing(self._engine) as connection:
            for one in sorted(some):
                connection.execute(
                    update(workflow_run)
                    .where(
                        _RUN.org == one.org,
                        _RUN.id == one.run_id,
                        _RUN.activation == one.activation,
                        _RUN.status == QUEUED,
                    )
                    .values(status=ENQUEUED, changed_at_ns=at_ns)
                )

    def wake_due(self, now_ns: int) -> int:
        """Queue runs whose time has come; return how many."""
        due = (
            select(_RUN.org, _RUN.id)
            .where(_RUN.status == WAITING, _RUN.due_ns <= now_ns)
            .order_by(_RUN.due_ns)
            .limit(_RUNS_PER_PASS)
        )
        with reading(self._engine) as connection:
            found = connection.execute(due).all()
        if not found:
            return 0
        with writing(self._engine) as connection:
            for org, run_id in sorted((row.org, row.id) for row in found):
                connection.execute(
                    update(workflow_run)
                    .where(
                        _RUN.org == org,
                        _RUN.id == run_id,
                        _RUN.status == WAITING,
                        _RUN.due_ns <= now_ns,
                    )
                    .values(
                        status=QUEUED,
                        activation=_RUN.activation + 1,
                        news=_RUN.news + 1,
                        due_ns=None,
                        changed_at_ns=now_ns,
                    )
                )
        return len(found)

    def holders(self) -> set[str]:
        """Return which processes have runs."""
        wanted = select(_RUN.executor).where(_RUN.status == RUNNING).distinct()
        with reading(self._engine) as connection:
            return set(connection.execute(wanted).scalars())

    def take_from(self, executors: Collection[str], now_ns: int) -> int:
        """Queue what dead processes had; return how many runs. Whoever wakes has lost its fence."""
        taken = (
            update(workflow_run)
            .where(_RUN.status == RUNNING, _RUN.executor.in_(executors))
            .values(
                status=QUEUED,
                activation=_RUN.activation + 1,
                fence=_RUN.fence + 1,
                changed_at_ns=now_ns,
            )
        )
        with writing(self._engine) as connection:
            return connection.execute(taken).rowcount

    def forgotten(self, before_ns: int) -> list[Wanted]:
        """Return activations that have been in the engine's queue since before a time."""
        old = (
            select(_RUN.org, _RUN.id, _RUN.activation)
            .where(_RUN.status == ENQUEUED, _RUN.changed_at_ns < before_ns)
            .order_by(_RUN.changed_at_ns)
            .limit(_RUNS_PER_PASS)
        )
        with reading(self._engine) as connection:
            return [Wanted(*row) for row in connection.execute(old)]

    def queue_again(self, one: Wanted, now_ns: int) -> None:
        """Want a new activation instead of one that the engine doesn't know any more."""
        again = (
            update(workflow_run)
            .where(
                _RUN.org == one.org,
                _RUN.id == one.run_id,
                _RUN.activation == one.activation,
                _RUN.status == ENQUEUED,
            )
            .values(status=QUEUED, activation=_RUN.activation + 1, changed_at_ns=now_ns)
        )
        with writing(self._engine) as connection:
            connection.execute(again)

    def busy(self) -> bool:
        """Whether there is something to do now, or will be at a known time."""
        going = _RUN.status.in_((QUEUED, ENQUEUED, RUNNING))
        timed = and_(_RUN.status == WAITING, _RUN.due_ns.is_not(None))
        with reading(self._engine) as connection:
            found = connection.execute(select(_RUN.id).where(or_(going, timed)).limit(1))
            return found.first() is not None

    def open(self) -> bool:
        """Whether a run goes on, waiting or not."""
        going = _RUN.status.in_((QUEUED, ENQUEUED, RUNNING, WAITING))
        with reading(self._engine) as connection:
            return connection.execute(select(_RUN.id).where(going).limit(1)).first() is not None
