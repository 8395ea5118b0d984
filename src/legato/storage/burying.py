"""Writes a tombstone in the transaction that revokes or erases."""

from sqlalchemy import Connection, insert

from legato.core.clock import SystemClock
from legato.core.tombstones import Grave, Tombstone
from legato.storage.tables.tombstones import tombstone


def bury(connection: Connection, kind: Grave, org: str, subject: str, *, until_ns: int = 0) -> None:
    """Say that something is revoked or erased, of an organisation; "" for the instance."""
    at_ns = SystemClock.now_ns()
    said = Tombstone(kind=kind, org=org, subject=subject, at_ns=at_ns, until_ns=until_ns)
    keep(connection, [said])


def lift(connection: Connection, kind: Grave, org: str, subject: str) -> None:
    """Say that it isn't any more."""
    at_ns = SystemClock.now_ns()
    keep(connection, [Tombstone(kind=kind, org=org, subject=subject, at_ns=at_ns, lifted=True)])


def keep(connection: Connection, tombstones: list[Tombstone]) -> None:
    """Add them as they are."""
    rows = [
        {
            "kind": one.kind.value,
            "org": one.org,
            "subject": one.subject,
            "at_ns": one.at_ns,
            "until_ns": one.until_ns,
            "lifted": one.lifted,
        }
        for one in tombstones
    ]
    if rows:
        connection.execute(insert(tombstone), rows)
