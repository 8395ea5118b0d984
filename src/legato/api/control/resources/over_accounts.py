"""Whether somebody may act upon an account: never upon one that may more."""

from legato.api.control.access import Caller
from legato.api.control.services import Services
from legato.core.authority import beyond
from legato.core.errors import Forbidden
from legato.identity.principals import PERSON, principal_of
from legato.storage.identity.records import Account

_NAMED_MAX = 3


def require_over(services: Services, caller: Caller, account: Account) -> None:
    """Raise Forbidden where the account may do anything that the caller may not do there.

    Who gives out a password or a token of an account can do what it can.
    """
    other = principal_of(account, services.roles.grants_of(PERSON, account.id))
    more = beyond(caller.principal, other)
    if more:
        named = ", ".join(sorted(more)[:_NAMED_MAX]) + (", …" if len(more) > _NAMED_MAX else "")
        raise Forbidden(f"This account may do what you may not: {named}.")
