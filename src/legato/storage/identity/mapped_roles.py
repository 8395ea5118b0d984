"""The roles that a provider of identity gives an account: made anew at each sign-in."""

from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.roles import EVERY_ORG
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import writing
from legato.storage.database.versions import bump
from legato.storage.tables.accounts import account
from legato.storage.tables.roles import role_binding
from legato.storage.tenants.roles import NewBinding, permissions_of_role, require_place

_PLACE: Final = ("role", "org", "team", "feature")
Place = tuple[str, str, str, str]


class MappedRoles:
    """Those of one provider. Every method may raise StorageUnavailable.

    What people bound by hand stays. A provider may take the last owner's role: it is the
    authority on who works there, and `legato accounts` and keys remain.
    """

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, *, provider: str) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._ids = ids
        self._author = f"oidc:{provider}"

    def put(self, account_id: str, wanted: list[NewBinding]) -> None:
        """Let the account have these by the provider, and no others.

        Raises:
            NotFound: there is no such account, or no such role.
            InvalidRequest: a feature without its team, or a team of the whole instance.
        """
        for one in wanted:
            require_place(one)
        places = {_place(one): one for one in wanted}
        with writing(self._engine) as connection:
            named = select(account.c.id).where(account.c.id == account_id)
            if connection.execute(named.with_for_update()).first() is None:
                raise NotFound(f"no account has the id {account_id}")
            mine = (
                role_binding.c.subject_kind == "account",
                role_binding.c.subject_id == account_id,
            )
            rows = connection.execute(select(role_binding).where(*mine)).all()
            there = {_place(row) for row in rows}
            for row in rows:
                if row.created_by == self._author and _place(row) not in places:
                    connection.execute(delete(role_binding).where(role_binding.c.id == row.id))
                    self._tell(connection, "unbind", account_id, _place(row))
            for place in sorted(set(places) - there):
                one = places[place]
                permissions_of_role(connection, one.org, one.role)
                row_new = {
                    **msgspec.structs.asdict(one),
                    "id": self._ids.new(),
                    "created_at_ns": self._now_ns(),
                    "created_by": self._author,
                }
                connection.execute(insert(role_binding), row_new)
                self._tell(connection, "bind", account_id, place)
            bump(connection, "roles")

    def _tell(self, connection: Connection, action: str, account_id: str, place: Place) -> None:
        role, org, team, feature = place
        told = {"role": role, "org": org, "team": team, "feature": feature, "by": self._author}
        whose = "" if org == EVERY_ORG else org
        act = Act(whose, f"role.{action}", Subject("account", account_id), details={**told})
        recorded(connection, act)


def _place(one: object) -> Place:
    role, org, team, feature = (str(getattr(one, name)) for name in _PLACE)
    return role, org, team, feature
