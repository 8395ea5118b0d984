"""What the control API works with where it is about people's data, and about tenants' regions."""

from collections.abc import Callable
from typing import Any

from legato.app.checks.instance import Instance
from legato.app.context import ControlContext
from legato.app.desks.calling import shut_out
from legato.app.desks.residency import saved_outside
from legato.app.desks.stored_data import StoredData
from legato.core.clock import Clock
from legato.core.config import Config
from legato.core.registry import INSTANCE_KINDS
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.registry.documents import Document
from legato.storage.privacy.tombstones import TombstoneStore
from legato.storage.tenants.residency import ResidencyStore


def privacy_services(
    context: ControlContext, clock: Clock, served: Callable[[], Config]
) -> dict[str, Any]:
    """Return them by their names in `Services`."""
    engine, stored = context.engine, StoredData(context.database_url)
    instance = Instance(context.data, None, context.loaded)
    names = [one.name for one in context.loaded.config.tombstones.copies]
    tombstones = TombstoneStore(engine, clock.now_ns)

    def saved_warnings(tenant: Tenant, document: Document) -> list[str]:
        reach = EVERY_TENANT if document.kind in INSTANCE_KINDS else tenant
        held = ResidencyStore(engine, clock, reach).all()
        return [*saved_outside(served(), held, document)] if held else []

    return {
        "subject_exporting": lambda tenant: stored.subject_exporting(instance, tenant.org),
        "residency": lambda reach: ResidencyStore(engine, clock, reach),
        "shut_out": lambda regions: shut_out(served(), regions),
        "saved_outside": saved_warnings,
        "retention": lambda tenant: [*stored.retention(instance, tenant.org)],
        "retention_terms": lambda reach: stored.retention_terms(instance, reach),
        "tombstones": lambda: (tombstones, names),
    }
