"""What the control API needs of the audit log."""

from legato.api.control.audit_services import AuditServices, DataAccess
from legato.app.context import ControlContext
from legato.app.processes.refusals import RefusalWriter
from legato.audit.event import Act, Actor
from legato.audit.refusals import Refusals
from legato.core.clock import SystemClock
from legato.core.tasks import InThread
from legato.storage.audit.access import AccessLog
from legato.storage.database.engine import open_engine


def audit_services(
    context: ControlContext, in_thread: InThread
) -> tuple[AuditServices, RefusalWriter]:
    """Return it, with what writes down the refusals it counts."""
    engine = open_engine(context.database_url)
    accesses, refusals = AccessLog(engine), Refusals(SystemClock.now_ns)
    services = AuditServices(data_access=_data_access(accesses, in_thread), refusals=refusals)
    return services, RefusalWriter(refusals, accesses.write, in_thread)


def _data_access(accesses: AccessLog, in_thread: InThread) -> DataAccess:
    async def record(act: Act, actor: Actor, request_id: str) -> None:
        await in_thread(lambda: accesses.record(act, actor, request_id))

    return record
