"""Whether somebody may act upon an account: never upon one that may more, or has fewer limits."""

from legato.api.control.access import Caller
from legato.api.control.services import Services
from legato.core.authority import beyond
from legato.core.errors import Forbidden
from legato.core.principal import Principal, Scope
from legato.identity.principals import PERSON, principal_of
from legato.storage.identity.records import Account

_NAMED_MAX = 3
_KEY = "key"


def require_over(services: Services, caller: Caller, account: Account) -> None:
    """Raise Forbidden where the account may do anything that the caller may not do there.

    Who gives out a password or a token of an account can do what it can.
    """
    other = principal_of(account, services.roles.grants_of(PERSON, account.id))
    more = beyond(caller.principal, other)
    if more:
        named = ", ".join(sorted(more)[:_NAMED_MAX]) + (", …" if len(more) > _NAMED_MAX else "")
        raise Forbidden(f"This account may do what you may not: {named}.")


def require_unlimited(caller: Caller) -> None:
    """Raise Forbidden for a key with limits: an account has none, nor have the keys it makes."""
    held_to = limits_of(caller.principal) if caller.principal.kind == _KEY else []
    if held_to:
        named = ", ".join(held_to)
        msg = f"Accounts aren't held to this key's limits ({named}): use a key without, or sign in."
        raise Forbidden(msg)


def limits_of(principal: Principal) -> list[str]:
    """Return what a key is held to beside its permissions, by the names of the fields."""
    names = ("allow_from", "budget", "concurrency_max", "expires_at_ns", "requests_per_minute")
    found = [one.removesuffix("_ns") for one in names if getattr(principal, one) not in (None, ())]
    if Scope.CALL in principal.scopes and "*" not in principal.models:
        found.append("models")
    if principal.require is not None:
        found.append("require")
    return sorted(found)
