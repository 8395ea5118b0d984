"""A key makes no key with more than it has: neither money, nor calls, nor time."""

from typing import Final

import msgspec

from legato.core.errors import Forbidden
from legato.core.principal import BudgetLimit, Principal, Window
from legato.storage.tenants.key_records import KeyBudget, KeySpec

ALL: Final = frozenset({"budget", "requests_per_minute", "concurrency_max", "expires_at"})


def given_in(change: msgspec.Struct) -> frozenset[str]:
    """Return which limits a change touches."""
    names = ALL & set(change.__struct_fields__)
    return frozenset(one for one in names if getattr(change, one) is not msgspec.UNSET)


def require_within(
    principal: Principal, spec: KeySpec, now_ns: int, fields: frozenset[str] = ALL
) -> None:
    """Refuse a key with more than its maker's has, in what these fields say.

    Raises:
        Forbidden: naming the first of them.
    """
    own_end = principal.expires_at_ns
    if "budget" in fields and not _is_within(spec.budget, principal.budget):
        raise _more("budget", _in_words(principal.budget))
    for name in ("requests_per_minute", "concurrency_max"):
        own, wanted = getattr(principal, name), getattr(spec, name)
        if name in fields and own is not None and (wanted is None or wanted > own):
            raise _more(name, str(own))
    ends = spec.expires_at_ns
    if "expires_at" in fields and own_end is not None and (ends is None or ends > own_end):
        raise _more("expires_at", f"{(own_end - now_ns) // 10**9} s from now")


def require_no_more(
    principal: Principal, change: tuple[KeySpec, KeySpec], fields: frozenset[str]
) -> None:
    """Refuse to raise what another's key has, where one's own is limited in it.

    Keys that were made by one share its limits; these don't, and would add to them.

    Raises:
        Forbidden: naming the first of them.
    """
    present, wanted = change
    budget = present.budget
    is_raised = budget is not None and not _is_within(
        wanted.budget, BudgetLimit("", budget.limit, budget.window)
    )
    if "budget" in fields and principal.budget is not None and is_raised:
        raise Forbidden(_NOT_YOURS.format("budget"), param="budget")
    for name in ("requests_per_minute", "concurrency_max"):
        before, after = getattr(present, name), getattr(wanted, name)
        more = before is not None and (after is None or after > before)
        if name in fields and getattr(principal, name) is not None and more:
            raise Forbidden(_NOT_YOURS.format(name), param=name)


_NOT_YOURS: Final = (
    "{0}: yours is limited in it, so it may raise that of keys only which were made by it, "
    "and share it"
)


def _is_within(wanted: KeyBudget | None, own: BudgetLimit | None) -> bool:
    if own is None:
        return True
    if wanted is None or wanted.limit > own.limit:
        return False
    # a total is spent once: it is less than as much again and again
    return wanted.window in {own.window, Window.TOTAL}


def _in_words(own: BudgetLimit | None) -> str:
    return "" if own is None else f"{own.limit / 1e9:g} USD, window {own.window.value}"


def _more(field: str, own: str) -> Forbidden:
    msg = f"{field}: yours has {own}, so this key may not have more"
    return Forbidden(msg, param=field)
