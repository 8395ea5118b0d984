"""The store of accounts. It sees hashes of passwords and digests of tokens, never either itself."""

from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import Reach
from legato.core.tombstones import Grave
from legato.storage.audit.writing import recorded
from legato.storage.burying import bury, lift
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.identity.records import Account, NewAccount, account_of, login_in
from legato.storage.tables.accounts import (
    account,
    account_invitation,
    account_session,
    account_token,
)
from legato.storage.tables.schema import organisation
from legato.storage.tenants.roles import ACCOUNT, require_other_owners

_TAKEN: Final = "there is an account of this name already"


class AccountStore:
    """Accounts within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, reach: Reach) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._ids = ids
        self._reach = reach

    def create(self, new: NewAccount) -> Account:
        """Store an account: active where it has a password or needs none, else invited.

        Raises:
            NotFound: its organisation doesn't exist, or is out of reach.
            Conflict: another account signs in as it does, or its organisation has this address.
        """
        active = bool(new.password or new.external or new.kind == "service")
        account_id = self._ids.new()
        row = {
            "id": account_id,
            "org": new.org,
            "kind": new.kind,
            "login": new.login,
            "external": new.external,
            "email": new.email,
            "name": new.name,
            "pseudonym": new.pseudonym,
            "password": new.password,
            "state": "active" if active else "invited",
            "created_at_ns": self._now_ns(),
            "signed_in_at_ns": None,
        }
        param = "email" if new.kind == "person" else "name"
        try:
            with writing(self._engine) as connection:
                self._require_org(connection, new.org)
                if _is_there(connection, new):
                    raise Conflict(f"{param}: {_TAKEN}", param=param)
                connection.execute(insert(account), row)
                made = self._get(connection, account_id)
                recorded(connection, _act("create", made, kind=new.kind, by=made.provider))
        except IntegrityError:
            raise Conflict(f"{param}: {_TAKEN}", param=param) from None
        return made

    def is_among_others(self, org: str) -> bool:
        """Whether there are organisations within reach beside one."""
        another = select(organisation.c.id).where(
            organisation.c.name != org, *within(self._reach, organisation)
        )
        with reading(self._engine) as connection:
            return connection.execute(another.limit(1)).first() is not None

    def page(self, count: int, after_id: str = "") -> list[Account]:
        """Return up to `count` accounts whose ids come after one, in the order of ids."""
        wanted = select(account).where(account.c.id > after_id, *within(self._reach, account))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(account.c.id).limit(count))
            return [account_of(row) for row in rows]

    def get(self, account_id: str) -> Account:
        """Return one. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._get(connection, account_id)

    def find(self, login: str) -> Account | None:
        """Return the one of an e-mail address, of `ORG:ADDRESS`, or of `service:ORG/NAME`."""
        wanted = select(account).where(
            account.c.login == login.lower(), *within(self._reach, account)
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        return None if row is None else account_of(row)

    def find_external(self, external: str) -> Account | None:
        """Return the one of a provider's person."""
        wanted = select(account).where(
            account.c.external == external, *within(self._reach, account)
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        return None if row is None else account_of(row)

    def link(self, account_id: str, external: str) -> Account:
        """Let an account sign in by a provider from now on, and by nothing it had before.

        Whoever made the account may have made those: they don't get what its person may.
        """
        return self._changed(account_id, "link", external=external, password="", state="active")

    def tell(self, account_id: str, name: str) -> Account:
        """Write down what somebody is called now. Raises NotFound."""
        return self._changed(account_id, "change", name=name)

    def disable(self, account_id: str) -> Account:
        """Let nobody in by this account, from this moment on.

        Raises:
            NotFound, InvalidRequest: there is no such account, or it was erased.
            Conflict: it is the last owner of an organisation.
        """
        return self._changed(account_id, "disable", state="disabled")

    def enable(self, account_id: str) -> Account:
        """Let it in again. Raises NotFound, InvalidRequest."""
        return self._changed(account_id, "enable", state="active")

    def invite(
        self, account_id: str, digest: bytes, expires_at_ns: int, *, by: str = ""
    ) -> Account:
        """Keep the digest of a token by which its person may choose a password, once.

        `by` says who gives it to whom they take for that person.

        Raises:
            NotFound, InvalidRequest: no such account, or it has no passwords.
        """
        with writing(self._engine) as connection:
            found = self._get(connection, account_id, locked=True)
            if found.kind != "person" or found.external or found.state in {"disabled", "erased"}:
                raise InvalidRequest("only an enabled person without a provider can be invited")
            _end(connection, account_id, account_invitation)
            row: dict[str, Any] = {"digest": digest, "org": found.org, "account_id": account_id}
            row |= {"expires_at_ns": expires_at_ns, "vouched_by": by}
            connection.execute(insert(account_invitation), row)
            recorded(connection, _act("invite", found))
        return found

    def invited(self, digest: bytes) -> Account | None:
        """Return who may choose a password by a token; None where it is none, or too late."""
        late = account_invitation.c.expires_at_ns > self._now_ns()
        wanted = (
            select(account)
            .join(account_invitation, account.c.id == account_invitation.c.account_id)
            .where(account_invitation.c.digest == digest, late, *within(self._reach, account))
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        return None if row is None else account_of(row)

    def accept(self, digest: bytes, password: str) -> Account:
        """Use an invitation up: its person has this password now, and nothing else lets one in.

        Raises:
            NotFound: it is used, too old or unknown.
        """
        with writing(self._engine) as connection:
            table = account_invitation
            named = (table.c.digest == digest) & (table.c.expires_at_ns > self._now_ns())
            used = connection.execute(
                delete(table).where(named).returning(table.c.account_id, table.c.vouched_by)
            ).first()
            if used is None:
                raise NotFound("this invitation is used, too old or unknown: ask for another")
            _end(connection, used.account_id, account_token)
            return self._with_password(connection, used.account_id, password, by=used.vouched_by)

    def set_password(
        self, account_id: str, password: str, *, keep: str = "", by: str | None = None
    ) -> Account:
        """Give a person another password; invitations, and all sessions but `keep`, end.

        `by` says who chose it; None for its own person, who knew the last one.

        Raises:
            NotFound: there is no such account.
        """
        with writing(self._engine) as connection:
            return self._with_password(connection, account_id, password, keep=keep, by=by)

    def rehash(self, account_id: str, before: str, after: str) -> None:
        """Store a stronger hash of the same password, unless it has been changed."""
        with writing(self._engine) as connection:
            same = (account.c.id == account_id) & (account.c.password == before)
            connection.execute(update(account).where(same).values(password=after))

    def _with_password(
        self,
        connection: Connection,
        account_id: str,
        password: str,
        *,
        keep: str = "",
        by: str | None = None,
    ) -> Account:
        found = self._get(connection, account_id, locked=True)
        if found.kind != "person" or found.external or found.state in {"disabled", "erased"}:
            raise InvalidRequest("only an enabled person without a provider has a password")
        values = {"password": password, "state": "active"}
        values |= {} if by is None else {"vouched_by": by}
        connection.execute(update(account).where(account.c.id == account_id).values(values))
        mine = account_session.c.account_id == account_id
        connection.execute(delete(account_session).where(mine, account_session.c.id != keep))
        _end(connection, account_id, account_invitation)
        if found.state == "active":  # there was another before
            bury(connection, Grave.PASSWORD, found.org, account_id)
        recorded(connection, _act("password", found))
        return self._get(connection, account_id)

    def _changed(self, account_id: str, action: str, **values: Any) -> Account:
        with writing(self._engine) as connection:
            found = self._get(connection, account_id, locked=True)
            if found.state == "erased":
                raise InvalidRequest("this account was erased: create another")
            if action == "enable" and not (found.password or found.external):
                values["state"] = "active" if found.kind == "service" else "invited"
            connection.execute(update(account).where(account.c.id == account_id).values(values))
            if values.get("state") == "disabled":
                require_other_owners(connection, ACCOUNT, account_id)
                _end(connection, account_id, account_session, account_invitation)
            elif action == "link":
                _end(connection, account_id, account_session, account_invitation, account_token)
            if action == "disable":
                bury(connection, Grave.ACCOUNT, found.org, account_id)
            elif action == "enable":
                lift(connection, Grave.ACCOUNT, found.org, account_id)
            recorded(connection, _act(action, found))
            return self._get(connection, account_id)

    def _get(self, connection: Connection, account_id: str, *, locked: bool = False) -> Account:
        wanted = select(account).where(account.c.id == account_id, *within(self._reach, account))
        row = connection.execute(wanted.with_for_update() if locked else wanted).first()
        if row is None:
            raise NotFound(f"no account has the id {account_id}", param="id")
        return account_of(row)

    def _require_org(self, connection: Connection, org: str) -> None:
        there = select(organisation.c.id).where(
            organisation.c.name == org, *within(self._reach, organisation)
        )
        if connection.execute(there).first() is None:
            told = f"there is no organisation {org}; `legato tenants create {org}` makes it"
            raise NotFound(told, param="org")


def _is_there(connection: Connection, new: NewAccount) -> bool:
    """Whether its organisation has an account of the same address, whatever it signs in as."""
    names = {new.login, new.email.lower(), login_in(new.org, new.email)} - {""}
    same = select(account.c.id).where(account.c.org == new.org, account.c.login.in_(names))
    return connection.execute(same).first() is not None


def erase_account(connection: Connection, account_id: str) -> None:
    """Forget who had an account: its id stays, which the audit log and others name."""
    _end(connection, account_id, account_session, account_invitation, account_token)
    gone = dict.fromkeys(("email", "name", "pseudonym", "password"), "")
    values = {**gone, "login": f"erased:{account_id}", "external": None, "state": "erased"}
    connection.execute(update(account).where(account.c.id == account_id).values(values))


def _end(connection: Connection, account_id: str, *tables: Table) -> None:
    """Forget what lets somebody in by an account."""
    for table in tables:
        connection.execute(delete(table).where(table.c.account_id == account_id))


def _act(action: str, of: Account, **told: Detail) -> Act:
    """Return what the audit log says: the id, never who it is."""
    details: dict[str, Detail] = {name: value for name, value in told.items() if value}
    return Act(of.org, f"account.{action}", Subject("account", of.id), details=details)
