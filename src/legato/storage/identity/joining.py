"""Joining another organisation with the account that one has, by an invitation of its own."""

from typing import Final

from sqlalchemy import Engine, delete, select

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.errors import NotFound
from legato.core.tenant import Reach
from legato.core.tombstones import Grave
from legato.storage.audit.writing import recorded
from legato.storage.burying import bury
from legato.storage.database.engine import writing
from legato.storage.database.tenancy import within
from legato.storage.identity.accounts import erase_account
from legato.storage.identity.records import Account, account_of
from legato.storage.tables.accounts import account, account_invitation
from legato.storage.tenants.roles import ACCOUNT, hand_over

UNKNOWN: Final = "this invitation is used, too old, unknown, or for another address"


class Joining:
    """Invitations within reach. Methods may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, reach: Reach) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._reach = reach

    def join(self, digest: bytes, joining: Account) -> Account:
        """Use an invitation up: what the invited account has, another of the same address has now.

        The invited account, which nobody ever signed in by, ends; it is returned as it was.

        Raises:
            NotFound: the invitation is used, too old, unknown or for another address, or the
                invited account has been taken into use.
        """
        table = account_invitation
        with writing(self._engine) as connection:
            named = (table.c.digest == digest) & (table.c.expires_at_ns > self._now_ns())
            wanted = (
                select(account)
                .join(table, account.c.id == table.c.account_id)
                .where(named, *within(self._reach, account))
            )
            row = connection.execute(wanted.with_for_update()).first()
            invited = None if row is None else account_of(row)
            if invited is None or not _is_for(invited, joining):
                raise NotFound(UNKNOWN, param="token")
            connection.execute(delete(table).where(named))
            hand_over(connection, invited.id, joining.id)
            erase_account(connection, invited.id)
            bury(connection, Grave.ACCOUNT, invited.org, invited.id)
            told = Subject(ACCOUNT, joining.id)
            recorded(connection, Act(invited.org, "account.join", told))
        return invited


def _is_for(invited: Account, joining: Account) -> bool:
    same = invited.email.lower() == joining.email.lower()
    return same and invited.state == "invited" and invited.id != joining.id
