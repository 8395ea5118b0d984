"""Tokens of accounts: one's own, and those of service accounts."""

from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta, field

from legato.api.control.access import Caller, make, read
from legato.api.control.credentials import present_in
from legato.api.control.forms import Form, Id, Shown, known_id, moment, moment_ns, optional_moment
from legato.api.control.once import Made, Once
from legato.api.control.resources.over_accounts import require_over, require_unlimited
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest
from legato.core.permission import Permission
from legato.core.tenant import EVERY_TENANT
from legato.identity.enrolling import WantedToken, make_token
from legato.storage.identity.records import Token


class NewToken(Form, frozen=True, kw_only=True):
    """A token to be made; without permissions it may what its account may."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    expires_at: Annotated[str, Meta(max_length=40)]
    permissions: Annotated[list[Permission], Meta(max_length=100)] = field(default_factory=list)


class OneToken(Shown, frozen=True, kw_only=True):
    """A token; its secret isn't kept and can't be shown."""

    id: str
    account_id: str
    name: str
    permissions: list[str]
    created_at: str
    expires_at: str
    used_at: str | None
    revoked_at: str | None


class Tokens(Shown, frozen=True, kw_only=True):
    """An account's tokens."""

    data: list[OneToken]


class MadeToken(Shown, frozen=True, kw_only=True):
    """A token with its secret, shown this once."""

    token: OneToken
    secret: str


@read("/tokens", Permission.SELF_READ, tags=["tokens"])
def list_tokens(services: Given[Services], caller: Given[Caller]) -> Tokens:
    """List one's own tokens, newest first."""
    return _shown(services.identity.rooms.tokens(EVERY_TENANT).list(caller.principal.key_id))


@make("/tokens", Permission.SELF_UPDATE, tags=["tokens"])
def create_token(
    request: Request[Any, Any, Any],
    services: Given[Services],
    once: Given[Once],
    data: JSONBody[NewToken],
) -> Response[MadeToken]:
    """Make a token of one's own. A token can't make another: this needs a session."""
    account = present_in(request).account

    def work() -> Made:
        made, secret = make_token(services.identity.rooms, EVERY_TENANT, account, _wanted(data))
        return Made(MadeToken(token=_one(made), secret=secret))

    return once(data, work)


@make("/tokens/{token_id:str}/revoke", Permission.SELF_UPDATE, tags=["tokens"], status_code=200)
def revoke_token(services: Given[Services], caller: Given[Caller], token_id: Id) -> OneToken:
    """End one of one's own tokens for good; again is no error."""
    store = services.identity.rooms.tokens(EVERY_TENANT)
    return _one(store.revoke(caller.principal.key_id, known_id(token_id)))


@read("/accounts/{account_id:str}/tokens", Permission.ACCOUNT_READ, tags=["tokens"])
def list_account_tokens(services: Given[Services], caller: Given[Caller], account_id: Id) -> Tokens:
    """List an account's tokens, newest first."""
    account = services.identity.rooms.accounts(caller.reach).get(known_id(account_id))
    return _shown(services.identity.rooms.tokens(caller.reach).list(account.id))


@make("/accounts/{account_id:str}/tokens", Permission.ACCOUNT_UPDATE, tags=["tokens"])
def create_account_token(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    account_id: Id,
    data: JSONBody[NewToken],
) -> Response[MadeToken]:
    """Make a token of a service account. People make their own.

    It ends with the token that asks for it, at the latest.
    """

    def work() -> Made:
        require_unlimited(caller)
        account = services.identity.rooms.accounts(caller.reach).get(known_id(account_id))
        if account.kind != "service":
            raise InvalidRequest("only a service account is given tokens: people make their own")
        require_over(services, caller, account)
        wanted = _wanted(data, caller.principal.expires_at_ns)
        made, secret = make_token(services.identity.rooms, caller.reach, account, wanted)
        return Made(MadeToken(token=_one(made), secret=secret))

    return once(data, work)


@make(
    "/accounts/{account_id:str}/tokens/{token_id:str}/revoke",
    Permission.ACCOUNT_UPDATE,
    tags=["tokens"],
    status_code=200,
)
def revoke_account_token(
    services: Given[Services], caller: Given[Caller], *, account_id: Id, token_id: Id
) -> OneToken:
    """End a token of an account for good; again is no error."""
    account = services.identity.rooms.accounts(caller.reach).get(known_id(account_id))
    require_over(services, caller, account)
    return _one(services.identity.rooms.tokens(caller.reach).revoke(account.id, known_id(token_id)))


HANDLERS = (
    list_tokens,
    create_token,
    revoke_token,
    list_account_tokens,
    create_account_token,
    revoke_account_token,
)


def _wanted(data: NewToken, latest_ns: int | None = None) -> WantedToken:
    ends_at_ns = moment_ns(data.expires_at, "expires_at") or 0
    if latest_ns is not None:  # else who has a token for an hour makes one for a year
        ends_at_ns = min(ends_at_ns, latest_ns)
    return WantedToken(
        name=data.name, expires_at_ns=ends_at_ns, permissions=frozenset(data.permissions)
    )


def _shown(found: list[Token]) -> Tokens:
    return Tokens(data=[_one(token) for token in found])


def _one(token: Token) -> OneToken:
    return OneToken(
        id=token.id,
        account_id=token.account_id,
        name=token.name,
        permissions=sorted(token.permissions),
        created_at=moment(token.created_at_ns),
        expires_at=moment(token.expires_at_ns),
        used_at=optional_moment(token.used_at_ns),
        revoked_at=optional_moment(token.revoked_at_ns),
    )
