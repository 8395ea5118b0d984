"""Sessions of people at the control API, found by the digest of a token."""

from typing import Any, Final

from sqlalchemy import Engine, Select, delete, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import NotFound, Unauthenticated
from legato.core.ids import IdSource
from legato.core.tenant import Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.identity.records import Account, NewSession, Session, account_of, session_of
from legato.storage.tables.accounts import account, account_session

_TOUCH_NS: Final = 60 * 1_000_000_000
"""When a session was used last is written no more often than this."""
_AGENT_CHARACTERS: Final = 200


class SessionStore:
    """Sessions of accounts within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, reach: Reach) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._ids = ids
        self._reach = reach

    def begin(self, of: Account, new: NewSession) -> Session:
        """Store a session, and forget those of the account that are over.

        Raises:
            Unauthenticated: the account was disabled meanwhile.
        """
        now_ns, session_id = self._now_ns(), self._ids.new()
        row = {
            "digest": new.digest,
            "id": session_id,
            "org": of.org,
            "account_id": of.id,
            "created_at_ns": now_ns,
            "used_at_ns": now_ns,
            "ends_at_ns": new.ends_at_ns,
            "address": new.address,
            "agent": new.agent[:_AGENT_CHARACTERS],
            "provider": new.provider,
            "sealed": new.sealed,
        }
        table = account_session
        with writing(self._engine) as connection:
            active = (account.c.id == of.id) & (account.c.state == "active")
            signed_in = update(account).where(active, *within(self._reach, account))
            found = connection.execute(signed_in.values(signed_in_at_ns=now_ns))
            if not found.rowcount:
                raise Unauthenticated("This account can't sign in.")
            over = (table.c.account_id == of.id) & (table.c.ends_at_ns <= now_ns)
            connection.execute(delete(table).where(over))
            connection.execute(insert(table), row)
            how: dict[str, Detail] = {"by": new.provider or "password", "session": session_id}
            act = Act(of.org, "login.succeed", Subject("account", of.id), details=how)
            recorded(connection, act)
            return session_of(connection.execute(_one(new.digest)).one())

    def find(
        self, digest: bytes, idle_ns: int, *, uses: bool = True
    ) -> tuple[Session, Account] | None:
        """Return the session of a token, with its account; None where it is over or unknown.

        One that wasn't used for `idle_ns` is over; whether this uses it, `uses` says.
        """
        now_ns = self._now_ns()
        valid = (
            account_session.c.ends_at_ns > now_ns,
            account_session.c.used_at_ns > now_ns - idle_ns,
            *within(self._reach, account_session),
        )
        with reading(self._engine) as connection:
            row = connection.execute(_one(digest).where(*valid)).first()
            if row is None:
                return None
            session = session_of(row)
            holds = account.c.id == session.account_id, account.c.state == "active"
            holder = connection.execute(select(account).where(*holds)).first()
        if holder is None:
            return None
        if uses and now_ns - session.used_at_ns > _TOUCH_NS:
            with writing(self._engine) as connection:
                mine = account_session.c.digest == digest
                connection.execute(update(account_session).where(mine).values(used_at_ns=now_ns))
        return session, account_of(holder)

    def list(self, account_id: str) -> list[Session]:
        """Return an account's sessions that aren't over, newest first."""
        table = account_session.c
        wanted = select(account_session).where(
            table.account_id == account_id,
            table.ends_at_ns > self._now_ns(),
            *within(self._reach, account_session),
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.id.desc()))
            return [session_of(row) for row in rows]

    def end(self, account_id: str, session_id: str | None = None) -> int:
        """End one session of an account, or all; return how many there were.

        Raises:
            NotFound: it has no such session.
        """
        table = account_session
        named = [table.c.account_id == account_id, *within(self._reach, table)]
        if session_id is not None:
            named.append(table.c.id == session_id)
        with writing(self._engine) as connection:
            ended = delete(table).where(*named).returning(table.c.id, table.c.org)
            rows = connection.execute(ended).all()
            if session_id is not None and not rows:
                raise NotFound("no session has this id", param="id")
            for row in rows:
                told = Act(
                    row.org,
                    "session.end",
                    Subject("session", row.id),
                    details={"account": account_id},
                )
                recorded(connection, told)
        return len(rows)


def _one(digest: bytes) -> Select[Any]:
    return select(account_session).where(account_session.c.digest == digest)
