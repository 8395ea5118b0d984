"""Single limits, as tests of leases ask for them."""

from legato.core.leases import Grant, Leases, Limit, LimitKind, Returned, Wish
from legato.core.principal import BudgetLimit


def take_budget(
    leases: Leases, budget: BudgetLimit, *, holder: str, want: int, at_least: int
) -> Grant:
    limit = Limit(LimitKind.BUDGET, budget.id, budget.limit, budget.window.value)
    return leases.take([Wish(limit, want, at_least)], holder=holder)[0]


def return_budget(
    leases: Leases, budget_id: str, start_ns: int, *, holder: str, amount: int
) -> None:
    leases.give_back([Returned(LimitKind.BUDGET, budget_id, start_ns, amount)], holder=holder)


def take_rate(
    leases: Leases, limit_id: str, limit: int, *, holder: str, want: int, window_s: int = 60
) -> Grant:
    rate = Limit(LimitKind.RATE, limit_id, limit, str(window_s))
    return leases.take([Wish(rate, want)], holder=holder)[0]


def return_rate(leases: Leases, limit_id: str, start_ns: int, *, holder: str, amount: int) -> None:
    leases.give_back([Returned(LimitKind.RATE, limit_id, start_ns, amount)], holder=holder)


def take_slots(leases: Leases, limit_id: str, limit: int, *, holder: str, want: int) -> Grant:
    slots = Limit(LimitKind.SLOTS, limit_id, limit, "total")
    return leases.take([Wish(slots, want)], holder=holder)[0]


def return_slots(leases: Leases, limit_id: str, *, holder: str, amount: int) -> None:
    leases.give_back([Returned(LimitKind.SLOTS, limit_id, 0, amount)], holder=holder)
