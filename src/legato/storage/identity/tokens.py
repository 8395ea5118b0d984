"""Tokens of accounts: what scripts and machines come to the control API with."""

from typing import Final

import msgspec
from sqlalchemy import Engine, delete, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.tenant import Reach
from legato.core.tombstones import Grave
from legato.storage.audit.writing import recorded
from legato.storage.burying import bury
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.identity.records import Account, NewToken, Token, account_of, token_of
from legato.storage.tables.accounts import account, account_token

_TOUCH_NS: Final = 60 * 1_000_000_000
"""When a token was used last is written no more often than this."""
_KEPT_NS: Final = 90 * 24 * 3600 * 1_000_000_000
"""How long one that is over stays listed."""


class TokenStore:
    """Tokens of accounts within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, reach: Reach) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._ids = ids
        self._reach = reach

    def create(self, of: Account, new: NewToken) -> Token:
        """Store a token of an account, and forget those that were over long ago."""
        now_ns, token_id = self._now_ns(), self._ids.new()
        row = {
            "id": token_id,
            "digest": new.digest,
            "org": of.org,
            "account_id": of.id,
            "name": new.name,
            "permissions": msgspec.json.encode(sorted(new.permissions)).decode(),
            "created_at_ns": now_ns,
            "expires_at_ns": new.expires_at_ns,
            "used_at_ns": None,
            "revoked_at_ns": None,
        }
        table = account_token
        with writing(self._engine) as connection:
            mine = (table.c.account_id == of.id) & (table.c.expires_at_ns < now_ns - _KEPT_NS)
            connection.execute(delete(table).where(mine))
            connection.execute(insert(table), row)
            permissions = " ".join(sorted(new.permissions)) or "all"
            told: dict[str, Detail] = {"account": of.id, "permissions": permissions}
            act = Act(of.org, "token.create", Subject("token", token_id), details=told)
            recorded(connection, act)
            return token_of(connection.execute(select(table).where(table.c.id == token_id)).one())

    def find(self, digest: bytes) -> tuple[Token, Account] | None:
        """Return the token of a digest, with its account; None where it isn't in force."""
        now_ns, table = self._now_ns(), account_token.c
        valid = (
            table.digest == digest,
            table.expires_at_ns > now_ns,
            table.revoked_at_ns.is_(None),
            *within(self._reach, account_token),
        )
        with reading(self._engine) as connection:
            row = connection.execute(select(account_token).where(*valid)).first()
            if row is None:
                return None
            holds = account.c.id == row.account_id, account.c.state == "active"
            holder = connection.execute(select(account).where(*holds)).first()
        if holder is None:
            return None
        if row.used_at_ns is None or now_ns - row.used_at_ns > _TOUCH_NS:
            with writing(self._engine) as connection:
                mine = update(account_token).where(table.id == row.id)
                connection.execute(mine.values(used_at_ns=now_ns))
        return token_of(row), account_of(holder)

    def list(self, account_id: str) -> list[Token]:
        """Return an account's tokens, newest first, revoked and expired ones too."""
        table = account_token
        wanted = select(table).where(table.c.account_id == account_id, *within(self._reach, table))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.c.id.desc()))
            return [token_of(row) for row in rows]

    def revoke(self, account_id: str, token_id: str) -> Token:
        """End a token of an account for good; again is no error. Raises NotFound."""
        table = account_token
        named = (
            table.c.id == token_id,
            table.c.account_id == account_id,
            *within(self._reach, table),
        )
        with writing(self._engine) as connection:
            row = connection.execute(select(table).where(*named)).first()
            if row is None:
                raise NotFound(f"no token has the id {token_id}", param="id")
            if row.revoked_at_ns is None:
                ended = update(table).where(*named).values(revoked_at_ns=self._now_ns())
                connection.execute(ended)
                told: dict[str, Detail] = {"account": account_id}
                act = Act(row.org, "token.revoke", Subject("token", token_id), details=told)
                bury(connection, Grave.TOKEN, row.org, token_id)
                recorded(connection, act)
            return token_of(connection.execute(select(table).where(*named)).one())
