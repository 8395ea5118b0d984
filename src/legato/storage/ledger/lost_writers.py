"""Writers whose journal is lost: what the database knows of them is all there is."""

from sqlalchemy import Connection, exists, select

from legato.audit.event import Act, Subject
from legato.core.errors import NotFound
from legato.storage.audit.writing import recorded
from legato.storage.tables.leases import lease_holder
from legato.storage.tables.schema import journal_offset, limit_lease, open_intent


def record_write_off(connection: Connection, writer: str) -> None:
    """Write into the audit log that a writer is given up.

    Raises:
        NotFound: the database knows nothing of it.
    """
    traces = (
        exists().where(lease_holder.c.holder == writer, lease_holder.c.ended_at_ns.is_(None)),
        exists().where(limit_lease.c.holder == writer, limit_lease.c.amount > 0),
        exists().where(open_intent.c.writer == writer),
        exists().where(journal_offset.c.segment.startswith(f"{writer}/", autoescape=True)),
    )
    if not any(connection.execute(select(trace)).scalar() for trace in traces):
        msg = f"The database knows of no writer {writer!r} that may still hold something."
        raise NotFound(msg)
    recorded(connection, Act("", "journal.write_off", Subject("writer", writer)))
