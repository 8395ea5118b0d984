"""What became of the requests in a rollout's arms, with what feedback says of them."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, case, delete, func, select

from legato.core.records import ArmOutcome
from legato.core.tenant import Tenant, WholeReach
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.feedback import feedback
from legato.storage.tables.rollouts import arm_outcome, rollout, shadow_outcome
from legato.storage.tables.schema import organisation

_ROWS_PER_WRITE: Final = 2_000


class Outcome(msgspec.Struct, frozen=True):
    """One request of an arm. Cost in nano-USD, None where unpriced; None where nothing was said."""

    unit: str
    ok: bool
    cost: int | None
    total_us: int
    thumbs_down: bool | None
    score: float | None
    triggered: bool | None = None
    """Whether a guardrail fired; None where no policy applied."""


class RolloutOutcomes:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: WholeReach) -> None:
        """Of a route's rollout every organisation's requests count: read it for every tenant."""
        self._engine = engine
        self._reach = reach

    def of(self, rollout_id: str, arm: str, since_ns: int, until_ns: int | None) -> list[Outcome]:
        """Return an arm's requests that arrived within a span."""
        table, said = arm_outcome.c, feedback.c
        conditions = [
            _of(self._reach),
            table.rollout_id == rollout_id,
            table.arm == arm,
            table.at_ns >= since_ns,
        ]
        if until_ns is not None:
            conditions.append(table.at_ns < until_ns)
        thumbs_down = func.max(case((said.thumbs == "down", 1), (said.thumbs == "up", 0)))
        about = and_(said.org == table.org, said.request_id == table.request_id)
        wanted = (
            select(
                arm_outcome, thumbs_down.label("thumbs_down"), func.avg(said.score).label("score")
            )
            .select_from(arm_outcome.outerjoin(feedback, about))
            .where(*conditions)
            .group_by(*table)
        )
        with reading(self._engine) as connection:
            return [_outcome(row) for row in connection.execute(wanted)]

    def first_at_ns(self, rollout_id: str) -> int | None:
        """Return when the oldest request arrived whose outcome is kept; None without any."""
        table = arm_outcome.c
        wanted = select(func.min(table.at_ns)).where(
            _of(self._reach), table.rollout_id == rollout_id
        )
        with reading(self._engine) as connection:
            first_at_ns: int | None = connection.execute(wanted).scalar_one()
        return first_at_ns


def _of(reach: WholeReach) -> ColumnElement[bool]:
    """Return whose outcomes are meant; all are named one by one, since the index begins so."""
    if isinstance(reach, Tenant):
        return arm_outcome.c.org == reach.org
    return arm_outcome.c.org.in_(select(organisation.c.name))


def add_outcomes(connection: Connection, outcomes: Iterable[ArmOutcome]) -> None:
    """Keep what became of requests; again changes nothing."""
    rows = []
    for one in outcomes:
        rollout_id, _, arm = one.arm.partition("/")
        row = msgspec.structs.asdict(one)
        rows.append({**row, "rollout_id": rollout_id, "arm": arm})
    connection.execute(upsert(connection, arm_outcome).on_conflict_do_nothing(), rows)


def prune_outcomes(engine: Engine, before_ns: int) -> int:
    """Delete older outcomes of rollouts that have ended; return how many.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    total = 0
    for outcomes in (arm_outcome, shadow_outcome):
        while pruned := _prune(engine, outcomes, before_ns):
            total += pruned
    return total


def _prune(engine: Engine, outcomes: Table, before_ns: int) -> int:
    table = outcomes.c
    running = select(rollout.c.id).where(rollout.c.ended_at_ns.is_(None))
    old = (
        select(table.request_id)
        .where(table.at_ns < before_ns, table.rollout_id.not_in(running))
        .order_by(table.at_ns)
        .limit(_ROWS_PER_WRITE)
    )
    gone = delete(outcomes).where(
        table.request_id.in_(old), table.at_ns < before_ns, table.rollout_id.not_in(running)
    )
    with writing(engine) as connection:
        return connection.execute(gone).rowcount


def _outcome(row: Any) -> Outcome:
    return Outcome(
        row.unit,
        row.ok,
        row.cost,
        row.total_us,
        None if row.thumbs_down is None else bool(row.thumbs_down),
        None if row.score is None else float(row.score),
        row.triggered,
    )
