"""What was erased, for whoever writes content: what of it arrives later must not come in.

A writer takes the organisation's lock in its transaction and asks here. An erasure takes the same
lock to leave its mark, and looks for content only then: what was written before the mark is found,
what comes after it is refused.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select

from legato.core.ids import time_ns_of
from legato.core.origin import Origin
from legato.storage.database.dialect import listed, lock, one_of
from legato.storage.database.engine import reading
from legato.storage.tables.captures import capture_erasure
from legato.storage.tables.erasures import erased_request

_KEPT_NS: Final = 366 * 86_400_000_000_000


def marks_lock(org: str) -> str:
    """Return the name of the lock that writers of content and erasures share."""
    return f"erasures of {org}"


def erased_among(connection: Connection, org: str, origins: Iterable[Origin]) -> frozenset[Origin]:
    """Return which of these were erased; the caller holds `marks_lock` where it then writes."""
    found = frozenset(origins)
    requests = {one.request_id for one in found if one.request_id}
    users = {one.user for one in found if one.user and time_ns_of(one.request_id) is not None}
    if not (requests or users):
        return frozenset()
    sqlite = connection.dialect.name == "sqlite"
    of_requests, of_users = erased_request.c, capture_erasure.c
    gone = set(
        connection.execute(
            select(of_requests.request_id).where(
                of_requests.org == org, one_of(of_requests.request_id, sqlite=sqlite)
            ),
            listed(connection, requests),
        ).scalars()
    )
    marks = connection.execute(
        select(of_users.end_user, of_users.at_ns).where(
            of_users.org == org, one_of(of_users.end_user, sqlite=sqlite)
        ),
        listed(connection, users),
    )
    until_ns = {row.end_user: row.at_ns for row in marks}
    return frozenset(
        one
        for one in found
        if one.request_id in gone or (time_ns_of(one.request_id) or 0) <= until_ns.get(one.user, -1)
    )


def locked_and_erased(
    connection: Connection, org: str, origins: Iterable[Origin]
) -> frozenset[Origin]:
    """Take the lock and return which of these were erased; no lock where nothing is known."""
    known = [one for one in origins if one.request_id or one.user]
    if not known:
        return frozenset()
    lock(connection, [marks_lock(org)])
    return erased_among(connection, org, known)


class ErasureMarks:
    """What was erased, for processes that keep content in memory. May raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest_ns(self, orgs: Iterable[str]) -> dict[str, int]:
        """Return when something was erased last in each of these; 0 where nothing was."""
        found = dict.fromkeys(orgs, 0)
        with reading(self._engine) as connection:
            for org in found:
                for marks in (capture_erasure.c, erased_request.c):
                    wanted = select(func.max(marks.at_ns)).where(marks.org == org)
                    found[org] = max(found[org], connection.execute(wanted).scalar() or 0)
        return found


def forget_marks(connection: Connection, now_ns: int) -> None:
    """Delete marks that are older than anything that may still wait on a disk."""
    for table in (capture_erasure, erased_request):
        connection.execute(delete(table).where(table.c.at_ns < now_ns - _KEPT_NS))
