"""Assembles what takes rollouts on, in the ledger process."""

from functools import partial

from legato.app.context import ProcessContext
from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.registry.rollout_watch import RolloutWatch
from legato.registry.rollouts import waits_for_others
from legato.storage.database.engine import open_engine
from legato.storage.registry.rollout_outcomes import RolloutOutcomes
from legato.storage.registry.rollouts import RolloutStore, running_rollouts


def rollout_watch(context: ProcessContext) -> RolloutWatch:
    """Return it; nothing is read yet."""
    engine, clock = open_engine(context.database_url), SystemClock()
    ids, environment = IdSource(clock), context.loaded.config.registry.environment
    return RolloutWatch(
        lambda: running_rollouts(engine, environment),
        lambda tenant: RolloutStore(engine, clock, ids, tenant),
        lambda reach: RolloutOutcomes(engine, reach),
        clock.now_ns,
        waits=partial(waits_for_others, context.loaded.config.registry.approvals),
    )
