"""For whom stored data is read or changed.

A tenant is an organisation. Whatever of the storage holds rows of tenants asks for a `Reach`:
there is no way to leave it out, and reading across tenants is said in so many words.
"""

from typing import Final

import msgspec


class Tenant(msgspec.Struct, frozen=True):
    """One organisation, by its name. Nothing of another is seen, changed or told to exist."""

    org: str


class EveryTenant(msgspec.Struct, frozen=True):
    """The operator of the whole instance."""


Reach = Tenant | EveryTenant
EVERY_TENANT: Final = EveryTenant()
