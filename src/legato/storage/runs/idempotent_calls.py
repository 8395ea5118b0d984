"""What a call with an idempotency key answered, so that the same call again changes nothing."""

import msgspec
from sqlalchemy import ColumnElement, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from legato.core.clock import Clock
from legato.core.errors import Conflict
from legato.core.tenant import Tenant
from legato.storage.database.engine import writing
from legato.storage.tables.schema import idempotent_call

_KEPT_NS = 24 * 3600 * 1_000_000_000


class CallName(msgspec.Struct, frozen=True):
    """The idempotency key of one caller."""

    key_id: str
    name: str


class IdempotentCalls:
    """The calls of one tenant, kept for a day. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._org = tenant.org

    def begin(self, call: CallName, request_digest: bytes) -> bytes | None:
        """Note that a call begins; return its sealed answer where it was made before.

        Raises:
            Conflict: the key was used for another request, or its call has not ended.
        """
        now_ns = self._clock.now_ns()
        row = {
            "org": self._org,
            "key_id": call.key_id,
            "name": call.name,
            "request_digest": request_digest,
            "answer": None,
            "at_ns": now_ns,
        }
        old = delete(idempotent_call).where(idempotent_call.c.at_ns < now_ns - _KEPT_NS)
        try:
            with writing(self._engine) as connection:
                connection.execute(old)
                found = connection.execute(select(idempotent_call).where(*self._is(call))).first()
                if found is None:
                    connection.execute(insert(idempotent_call), row)
                    return None
        except IntegrityError:
            raise Conflict("a call with this idempotency key is being made") from None
        if bytes(found.request_digest) != request_digest:
            raise Conflict("this idempotency key was used for another request")
        if found.answer is None:
            raise Conflict(
                "the call with this idempotency key has not ended, or ended without an answer: "
                "look whether it took effect before you make it again with another key"
            )
        return bytes(found.answer)

    def finish(self, call: CallName, answer: bytes) -> None:
        """Keep the sealed answer."""
        with writing(self._engine) as connection:
            connection.execute(update(idempotent_call).where(*self._is(call)), {"answer": answer})

    def forget(self, call: CallName) -> None:
        """Forget a call that changed nothing, so that it may be made again."""
        with writing(self._engine) as connection:
            connection.execute(delete(idempotent_call).where(*self._is(call)))

    def _is(self, call: CallName) -> list[ColumnElement[bool]]:
        columns = idempotent_call.c
        return [
            columns.org == self._org,
            columns.key_id == call.key_id,
            columns.name == call.name,
        ]
