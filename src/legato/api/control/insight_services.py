"""What the control API works with for insights."""

from collections.abc import Callable

import msgspec

from legato.core.tenant import Reach, Tenant
from legato.insights.spend.desk import Insights
from legato.insights.spend.freezing import Freezing
from legato.insights.spend.goals import Goals


class InsightServices(msgspec.Struct, frozen=True):
    """Each by whose rows it meets; blocking."""

    insights: Callable[[Reach], Insights]
    goals: Callable[[Reach], Goals]
    freezing: Callable[[Tenant], Freezing]
