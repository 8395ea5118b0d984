"""What the control API works with for budgets."""

from collections.abc import Callable

import msgspec

from legato.core.budget import Budget
from legato.core.tenant import Reach
from legato.storage.limits.budget_events import BudgetEventStore
from legato.storage.limits.budgets import BudgetStore
from legato.storage.limits.standing import Standing


class BudgetServices(msgspec.Struct, frozen=True):
    """Stores by whose rows they meet; and how a budget stands."""

    of: Callable[[Reach], BudgetStore]
    events: Callable[[Reach], BudgetEventStore]
    standings: Callable[[Budget], list[Standing]]
