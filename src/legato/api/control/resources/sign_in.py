"""Signing in by a password, signing out, and the sessions one has."""

import asyncio
import contextlib
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
from legato.api.control.sign_in_counts import counted
from legato.core.errors import Conflict, LegatoError
from legato.core.permission import INSTANCE_ONLY, Permission
from legato.core.roles import EVERY_ORG
from legato.core.tenant import EVERY_TENANT, Area
from legato.identity import enrolling
from legato.identity.principals import PERSON
from legato.identity.signing_in import SignedIn
from legato.storage.identity.records import Account, Session

_NOT_KEPT = {"cache-control": "no-store"}
_CHOOSE = (
    "The password of this account was chosen by an invitation of somebody who couldn't give you "
    "this: sign out, and choose a password of its own for it by the same invitation."
)
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
    """Who signs in, and by what; an account of one organisation only as `ORG:ADDRESS`."""

    email: Annotated[str, Meta(max_length=400)]
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
    """The account that may sign in now, and as what."""

    email: str
    login: str


class Invited(Form, frozen=True, kw_only=True):
    """The token of an invitation."""

    token: Secret


class Joined(Shown, frozen=True, kw_only=True):
    """The organisation that one belongs to now, too."""

    org: str


@open_read("/sign-in", tags=["sign-in"])
def show_offer(services: Given[Services]) -> Offer:
    """Show how people may sign in."""
    providers = [
        OfferedProvider(name=name, title=title, url=f"/api/v1/login/oidc/{name}")
        for name, title in services.identity.oidc.offered
    ]
    return Offer(passwords=services.identity.rooms.config.passwords, providers=providers)


@open_make("/login", tags=["sign-in"], status_code=200, sync_to_thread=None)
async def login(
    request: Request[Any, Any, Any], services: Given[Services], data: JSONBody[Login]
) -> Response[CurrentSession]:
    """Begin a session; its cookie comes with the answer."""
    identity, visitor = services.identity, visitor_of(request)

    def attempt() -> SignedIn:
        return identity.signing_in.by_password(data.email, data.password, visitor)

    signed_in = await identity.lanes.passwords.run(counted(services, "password", attempt))
    shown = _current(services, signed_in.secret, signed_in.session, signed_in.account)
    cookies = [session_cookie(services, signed_in)]
    return Response(content=shown, cookies=cookies, headers=_NOT_KEPT)


@open_make("/login/invitation", tags=["sign-in"], status_code=200, sync_to_thread=None)
async def accept_invitation(
    request: Request[Any, Any, Any], services: Given[Services], data: JSONBody[Acceptance]
) -> Accepted:
    """Choose a password by the token of an invitation, once."""
    identity = services.identity
    identity.attempts.count(visitor_of(request).address)
    accepted = await identity.lanes.passwords.run(
        lambda: enrolling.accept(identity.rooms, data.token, data.password)
    )
    return Accepted(email=accepted.email, login=accepted.login)


@make("/me/invitations", Permission.SELF_UPDATE, tags=["sign-in"], status_code=200)
def join_by_invitation(
    request: Request[Any, Any, Any], services: Given[Services], data: JSONBody[Invited]
) -> Joined:
    """Take what another organisation invites one to, with the account one is signed in by.

    The invitation is for the same address; the account that was invited ends, unused.
    """
    present, roles = present_in(request), services.roles

    def vouch(invited: Account, joining: Account) -> None:
        for grant in roles.grants_of(PERSON, invited.id):
            if grant.org == EVERY_ORG:
                permissions, area = grant.permissions, None
            else:
                permissions = grant.permissions - INSTANCE_ONLY
                area = Area(grant.org, grant.team, grant.feature)
            try:
                roles.require_vouched(joining.id, permissions, area)
            except Conflict as error:
                raise Conflict(_CHOOSE, param="token") from error

    joined = enrolling.join(services.identity.rooms, data.token, present.account, vouch)
    return Joined(org=joined.org)


@make("/logout", Permission.SELF_UPDATE, tags=["sign-in"], status_code=200, sync_to_thread=None)
async def logout(request: Request[Any, Any, Any], services: Given[Services]) -> Response[Ended]:
    """End the session of this browser."""
    present, identity = present_in(request), services.identity
    session, sessions = present.session, identity.rooms.sessions(EVERY_TENANT)
    await asyncio.to_thread(sessions.end, present.account.id, session.id)
    url = None
    if session.provider:
        lane = identity.lanes.provider(session.provider)
        with contextlib.suppress(LegatoError):  # it doesn't answer: one is signed out here
            url = await lane.run(
                lambda: identity.oidc.sign_out_url(session.provider, session.sealed)
            )
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


@make(
    "/me/password", Permission.SELF_UPDATE, tags=["sign-in"], status_code=200, sync_to_thread=None
)
async def change_password(
    request: Request[Any, Any, Any], services: Given[Services], data: JSONBody[PasswordChange]
) -> Accepted:
    """Take another password; all other sessions end."""
    present, identity = present_in(request), services.identity
    changed = await identity.lanes.passwords.run(
        lambda: enrolling.change_password(
            identity.rooms, present.account, data.current, data.new, keep=present.session.id
        )
    )
    return Accepted(email=changed.email, login=changed.login)


HANDLERS = (
    show_offer,
    login,
    accept_invitation,
    join_by_invitation,
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
