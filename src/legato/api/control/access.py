"""Who asks, and whether they may: the one place where the control API decides it.

A route is made by the functions below, which take the permission it asks for. The guard reads it
from the route, so there is no second place that could disagree; `require_declared` refuses to
serve an application with a route that has none.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from litestar import Litestar, get, patch, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from legato.api.control.errors import ErrorBody
from legato.audit.acting import act_as
from legato.audit.event import Actor
from legato.core.errors import Forbidden, NotFound
from legato.core.permission import Permission, permissions_of
from legato.core.principal import Principal, Scope
from legato.core.tenant import EVERY_TENANT, EveryTenant, Reach, Tenant

if TYPE_CHECKING:
    from legato.api.control.services import Services

_PERMISSION = "permission"
_BEARER = "bearer "
_REQUEST_ID = "x-legato-request-id"
_ERRORS = {
    400: "The request can't be served as written.",
    401: "No key, or one that isn't in force.",
    403: "The key may not do this.",
    404: "There is no such thing within reach of the key.",
    405: "The path doesn't take this method.",
    409: "It contradicts what is there.",
    412: "It was changed since it was read.",
    413: "The body is too long.",
    428: "If-Match is missing.",
    503: "The database or the control API is away.",
}
Handler = Callable[..., Any]


class Caller:
    """An authenticated key at the control API: what it may do, and whose rows it meets."""

    __slots__ = ("permissions", "principal", "reach")

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.permissions = permissions_of(principal.scopes)
        self.reach: Reach = Tenant(principal.org)
        if Scope.ADMIN in principal.scopes:
            self.reach = EVERY_TENANT

    def narrowed(self, org: str | None) -> Reach:
        """Return the reach, narrowed to an organisation that was asked for. Raises NotFound."""
        if org is None:
            return self.reach
        if isinstance(self.reach, EveryTenant) or self.reach.org == org:
            return Tenant(org)
        raise NotFound("there is no such organisation", param="org")


async def guard(
    connection: ASGIConnection[Any, Any, Any, State], handler: BaseRouteHandler
) -> None:
    """Let a request through to its handler, or raise Unauthenticated or Forbidden."""
    services: Services = connection.app.state.services
    caller = Caller(await services.authenticator.identify(_credential(connection)))
    permission: Permission = handler.opt[_PERMISSION]
    if permission not in caller.permissions:
        raise Forbidden(f"This key doesn't have the permission {permission.value}.")
    connection.scope["state"]["caller"] = caller
    # what the handler's thread does from here on is recorded as this key's
    act_as(Actor("key", caller.principal.key_id), connection.headers.get(_REQUEST_ID, ""))


def read(
    path: str, permission: Permission, *, may_conflict: bool = False, **options: Any
) -> Callable[[Handler], Any]:
    """Declare a GET route."""
    statuses = (400, 401, 403, 404, 409, 503) if may_conflict else (400, 401, 403, 404, 503)
    return get(path, **_declared(permission, statuses, options))


def make(path: str, permission: Permission, **options: Any) -> Callable[[Handler], Any]:
    """Declare a POST route; with an `Idempotency-Key` it has its effect once."""
    statuses = (400, 401, 403, 404, 409, 413, 503)
    return post(path, **_declared(permission, statuses, options))


def change(path: str, permission: Permission, **options: Any) -> Callable[[Handler], Any]:
    """Declare a PATCH route; it asks for `If-Match`."""
    statuses = (400, 401, 403, 404, 412, 413, 428, 503)
    return patch(path, **_declared(permission, statuses, options))


def require_declared(application: Litestar) -> None:
    """Raise TypeError for a route that declares no permission."""
    for path, method, handler in declared_routes(application):
        if not isinstance(handler.opt.get(_PERMISSION), Permission):
            raise TypeError(f"{method} {path} declares no permission")


def declared_routes(application: Litestar) -> list[tuple[str, str, HTTPRouteHandler]]:
    """Return (path, method, handler) of everything the application serves, OPTIONS aside."""
    return [
        (route.path, method, handler)
        for route in application.routes
        for handler in getattr(route, "route_handlers", ())
        for method in sorted(handler.http_methods)
        if method != "OPTIONS"
    ]


def _declared(
    permission: Permission, statuses: tuple[int, ...], options: dict[str, Any]
) -> dict[str, Any]:
    errors = {
        status: ResponseSpec(ErrorBody, description=_ERRORS[status], generate_examples=False)
        for status in statuses
    }
    text = f"Permission: `{permission.value}`."
    return {
        "opt": {_PERMISSION: permission},
        "responses": errors,
        "sync_to_thread": True,
        "description": text,
        "raises": [],
        **options,
    }


def _credential(connection: ASGIConnection[Any, Any, Any, State]) -> bytes | None:
    value = connection.headers.get("authorization", "")
    if value[: len(_BEARER)].lower() == _BEARER:
        return value[len(_BEARER) :].strip().encode("latin-1")
    given = connection.headers.get("x-api-key")
    return None if given is None else given.encode("latin-1")
