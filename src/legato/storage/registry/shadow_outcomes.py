"""What became of the copies of calls that a shadow was sent, beside the calls themselves."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from legato.core.records import DROPPED, ShadowOutcome
from legato.core.tenant import Tenant, WholeReach
from legato.storage.database.dialect import upsert
from legato.storage.tables.rollouts import shadow_outcome
from legato.storage.tables.schema import organisation

_UNSENT = (DROPPED, "budget_exceeded")


class ShadowSummary(msgspec.Struct, frozen=True):
    """All copies of a rollout. Costs in nano-USD; those without a price are not in them.

    Figures of time and tokens are means over the copies where both were answered.
    """

    sent: int
    dropped: int
    over_budget: int
    failed: int
    live_failed: int
    cost: int
    live_cost: int
    unpriced: int
    answered_both: int
    mean_us: float | None
    live_mean_us: float | None
    mean_output_tokens: float | None
    live_mean_output_tokens: float | None
    compared: int
    agree: int
    json: int
    live_json: int


def shadow_summary(connection: Connection, reach: WholeReach, rollout_id: str) -> ShadowSummary:
    """Return what is known of all copies of a rollout: of a route's, for every tenant."""
    c = shadow_outcome.c
    sent = c.status.not_in(_UNSENT)
    both = and_(c.status == "ok", c.live_status == "ok")
    wanted = select(
        _count(sent),
        _count(c.status == DROPPED),
        _count(c.status == "budget_exceeded"),
        _count(and_(sent, c.status != "ok")),
        _count(and_(sent, c.live_status != "ok")),
        func.coalesce(func.sum(c.cost), 0),
        func.coalesce(func.sum(case((sent, c.live_cost))), 0),
        _count(and_(sent, c.cost.is_(None))),
        _count(both),
        _mean(both, c.total_us),
        _mean(both, c.live_us),
        _mean(both, c.output_tokens),
        _mean(both, c.live_output_tokens),
        _count(c.agrees.is_not(None)),
        _count(c.agrees.is_(True)),
        _count(c.shadow_json.is_(True)),
        _count(c.live_json.is_(True)),
    ).where(_of(reach), c.rollout_id == rollout_id)
    row = connection.execute(wanted).one()
    figures = [None if value is None else float(value) for value in row[9:13]]
    return ShadowSummary(*(int(value) for value in row[:9]), *figures, *map(int, row[13:]))


def shadows_sent(
    connection: Connection, reach: WholeReach, rollout_id: str, span_ns: tuple[int, int | None]
) -> int:
    """Return how many copies of calls of a span of time were sent."""
    c, (since_ns, until_ns) = shadow_outcome.c, span_ns
    wanted = select(func.count()).where(
        _of(reach),
        c.rollout_id == rollout_id,
        c.at_ns >= since_ns,
        c.status.not_in(_UNSENT),
    )
    if until_ns is not None:
        wanted = wanted.where(c.at_ns < until_ns)
    return int(connection.execute(wanted).scalar_one())


def add_shadow_outcomes(connection: Connection, outcomes: Iterable[ShadowOutcome]) -> None:
    """Keep what became of copies; again changes nothing."""
    rows = [msgspec.structs.asdict(one) for one in outcomes]
    connection.execute(upsert(connection, shadow_outcome).on_conflict_do_nothing(), rows)


def _of(reach: WholeReach) -> ColumnElement[bool]:
    """Return whose copies are meant; all are named one by one, since the index begins so."""
    if isinstance(reach, Tenant):
        return shadow_outcome.c.org == reach.org
    return shadow_outcome.c.org.in_(select(organisation.c.name))


def _count(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _mean(condition: Any, column: Any) -> Any:
    return func.avg(case((condition, column)))
