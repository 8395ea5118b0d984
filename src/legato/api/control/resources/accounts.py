"""Accounts of people and machines, for who administers them."""

from typing import Annotated, Literal

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment, optional_moment
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.resources.over_accounts import require_over, require_unlimited
from legato.api.control.resources.sign_in import Ended, Sessions, shown_sessions
from legato.api.control.services import Services
from legato.core.errors import NotFound
from legato.core.permission import Permission
from legato.core.tenant import EveryTenant
from legato.identity import enrolling
from legato.identity.vouching import voucher_of
from legato.storage.identity.records import Account

Command = Literal["disable", "enable", "unlock"]


class NewAccount(Form, frozen=True, kw_only=True):
    """A person, told apart by an e-mail address, or a service, by its name."""

    org: Annotated[str, Meta(max_length=128)]
    kind: Literal["person", "service"] = "person"
    email: Annotated[str, Meta(max_length=256)] = ""
    name: Annotated[str, Meta(max_length=128)] = ""


class OneAccount(Shown, frozen=True, kw_only=True):
    """An account. Its roles are at `/role-bindings`."""

    id: str
    org: str
    kind: str
    email: str
    login: str
    """What its person signs in as: the address, or `ORG:ADDRESS`; what a service is named by."""
    name: str
    state: str
    provider: str | None
    created_at: str
    signed_in_at: str | None
    vouched_by: str | None
    """Who invited its person to choose the password; null where it has none by an invitation."""


class Accounts(Shown, frozen=True, kw_only=True):
    """A page of accounts."""

    data: list[OneAccount]
    next_cursor: str | None


class MadeAccount(Shown, frozen=True, kw_only=True):
    """An account, and for a person the token of the invitation, shown this once."""

    account: OneAccount
    invitation: str | None


class Invitation(Shown, frozen=True, kw_only=True):
    """What a person chooses a password by, once; shown this once."""

    invitation: str


@read("/accounts", Permission.ACCOUNT_READ, tags=["accounts"])
def list_accounts(
    services: Given[Services], caller: Given[Caller], limit: Limit = LIMIT, cursor: Cursor = None
) -> Accounts:
    """List accounts in the order they were made."""
    store = services.identity.rooms.accounts(caller.reach)
    rows, following = paged(
        services.cursors,
        "accounts",
        (cursor, limit),
        lambda count, after: store.page(count, after or ""),
        name=lambda one: one.id,
    )
    return Accounts(data=[_one(row) for row in rows], next_cursor=following)


@make("/accounts", Permission.ACCOUNT_CREATE, tags=["accounts"])
def create_account(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewAccount],
) -> Response[MadeAccount]:
    """Make an account without any role; a person is invited. A key with limits can't.

    Whoever reaches one organisation of several makes accounts that sign in as `ORG:ADDRESS`: they
    may be of any address, and whether it has an account elsewhere isn't told.
    """

    def work() -> Made:
        require_unlimited(caller)
        rooms, reach = services.identity.rooms, caller.narrowed(data.org)
        enrolled = enrolling.Enrolled(
            org=data.org, kind=data.kind, email=data.email, name=data.name
        )
        whole = caller.reach if isinstance(caller.reach, EveryTenant) else reach
        made = enrolling.enrol(rooms, whole, enrolled)
        invited = made.kind == "person" and rooms.config.passwords
        by = voucher_of(caller.principal)
        secret = enrolling.invite(rooms, reach, made.id, by=by) if invited else None
        headers = {"location": f"/api/v1/accounts/{made.id}"}
        return Made(MadeAccount(account=_one(made), invitation=secret), headers)

    return once(data, work)


@read("/accounts/{account_id:str}", Permission.ACCOUNT_READ, tags=["accounts"])
def get_account(services: Given[Services], caller: Given[Caller], account_id: Id) -> OneAccount:
    """Show an account."""
    return _one(services.identity.rooms.accounts(caller.reach).get(known_id(account_id)))


@make(
    "/accounts/{account_id:str}/invite",
    Permission.ACCOUNT_UPDATE,
    tags=["accounts"],
    status_code=200,
)
def invite_account(
    services: Given[Services], caller: Given[Caller], once: Given[Once], account_id: Id
) -> Response[Invitation]:
    """Let a person choose a password again; earlier invitations end.

    Once it is used, the account's tokens and sessions end.
    """

    def work() -> Made:
        require_unlimited(caller)
        account = _over(services, caller, account_id)
        by = voucher_of(caller.principal)
        secret = enrolling.invite(services.identity.rooms, caller.reach, account.id, by=by)
        return Made(Invitation(invitation=secret), status=200)

    return once(None, work)


@read("/accounts/{account_id:str}/sessions", Permission.ACCOUNT_READ, tags=["accounts"])
def list_account_sessions(
    services: Given[Services], caller: Given[Caller], account_id: Id
) -> Sessions:
    """List an account's sessions, newest first."""
    account = services.identity.rooms.accounts(caller.reach).get(known_id(account_id))
    return shown_sessions(services.identity.rooms.sessions(caller.reach).list(account.id))


@make(
    "/accounts/{account_id:str}/sign-out",
    Permission.ACCOUNT_UPDATE,
    tags=["accounts"],
    status_code=200,
)
def sign_account_out(services: Given[Services], caller: Given[Caller], account_id: Id) -> Ended:
    """End all sessions of an account."""
    account = _over(services, caller, account_id)
    return Ended(ended=services.identity.rooms.sessions(caller.reach).end(account.id))


@make(
    "/accounts/{account_id:str}/{command:str}",
    Permission.ACCOUNT_UPDATE,
    tags=["accounts"],
    status_code=200,
)
def command_account(
    services: Given[Services], caller: Given[Caller], *, account_id: Id, command: Id
) -> OneAccount:
    """`disable`, `enable`, or `unlock` after too many failures."""
    account, store = (
        _over(services, caller, account_id),
        services.identity.rooms.accounts(caller.reach),
    )
    if command == "unlock":
        services.identity.signing_in.unlock(account)
        return _one(account)
    if command not in {"disable", "enable"}:
        raise NotFound("an account takes disable, enable, unlock, invite and sign-out")
    changed = store.disable(account.id) if command == "disable" else store.enable(account.id)
    return _one(changed)


HANDLERS = (
    list_accounts,
    create_account,
    get_account,
    invite_account,
    list_account_sessions,
    sign_account_out,
    command_account,
)


def _over(services: Services, caller: Caller, account_id: str) -> Account:
    account = services.identity.rooms.accounts(caller.reach).get(known_id(account_id))
    require_over(services, caller, account)
    return account


def _one(account: Account) -> OneAccount:
    return OneAccount(
        id=account.id,
        org=account.org,
        kind=account.kind,
        email=account.email,
        login=account.login,
        name=account.name,
        state=account.state,
        provider=account.provider or None,
        created_at=moment(account.created_at_ns),
        signed_in_at=optional_moment(account.signed_in_at_ns),
        vouched_by=account.vouched_by or None,
    )
