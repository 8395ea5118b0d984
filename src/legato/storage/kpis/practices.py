"""What an organisation does, counted from what is live: what maturity is told by."""

import msgspec
from sqlalchemy import Engine, Table, func, select

from legato.core.guarding import Action, Mode
from legato.core.registry import MoveState
from legato.core.tenant import EveryTenant, Reach, Tenant
from legato.storage.database.engine import reading
from legato.storage.database.tenancy import within
from legato.storage.rollups.reading import DAY_NS, Span
from legato.storage.tables.evaluations import evaluation
from legato.storage.tables.holdouts import holdout
from legato.storage.tables.kpis import guard_day
from legato.storage.tables.live_scores import live_score
from legato.storage.tables.registry import registry_label, registry_move
from legato.storage.tables.rollouts import rollout
from legato.storage.tables.routers import router_model


class Practices(msgspec.Struct, frozen=True):
    """Counts of a period, but what is live now."""

    promotions: int
    labels: int
    """Live now."""
    evaluations: int
    experiments: int
    """Rollouts and holdouts that began in it or are under way."""
    live_scores: int
    routers: int
    """Trained, whenever."""


class Triggers(msgspec.Struct, frozen=True):
    """What enforced rules of guardrails did."""

    rules: int
    """That fired at all, enforced or not: 0 where nobody looked, as far as can be told."""
    requests: int
    """Each for every rule and label that fired in it."""
    personal_stopped: int


class PracticeReader:
    """Of what is within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._reach = reach

    def practices(self, span: Span) -> Practices | None:
        """Count what was done in a span of days; None below an organisation."""
        if not isinstance(self._reach, (Tenant, EveryTenant)):
            return None
        since, until = span.first * DAY_NS, span.end * DAY_NS
        move, run, score = registry_move.c, evaluation.c, live_score.c
        begun, held = rollout.c, holdout.c
        moved = [
            move.state == MoveState.APPLIED.value,
            move.ended_at_ns >= since,
            move.ended_at_ns < until,
        ]
        return Practices(
            self._count(registry_move, *moved),
            self._count(registry_label),
            self._count(evaluation, run.created_at_ns >= since, run.created_at_ns < until),
            self._count(
                rollout,
                begun.started_at_ns < until,
                begun.ended_at_ns.is_(None) | (begun.ended_at_ns >= since),
            )
            + self._count(
                holdout,
                held.started_at_ns < until,
                held.ended_at_ns.is_(None) | (held.ended_at_ns >= since),
            ),
            self._count(live_score, score.scored_at_ns >= since, score.scored_at_ns < until),
            self._count(router_model),
        )

    def triggers(
        self, span: Span, labels: frozenset[str], where: dict[str, str] | None = None
    ) -> Triggers:
        """Count what enforced rules found, and finds of some labels that they held back."""
        c = guard_day.c
        seen = [
            *within(self._reach, guard_day),
            *(c[name] == value for name, value in (where or {}).items()),
            c.bucket >= span.first,
            c.bucket < span.end,
        ]
        acted = [*seen, c.mode == Mode.ENFORCE.value]
        rules = select(func.count()).select_from(guard_day).where(*seen)
        fired = select(func.sum(c.requests)).where(*acted, c.action != Action.ALLOW.value)
        held = (Action.REDACT.value, Action.BLOCK.value)
        stopped = select(func.sum(c.finds)).where(*acted, c.action.in_(held), c.label.in_(labels))
        with reading(self._engine) as connection:
            counts = [connection.execute(one).scalar() or 0 for one in (rules, fired, stopped)]
        return Triggers(*map(int, counts))

    def _count(self, table: Table, *conditions: object) -> int:
        wanted = select(func.count()).select_from(table).where(*within(self._reach, table))
        with reading(self._engine) as connection:
            return connection.execute(wanted.where(*conditions)).scalar_one()  # type: ignore[arg-type]
