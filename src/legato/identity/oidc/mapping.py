"""From a provider's claims to roles."""

from typing import Any

from legato.core.config_accounts import OidcProvider
from legato.core.roles import EVERY_ORG
from legato.identity.principals import PERSON
from legato.storage.tenants.roles import NewBinding


def bindings_of(claims: dict[str, Any], config: OidcProvider, account_id: str) -> list[NewBinding]:
    """Return the roles that somebody with these claims has, each once."""
    found = []
    for one in config.role_mapping:
        if one.value not in values_of(claims, one.claim):
            continue
        binding = NewBinding(
            subject_kind=PERSON,
            subject_id=account_id,
            role=one.role,
            org=EVERY_ORG if one.instance else config.org,
            team=one.team,
            feature=one.feature,
        )
        if binding not in found:
            found.append(binding)
    return found


def lacks(claims: dict[str, Any], config: OidcProvider) -> bool:
    """Whether a claim that is mapped or shown isn't there, so that `userinfo` is worth asking."""
    mapped = {one.claim.partition(".")[0] for one in config.role_mapping}
    return not {"email", *mapped} <= set(claims)


def values_of(claims: dict[str, Any], path: str) -> frozenset[str]:
    """Return the texts at a path: the claim itself, the elements of a list; nothing else counts.

    A claim whose own name has dots, as an address has, is found under all of that name.
    """
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    return frozenset(one for one in listed if isinstance(one, str))
