"""Reports that were made, in the audit log by their digests: what was signed can be told later."""

from collections.abc import Mapping

from sqlalchemy import Engine

from legato.audit.event import Act, Detail, Subject
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import writing


def record_report(
    engine: Engine, org: str, report: tuple[str, str], details: Mapping[str, Detail]
) -> int:
    """Put a report, its name and digest, into the audit log; return the event's index.

    Raises:
        StorageUnavailable: the database is away, or its disk full.
    """
    with writing(engine) as connection:
        act = Act(org, "report.make", Subject("report", *report), details=dict(details))
        return recorded(connection, act)
