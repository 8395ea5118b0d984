"""Responses kept for callers, sealed: what the database knows of one is whose and when.

The turns of a conversation point back at each other; it is kept as long as it goes on, and a
retention after that.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import Engine, Row, delete, literal, select

from legato.core.origin import Origin
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.erasure_marks import locked_and_erased
from legato.storage.tables.schema import response_conversation, stored_response

_ROWS_PER_WRITE: Final = 500
_DEPTH_MAX: Final = 10_000


class StoredResponse(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One turn, sealed for its organisation; `previous_id` is "" for the first."""

    org: str
    id: str
    previous_id: str
    created_at_ns: int
    sealed: bytes
    request_id: str = ""
    end_user: str = ""
    """Keyed pseudonym."""


class ResponseStore:
    """Every method wants the organisation, and may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, response: StoredResponse) -> None:
        """Keep a response, which keeps its whole conversation; again changes nothing.

        One that was erased while it was under way isn't kept.
        """
        org, used_at_ns = response.org, response.created_at_ns
        origin = Origin(response.request_id, response.end_user)
        with writing(self._engine) as connection:
            if locked_and_erased(connection, org, [origin]):
                return
            known = select(stored_response.c.conversation_id).where(
                stored_response.c.org == org, stored_response.c.id == response.previous_id
            )
            conversation = connection.execute(known).scalar() or response.id
            row = {"org": org, "id": conversation, "used_at_ns": used_at_ns}
            connection.execute(
                upsert(connection, response_conversation)
                .values(row)
                .on_conflict_do_update(
                    index_elements=["org", "id"], set_={"used_at_ns": used_at_ns}
                )
            )
            connection.execute(
                upsert(connection, stored_response)
                .values(
                    org=org,
                    id=response.id,
                    conversation_id=conversation,
                    previous_id=response.previous_id,
                    created_at_ns=response.created_at_ns,
                    sealed=response.sealed,
                    request_id=response.request_id,
                    end_user=response.end_user,
                )
                .on_conflict_do_nothing()
            )

    def get(self, org: str, response_id: str) -> StoredResponse | None:
        """Return one response."""
        found = self.chain(org, response_id, depth=1)
        return found[0] if found else None

    def chain(self, org: str, response_id: str, *, depth: int = _DEPTH_MAX) -> list[StoredResponse]:
        """Return a response and those before it, newest first, as far back as they are kept."""
        table = stored_response
        first = select(table, literal(1).label("depth")).where(
            table.c.org == org, table.c.id == response_id
        )
        back = first.cte("back", recursive=True)
        earlier = select(table, (back.c.depth + 1).label("depth")).where(
            table.c.org == org,
            table.c.id == back.c.previous_id,
            back.c.depth < depth,
        )
        back = back.union_all(earlier)
        with reading(self._engine) as connection:
            rows = connection.execute(select(back).order_by(back.c.depth)).all()
        return [_stored(row) for row in rows]

    def delete(self, org: str, response_id: str) -> bool:
        """Delete one response; return whether there was one."""
        table = stored_response
        with writing(self._engine) as connection:
            statement = delete(table).where(table.c.org == org, table.c.id == response_id)
            return connection.execute(statement).rowcount > 0

    def prune(self, before_ns: int) -> int:
        """Delete conversations last used before a time, of all organisations; return how many.

        Goes in small transactions, since others' writes wait behind each.
        """
        table, responses = response_conversation, stored_response
        oldest = (
            select(table.c.org, table.c.id)
            .where(table.c.used_at_ns < before_ns)
            .order_by(table.c.used_at_ns)
            .limit(_ROWS_PER_WRITE)
        )
        total = 0
        while True:
            with writing(self._engine) as connection:
                rows = connection.execute(oldest).all()
                for org, conversation in rows:
                    connection.execute(
                        delete(responses).where(
                            responses.c.org == org, responses.c.conversation_id == conversation
                        )
                    )
                    connection.execute(
                        delete(table).where(table.c.org == org, table.c.id == conversation)
                    )
            total += len(rows)
            if not rows:
                return total


def _stored(row: Row[Any]) -> StoredResponse:
    return StoredResponse(
        row.org,
        row.id,
        row.previous_id,
        row.created_at_ns,
        bytes(row.sealed),
        row.request_id,
        row.end_user,
    )
