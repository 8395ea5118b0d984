"""Forgets what was counted of objectives, and alerts, that had their time."""

from typing import Final

from sqlalchemy import Engine

from legato.storage.objectives.alerts import prune_alerts
from legato.storage.objectives.counting import ObjectiveCounts

_NS_PER_DAY: Final = 86_400_000_000_000


def prune_objectives(engine: Engine, before_ns: int) -> int:
    """Delete days and alerts from before a time; return how many. Raises StorageUnavailable."""
    gone = ObjectiveCounts(engine).forget_days(before_ns // _NS_PER_DAY)
    return gone + prune_alerts(engine, before_ns)
