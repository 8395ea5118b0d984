"""An account as the control API sees it: what its roles give it, within what a token has."""

from collections.abc import Callable
from typing import Final

import msgspec

from legato.core.permission import Permission
from legato.core.principal import Principal
from legato.core.roles import Grant
from legato.storage.identity.records import Account

PERSON: Final = "account"
GrantsOf = Callable[[str, str], tuple[Grant, ...]]
"""Returns the grants of a kind of subject and its id."""


def principal_of(
    account: Account,
    grants: tuple[Grant, ...],
    permissions: frozenset[Permission] = frozenset(),
    expires_at_ns: int | None = None,
    *,
    token: str = "",
) -> Principal:
    """Return who asks; with `permissions` given, none of its roles gives more than these.

    It calls no models, and has the name of its id: what it does is recorded under that, and a
    person who is forgotten is forgotten there too.
    """
    if permissions:
        narrowed = [_narrowed(one, permissions) for one in grants]
        grants = tuple(one for one in narrowed if one.permissions)
    return Principal(
        key_id=account.id,
        name=account.id,
        org=account.org,
        team="",
        feature="",
        scopes=frozenset(),
        models=frozenset(),
        expires_at_ns=expires_at_ns,
        kind=PERSON,
        grants=grants,
        token=token,
        narrowed_to=permissions,
    )


def _narrowed(grant: Grant, permissions: frozenset[Permission]) -> Grant:
    return msgspec.structs.replace(grant, permissions=grant.permissions & permissions)
