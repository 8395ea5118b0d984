"""Sign-ins that wait for somebody to come back from a provider."""

from sqlalchemy import Engine, delete, insert

from legato.audit.event import Act
from legato.core.clock import Clock
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import writing
from legato.storage.tables.accounts import sign_in_flow


class SignInFlows:
    """Each is taken once. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns

    def begin(self, digest: bytes, sealed: bytes, ends_at_ns: int) -> None:
        """Keep what the answer must match; those that nobody came back for go."""
        table = sign_in_flow
        row = {"digest": digest, "sealed": sealed, "expires_at_ns": ends_at_ns}
        with writing(self._engine) as connection:
            connection.execute(delete(table).where(table.c.expires_at_ns <= self._now_ns()))
            connection.execute(insert(table), row)

    def refused(self, act: Act) -> None:
        """Record one that ended with nobody let in."""
        with writing(self._engine) as connection:
            recorded(connection, act)

    def take(self, digest: bytes) -> bytes | None:
        """Return what was kept, once; None where there is none, or where it is too late."""
        table = sign_in_flow
        named = (table.c.digest == digest) & (table.c.expires_at_ns > self._now_ns())
        with writing(self._engine) as connection:
            taken = connection.execute(delete(table).where(named).returning(table.c.sealed))
            sealed = taken.scalar()
        return None if sealed is None else bytes(sealed)
