"""Looks at all of the audit log as it lies in the database, while acts are appended to it."""

from collections.abc import Sequence

import msgspec

from legato.audit.checking import Kept, Row, find_kept_fault
from legato.audit.note import Checkpoint
from legato.storage.audit.log import AuditFilter, AuditLog


def look_at_log(log: AuditLog, kept: Sequence[Checkpoint] = ()) -> Kept:
    """Look through all events that its head knew when it was read, and for any behind it.

    `kept` are checkpoints that a reader has from before.

    Raises:
        StorageUnavailable: the database is away.
        ValueError: the head is damaged.
    """
    head, newest = log.standing()
    # what stands behind the head at the same moment was never recorded: let it be seen
    wanted = AuditFilter() if newest >= head.size else AuditFilter(before=head.size)
    rows = (Row(**msgspec.structs.asdict(one)) for one in log.all(wanted))
    return find_kept_fault(rows, head, kept)
