"""All that makes plans, in one place, as commands and the control API are given it."""

from collections.abc import Callable

import msgspec

from legato.core.tenant import Tenant
from legato.economics.finance.figures import Accuracy
from legato.finance.machines import Machines
from legato.finance.plans import Plans
from legato.finance.profit import Profit
from legato.finance.volumes import Volumes


class Planning(msgspec.Struct, frozen=True, eq=False):
    """Blocking; everything may raise StorageUnavailable."""

    plans: Plans
    profit: Profit
    volumes: Volumes
    machines: Machines
    accuracy: Callable[[Tenant, str, str], Accuracy]
    """Of an organisation's evaluation, by a scorer. Raises NotFound, InvalidRequest, Erased."""
