"""What the control API needs of the audit log."""

from legato.api.control.audit_services import AuditServices, DataAccess
from legato.app.context import ControlContext
from legato.app.desks.audit import AuditDesk, signing_key
from legato.app.processes.refusals import RefusalWriter
from legato.audit.event import Act, Actor
from legato.audit.refusals import Refusals
from legato.core.clock import SystemClock
from legato.core.tasks import InThread
from legato.core.tenant import EVERY_TENANT
from legato.storage.audit.access import AccessLog
from legato.storage.audit.log import AuditLog
from legato.storage.audit.tiles import LogTiles
from legato.vault.master import Vault


def audit_services(
    context: ControlContext, in_thread: InThread
) -> tuple[AuditServices, RefusalWriter]:
    """Return it, with what writes down the refusals it counts."""
    engine = context.engine
    accesses, refusals = AccessLog(engine), Refusals(SystemClock.now_ns)
    whole, key = AuditLog(engine, EVERY_TENANT), signing_key(Vault(context.root))
    services = AuditServices(
        data_access=_data_access(accesses, in_thread),
        refusals=refusals,
        desk=lambda reach: AuditDesk(AuditLog(engine, reach), whole, key),
        tiles=LogTiles(engine),
    )
    return services, RefusalWriter(refusals, accesses.write, in_thread)


def _data_access(accesses: AccessLog, in_thread: InThread) -> DataAccess:
    async def record(act: Act, actor: Actor, request_id: str) -> None:
        await in_thread(lambda: accesses.record(act, actor, request_id))

    return record
