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
from legato.api.control.services import Services

_FLOW_S: Final = 600
_FOUND: Final = 302
Place = Annotated[
    str,
    QueryParameter(name="next", max_length=500, description="Where on this server to come out."),
]


@open_read("/login/oidc/{provider:str}", tags=["sign-in"], status_code=_FOUND)
def begin_single_sign_on(
    services: Given[Services], provider: Id, place: Place = "/"
) -> Response[bytes]:
    """Send the browser to a provider."""
    url, browser = services.identity.oidc.begin(provider, place)
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


@open_read("/login/oidc/{provider:str}/callback", tags=["sign-in"], status_code=_FOUND)
def finish_single_sign_on(
    request: Request[Any, Any, Any], services: Given[Services], provider: Id
) -> Response[bytes]:
    """Begin the session of who comes back from a provider."""
    name = _flow_cookie(services)
    browser = request.cookies.get(name, "")
    query = {key: value for key, value in request.query_params.items() if isinstance(value, str)}
    signed_in, place = services.identity.oidc.finish(provider, query, browser, visitor_of(request))
    return _redirect(place, [no_cookie(services, name), session_cookie(services, signed_in)])


HANDLERS = (begin_single_sign_on, finish_single_sign_on)


def _flow_cookie(services: Services) -> str:
    return services.identity.cookie_name.replace("session", "sign-in")


def _redirect(url: str, cookies: list[Cookie]) -> Response[bytes]:
    headers = {"location": url, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return Response(
        content=b"", media_type="text/plain", status_code=_FOUND, headers=headers, cookies=cookies
    )
