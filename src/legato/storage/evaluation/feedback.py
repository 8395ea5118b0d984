"""Takes in what callers say of their answers, and forgets it when it is time."""

from typing import Any, Final

import msgspec
from sqlalchemy import Engine, delete, select

from legato.core.tenant import Tenant
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.feedback import feedback

SIGNALS: Final = ("thumbs", "score", "outcome", "correction", "comment")
_ROWS_PER_WRITE: Final = 2_000


class SealedWord(msgspec.Struct, frozen=True, kw_only=True):
    """What one source says of a request: `signals` by name, its texts sealed, None takes back."""

    id: str
    request_id: str
    end_user: str
    key_id: str
    at_ns: int
    signals: dict[str, Any]


class KeptWord(msgspec.Struct, frozen=True):
    """What is kept of it: under which id, since when, and whether anything is left."""

    id: str
    created_at_ns: int
    changed_at_ns: int
    deleted: bool


class FeedbackIntake:
    """The feedback of one tenant. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def has_outcome(self, request_id: str, outcome: str) -> bool:
        """Whether anybody told this outcome of a request."""
        table = feedback.c
        named = table.org == self._org, table.request_id == request_id, table.outcome == outcome
        with reading(self._engine) as connection:
            return connection.execute(select(table.id).where(*named)).first() is not None

    def put(self, word: SealedWord) -> KeptWord:
        """Keep what was said, over what the same source said of the request before.

        In one statement, so that two who speak for one source at once lose neither's signals.
        """
        table = feedback
        row = {
            "org": self._org,
            "id": word.id,
            "request_id": word.request_id,
            "source": word.end_user or word.key_id,
            "key_id": word.key_id,
            "end_user": word.end_user,
            "created_at_ns": word.at_ns,
            "changed_at_ns": word.at_ns,
            **word.signals,
        }
        later = {"key_id": word.key_id, "changed_at_ns": word.at_ns, **word.signals}
        with writing(self._engine) as connection:
            kept = connection.execute(
                upsert(connection, table)
                .values(row)
                .on_conflict_do_update(index_elements=["org", "request_id", "source"], set_=later)
                .returning(table)
            ).one()
            empty = all(getattr(kept, name) is None for name in SIGNALS)
            if empty:
                connection.execute(delete(table).where(table.c.id == kept.id))
        return KeptWord(kept.id, kept.created_at_ns, kept.changed_at_ns, empty)


def prune_feedback(engine: Engine, before_ns: int) -> int:
    """Delete what was last said before a time, of all organisations; return how much.

    Goes in small transactions, since others' writes wait behind each.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    table = feedback.c
    oldest = (
        select(table.id)
        .where(table.changed_at_ns < before_ns)
        .order_by(table.changed_at_ns)
        .limit(_ROWS_PER_WRITE)
    )
    total = 0
    while True:
        with writing(engine) as connection:
            gone = connection.execute(delete(feedback).where(table.id.in_(oldest))).rowcount
        total += gone
        if gone < _ROWS_PER_WRITE:
            return total
