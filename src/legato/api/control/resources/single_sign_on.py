"""Signing in by an OpenID provider: the way there and the way back."""

from typing import Annotated, Any, Final

from litestar import Request
from litestar.datastructures import Cookie
from litestar.di import NamedDependency as Given
from litestar.params import QueryParameter
from litestar.response import Response

from legato.api.control.access import open_read
from legato.api.control.credentials import no_cookie, session_cookie, visitor_of
from legato.api.control.forms import Id
from legato.api.control.lanes import Lane
from legato.api.control.services import Services
from legato.api.control.sign_in_counts import counted
from legato.core.errors import NotFound, SignInRefused
from legato.identity.signing_in import SignedIn

_FLOW_S: Final = 600
_FOUND: Final = 302
_CONSOLE: Final = "../../../../../ui/"
"""From the address to come back to; relative, so any prefix may stand before it."""
Place = Annotated[
    str,
    QueryParameter(name="next", max_length=500, description="Where on this server to come out."),
]


@open_read("/login/oidc/{provider:str}", tags=["sign-in"], status_code=_FOUND, sync_to_thread=None)
async def begin_single_sign_on(
    request: Request[Any, Any, Any],
    services: Given[Services],
    provider: Id,
    place: Place = "/",
) -> Response[bytes]:
    """Send the browser to a provider."""
    identity = services.identity
    lane = _lane(services, provider, request)
    url, browser = await lane.run(lambda: identity.oidc.begin(provider, place))
    kept = Cookie(
        key=_flow_cookie(services),
        value=browser,
        path="/",
        max_age=_FLOW_S,
        httponly=True,
        samesite="lax",  # it comes back from another site
        secure=services.identity.secure_cookies,
    )
    return _redirect(url, [kept])


@open_read(
    "/login/oidc/{provider:str}/callback",
    tags=["sign-in"],
    status_code=_FOUND,
    sync_to_thread=None,
)
async def finish_single_sign_on(
    request: Request[Any, Any, Any], services: Given[Services], provider: Id
) -> Response[bytes]:
    """Begin the session of who comes back from a provider."""
    name = _flow_cookie(services)
    browser = request.cookies.get(name, "")
    query = {key: value for key, value in request.query_params.items() if isinstance(value, str)}
    oidc, visitor = services.identity.oidc, visitor_of(request)
    lane = _lane(services, provider, request)

    def attempt() -> tuple[SignedIn, str]:
        return oidc.finish(provider, query, browser, visitor)

    try:
        signed_in, place = await lane.run(counted(services, "oidc", attempt))
    except SignInRefused as error:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        # A person looks at a browser: the sign-in page says it in words.
        return _redirect(
            f"{_CONSOLE}?refused={error.param or 'account'}", [no_cookie(services, name)]
        )
    return _redirect(place, [no_cookie(services, name), session_cookie(services, signed_in)])


HANDLERS = (begin_single_sign_on, finish_single_sign_on)


def _lane(services: Services, provider: str, request: Request[Any, Any, Any]) -> Lane:
    """Return where to ask a provider. Raises NotFound, RateLimited."""
    identity = services.identity
    if provider not in {name for name, _ in identity.oidc.offered}:
        raise NotFound(f"there is no provider {provider}", param="provider")
    identity.attempts.count(visitor_of(request).address)
    return identity.lanes.provider(provider)


def _flow_cookie(services: Services) -> str:
    return services.identity.cookie_name.replace("session", "sign-in")


def _redirect(url: str, cookies: list[Cookie]) -> Response[bytes]:
    headers = {"location": url, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return Response(
        content=b"", media_type="text/plain", status_code=_FOUND, headers=headers, cookies=cookies
    )
