"""What the control API works with for scheduled reports."""

from collections.abc import Callable

import msgspec

from legato.core.tenant import Reach
from legato.storage.schedules.schedules import Schedules


class ScheduleServices(msgspec.Struct, frozen=True):
    """Stores by whose rows they meet; the channels there are; what names a new one."""

    of: Callable[[Reach], Schedules]
    channels: frozenset[str]
    new_id: Callable[[], str]
