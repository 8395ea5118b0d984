"""Roles, as the control API works on them."""

from legato.api.control.services import RoleStores
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT
from legato.storage.database.engine import open_engine
from legato.storage.tenants.roles import CustomRoles, RoleBindings


def role_stores(database_url: str, clock: Clock) -> RoleStores:
    """Open them on a database."""
    engine, ids = open_engine(database_url), IdSource(clock)
    return RoleStores(
        bindings=lambda reach: RoleBindings(engine, clock, ids, reach),
        custom=lambda tenant: CustomRoles(engine, clock, tenant),
        grants_of=RoleBindings(engine, clock, ids, EVERY_TENANT).grants_of,
    )
