"""What the control API works with for objectives and incidents."""

from collections.abc import Callable

import msgspec

from legato.core.tenant import Reach
from legato.insights.objectives.standing import Standings
from legato.storage.incidents.incidents import Incidents
from legato.storage.objectives.objectives import ObjectiveStore


class ServiceLevelServices(msgspec.Struct, frozen=True):
    """Stores by whose rows they meet; `new_id` names what people open."""

    objectives: Callable[[Reach], ObjectiveStore]
    standings: Callable[[Reach], Standings]
    incidents: Callable[[Reach], Incidents]
    new_id: Callable[[], str]
