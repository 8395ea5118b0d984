"""What was done with rollouts, by whom, and the evidence it rested on."""

import msgspec
from sqlalchemy import Connection, func, insert, select

from legato.audit.event import Act, Subject
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.tables.rollouts import rollout_event


class Event(msgspec.Struct, frozen=True):
    """What was done; `evidence` is JSON."""

    at_ns: int
    actor: str
    action: str
    reason: str
    evidence: str = "[]"


def note(connection: Connection, tenant: Tenant, rollout_id: str, event: Event) -> None:
    """Keep an event behind those of its rollout; the organisation's registry is locked."""
    table = rollout_event.c
    of_rollout = (table.org == tenant.org, table.rollout_id == rollout_id)
    last = connection.execute(select(func.max(table.number)).where(*of_rollout)).scalar()
    row = {"org": tenant.org, "rollout_id": rollout_id, "number": (last or 0) + 1}
    connection.execute(insert(rollout_event), {**row, **msgspec.structs.asdict(event)})
    subject, by = Subject("rollout", rollout_id), {"by": event.actor}
    act = Act(tenant.org, f"rollout.{event.action}", subject, reason=event.reason, details={**by})
    recorded(connection, act)


def noted(connection: Connection, tenant: Tenant, rollout_id: str) -> list[Event]:
    """Return the events of a rollout, in order."""
    table = rollout_event.c
    wanted = select(rollout_event).where(table.org == tenant.org, table.rollout_id == rollout_id)
    rows = connection.execute(wanted.order_by(table.number))
    return [Event(r.at_ns, r.actor, r.action, r.reason, r.evidence) for r in rows]
