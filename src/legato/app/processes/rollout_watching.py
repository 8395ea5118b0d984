"""Assembles what takes rollouts on, in the ledger process."""

from functools import partial
from typing import TYPE_CHECKING

from legato.app.context import ProcessContext
from legato.core.clock import Clock, SystemClock
from legato.core.ids import IdSource
from legato.registry.rollout_watch import RolloutWatch
from legato.registry.rollouts import waits_for_others
from legato.storage.registry.rollout_outcomes import RolloutOutcomes
from legato.storage.registry.rollouts import Rollout, RolloutStore, running_rollouts

if TYPE_CHECKING:
    from legato.finance.margin_gate import MarginGates


def rollout_watch(context: ProcessContext) -> RolloutWatch:
    """Return it; nothing is read yet."""
    engine, clock = context.engine, SystemClock()
    config = context.loaded.config
    ids, environment = IdSource(clock), config.registry.environment
    margins = _margins(context, clock)

    def require_margin(rollout: Rollout) -> None:
        if margins is not None:
            margins.require(rollout.org, [(rollout.name, rollout.label)], rollout.environment)

    return RolloutWatch(
        lambda: running_rollouts(engine, environment),
        lambda tenant: RolloutStore(engine, clock, ids, tenant),
        lambda reach: RolloutOutcomes(engine, reach),
        clock.now_ns,
        waits=partial(waits_for_others, config.registry.approvals),
        require_margin=require_margin,
    )


def _margins(context: ProcessContext, clock: Clock) -> "MarginGates | None":
    if not context.loaded.config.finance.margin_gates:
        return None
    from legato.app.desks.finance import margin_gates  # noqa: PLC0415 - the books of plans

    return margin_gates(context.loaded.config.finance, context.database_url, clock)
