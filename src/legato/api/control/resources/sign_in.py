"""Signing in by a password, signing out, and the sessions one has."""

from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, open_make, open_read, read
from legato.api.control.credentials import (
    no_cookie,
    present_in,
    session_cookie,
    visitor_of,
)
from legato.api.control.forms import Form, Id, Shown, known_id, moment
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.core.tenant import EVERY_TENANT
from legato.identity import enrolling
from legato.storage.identity.records import Account, Session

_NOT_KEPT = {"cache-control": "no-store"}
Secret = Annotated[str, Meta(max_length=1024)]


class OfferedProvider(Shown, frozen=True, kw_only=True):
    """A provider, and where a browser begins with it; `next` says where to come out."""

    name: str
    title: str
    url: str


class Offer(Shown, frozen=True, kw_only=True):
    """How people may sign in here."""

    passwords: bool
    providers: list[OfferedProvider]


class Login(Form, frozen=True, kw_only=True):
    """Who signs in, and by what."""

    email: Annotated[str, Meta(max_length=256)]
    password: Secret


class Acceptance(Form, frozen=True, kw_only=True):
    """The token of an invitation, and the password that is chosen."""

    token: Secret
    password: Secret


class PasswordChange(Form, frozen=True, kw_only=True):
    """The present password and the next."""

    current: Secret
    new: Secret


class SessionAccount(Shown, frozen=True, kw_only=True):
    """Whose session it is."""

    id: str
    email: str
    name: str
    org: str


class CurrentSession(Shown, frozen=True, kw_only=True):
    """The session of this browser. What changes something needs `csrf_token` as `x-legato-csrf`."""

    id: str
    account: SessionAccount
    provider: str | None
    csrf_token: str
    expires_at: str


class OneSession(Shown, frozen=True, kw_only=True):
    """A session, told apart by where it began."""

    id: str
    created_at: str
    used_at: str
    expires_at: str
    address: str
    agent: str
    provider: str | None


class Sessions(Shown, frozen=True, kw_only=True):
    """All that aren't over."""

    data: list[OneSession]


class Ended(Shown, frozen=True, kw_only=True):
    """How many sessions ended. `provider_url`: where to sign out of the provider as well."""

    ended: int
    provider_url: str | None = None


class Accepted(Shown, frozen=True, kw_only=True):
    """The account that may sign in now."""

    email: str


@open_read("/sign-in", tags=["sign-in"])
def show_offer(services: Given[Services]) -> Offer:
    """Show how people may sign in."""
    providers = [
        OfferedProvider(name=name, title=title, url=f"/api/v1/login/oidc/{name}")
        for name, title in services.identity.oidc.offered
    ]
    return Offer(passwords=services.identity.rooms.config.passwords, providers=providers)


@open_make("/login", tags=["sign-in"], status_code=200)
def login(
    request: Request[Any, Any, Any], services: Given[Services], data: JSONBody[Login]
) -> Response[CurrentSession]:
    """Begin a session; its cookie comes with the answer."""
    signed_in = services.identity.signing_in.by_password(
        data.email, data.password, visitor_of(request)
    )
    shown = _current(services, signed_in.secret, signed_in.session, signed_in.account)
    cookies = [session_cookie(services, signed_in)]
    return Response(content=shown, cookies=cookies, headers=_NOT_KEPT)


@open_make("/login/invitation", tags=["sign-in"], status_code=200)
def accept_invitation(services: Given[Services], data: JSONBody[Acceptance]) -> Accepted:
    """Choose a password by the token of an invitation, once."""
    return Accepted(
        email=enrolling.accept(services.identity.rooms, data.token, data.password).email
    )


@make("/logout", Permission.SELF_UPDATE, tags=["sign-in"], status_code=200)
def logout(request: Request[Any, Any, Any], services: Given[Services]) -> Response[Ended]:
    """End the session of this browser."""
    present = present_in(request)
    services.identity.rooms.sessions(EVERY_TENANT).end(present.account.id, present.session.id)
    session = present.session
    url = None
    if session.provider:
        url = services.identity.oidc.sign_out_url(session.provider, session.sealed)
    shown = Ended(ended=1, provider_url=url)
    return Response(content=shown, cookies=[no_cookie(services)], headers=_NOT_KEPT)


@read("/session", Permission.SELF_READ, tags=["sign-in"])
def show_session(
    request: Request[Any, Any, Any], services: Given[Services]
) -> Response[CurrentSession]:
    """Show the session of this browser, with what its unsafe requests need."""
    present = present_in(request)
    shown = _current(services, present.secret, present.session, present.account)
    return Response(content=shown, headers=_NOT_KEPT)


@read("/sessions", Permission.SELF_READ, tags=["sign-in"])
def list_sessions(services: Given[Services], caller: Given[Caller]) -> Sessions:
    """List one's own sessions, newest first."""
    found = services.identity.rooms.sessions(EVERY_TENANT).list(caller.principal.key_id)
    return shown_sessions(found)


@make(
    "/sessions/{session_id:str}/revoke", Permission.SELF_UPDATE, tags=["sign-in"], status_code=200
)
def revoke_session(services: Given[Services], caller: Given[Caller], session_id: Id) -> Ended:
    """End one of one's own sessions."""
    store = services.identity.rooms.sessions(EVERY_TENANT)
    return Ended(ended=store.end(caller.principal.key_id, known_id(session_id)))


@make("/me/password", Permission.SELF_UPDATE, tags=["sign-in"], status_code=200)
def change_password(
    request: Request[Any, Any, Any], services: Given[Services], data: JSONBody[PasswordChange]
) -> Accepted:
    """Take another password; all other sessions end."""
    present = present_in(request)
    changed = enrolling.change_password(
        services.identity.rooms, present.account, data.current, data.new, keep=present.session.id
    )
    return Accepted(email=changed.email)


HANDLERS = (
    show_offer,
    login,
    accept_invitation,
    logout,
    show_session,
    list_sessions,
    revoke_session,
    change_password,
)


def shown_sessions(found: list[Session]) -> Sessions:
    """Return sessions as they are answered."""
    return Sessions(
        data=[
            OneSession(
                id=one.id,
                created_at=moment(one.created_at_ns),
                used_at=moment(one.used_at_ns),
                expires_at=moment(one.ends_at_ns),
                address=one.address,
                agent=one.agent,
                provider=one.provider or None,
            )
            for one in found
        ]
    )


def _current(services: Services, secret: str, session: Session, account: Account) -> CurrentSession:
    return CurrentSession(
        id=session.id,
        account=SessionAccount(
            id=account.id, email=account.email, name=account.name, org=account.org
        ),
        provider=session.provider or None,
        csrf_token=services.identity.signing_in.forgery_token(secret),
        expires_at=moment(session.ends_at_ns),
    )
