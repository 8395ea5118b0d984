"""Finding who asks: by a key, by an account's token, or by a session in a cookie."""

from typing import TYPE_CHECKING, Any, Final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, State

from legato.core.errors import InvalidRequest
from legato.core.principal import Principal
from legato.identity.presence import Present, Sent
from legato.identity.signing_in import SignedIn, Visitor
from legato.identity.tokens import is_account_token

if TYPE_CHECKING:
    from legato.api.control.services import Services

Connection = ASGIConnection[Any, Any, Any, State]
_BEARER: Final = "bearer "
_PRESENT: Final = "present"
_ADDRESS: Final = "x-legato-address"
"""Set by our own workers, which pass on no such header of a caller."""


async def identified(connection: Connection, services: "Services") -> Principal:
    """Return who asks. A key or token that was sent counts before any cookie.

    Raises:
        Unauthenticated: nobody we know.
        ForeignPage: a browser sent it for a page that isn't ours.
    """
    secret = _credential(connection)
    if secret is None and (cookie := connection.cookies.get(services.identity.cookie_name)):
        present = await services.identity.presence.by_session(cookie, sent(connection))
        connection.scope["state"][_PRESENT] = present
        return services.seen_as(present.principal)
    return services.seen_as(await _by_secret(connection, services, secret))


async def still_there(connection: Connection, services: "Services") -> Principal:
    """Return who asks, as they are by now: of an answer that goes on for long.

    Raises:
        Unauthenticated: nobody we know any more.
    """
    secret = _credential(connection)
    if secret is None and (cookie := connection.cookies.get(services.identity.cookie_name)):
        return services.seen_as(await services.identity.presence.still_there(cookie))
    return services.seen_as(await _by_secret(connection, services, secret))


async def _by_secret(
    connection: Connection, services: "Services", secret: bytes | None
) -> Principal:
    if secret is not None and is_account_token(secret):
        return await services.identity.presence.by_token(secret)
    address = connection.headers.get(_ADDRESS, "")
    return await services.authenticator.identify(secret, address)


def has_credential(connection: Connection) -> bool:
    """Whether a key, a token or a cookie came with it, of whatever worth."""
    return bool(_credential(connection) or connection.headers.get("cookie"))


def sent(connection: Connection) -> Sent:
    """Return what tells whether a page of ours sent it. `Host` is not looked at."""
    headers = connection.headers
    return Sent(
        method=method_of(connection),
        origin=headers.get("origin"),
        fetch_site=headers.get("sec-fetch-site"),
        forgery_token=headers.get("x-legato-csrf"),
    )


def method_of(connection: Connection) -> str:
    """Return how it asks; "" of what isn't HTTP."""
    return str(connection.scope.get("method", ""))


def visitor_of(request: Request[Any, Any, Any]) -> Visitor:
    """Return where a sign-in comes from: the address that connected to a worker."""
    headers = request.headers
    return Visitor(headers.get(_ADDRESS, ""), headers.get("user-agent", ""))


def present_in(request: Request[Any, Any, Any]) -> Present:
    """Return the session of this request. Raises InvalidRequest for a key or a token."""
    present: Present | None = request.scope["state"].get(_PRESENT)
    if present is None:
        msg = "This is for people who signed in; a key or a token has no session."
        raise InvalidRequest(msg)
    return present


def session_cookie(services: "Services", signed_in: SignedIn) -> Cookie:
    """Return the cookie of a session that begins: no script reads it, no other site sends it."""
    left_ns = signed_in.session.ends_at_ns - services.now_ns()
    return Cookie(
        key=services.identity.cookie_name,
        value=signed_in.secret,
        path="/",
        max_age=left_ns // 1_000_000_000,
        httponly=True,
        samesite="lax",
        secure=services.identity.secure_cookies,
    )


def no_cookie(services: "Services", key: str | None = None) -> Cookie:
    """Return what takes a cookie away."""
    return Cookie(
        key=key or services.identity.cookie_name,
        value="",
        path="/",
        max_age=0,
        httponly=True,
        samesite="lax",
        secure=services.identity.secure_cookies,
    )


def _credential(connection: Connection) -> bytes | None:
    value = connection.headers.get("authorization", "")
    if value[: len(_BEARER)].lower() == _BEARER:
        return value[len(_BEARER) :].strip().encode("latin-1")
    given = connection.headers.get("x-api-key")
    return None if given is None else given.encode("latin-1")
