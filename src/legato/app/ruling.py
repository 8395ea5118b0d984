"""Which rules of access hold: those of the configuration, and those that were made since."""

from legato.core.clock import SystemClock
from legato.core.config_access import Access
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT
from legato.governance.ruled_keys import Rules
from legato.storage.database.engine import open_engine
from legato.storage.tenants.access_rules import AccessRuleStore


def rules_in_force(access: Access, database_url: str) -> Rules:
    """Return what reads them all."""
    clock = SystemClock()
    store = AccessRuleStore(open_engine(database_url), clock, IdSource(clock), EVERY_TENANT)
    return lambda: [*access.rules, *(one.in_force for one in store.list())]
