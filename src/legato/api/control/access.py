"""Who asks, and whether they may: the one place where the control API decides it.

A route is made by the functions below, which take the permission it asks for, or say that it is
open. The guard reads it from the route, so there is no second place that could disagree;
`require_declared` refuses to serve an application with a route that says neither.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar import Litestar, get, patch, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation

from legato.api.control.credentials import has_credential, identified, method_of, sent
from legato.api.control.errors import ErrorBody
from legato.audit.acting import act_as
from legato.audit.event import Act, Actor, Subject
from legato.audit.refusals import NOBODY, Refusal
from legato.core.authority import held_over, reach_for
from legato.core.errors import (
    Forbidden,
    ForeignPage,
    InvalidRequest,
    LegatoError,
    NotFound,
    Unauthenticated,
)
from legato.core.permission import Permission
from legato.core.principal import Principal
from legato.core.registry import INSTANCE_ORG
from legato.core.tenant import Area, Areas, EveryTenant, Reach, Tenant, covers_reach, reach_over
from legato.identity.origins import SAFE_METHODS

if TYPE_CHECKING:
    from legato.api.control.services import Services

_PERMISSION = "permission"
_SHOWS = "shows"
_OPEN = "open"
_REQUEST_ID = "x-legato-request-id"
_NAME_MAX = 128
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
    429: "Too many attempts failed.",
    503: "The database or the control API is away.",
}
_REFUSED: dict[type[LegatoError], str] = {Forbidden: "forbidden", NotFound: "out_of_reach"}
"""What refusals within handlers are called."""
Handler = Callable[..., Any]


class Caller:
    """Who is authenticated at the control API, and whose rows one route lets it meet."""

    __slots__ = ("permission", "principal", "reach")

    def __init__(self, principal: Principal, permission: Permission) -> None:
        """Raise Forbidden where nothing gives the permission."""
        reach = reach_for(principal, permission)
        if reach is None:
            raise Forbidden(lacking(principal, permission))
        self.principal = principal
        self.permission = permission
        self.reach: Reach = reach

    def narrowed(self, org: str | None) -> Reach:
        """Return the reach, narrowed to an organisation that was asked for. Raises NotFound."""
        if org is None:
            return self.reach
        if isinstance(self.reach, EveryTenant) or self.reach == Tenant(org):
            return Tenant(org)
        if isinstance(self.reach, Areas):
            own = tuple(area for area in self.reach.areas if area.org == org)
            if own:
                return reach_over(own)
        raise NotFound("there is no such organisation", param="org")

    def tenant(self, org: str | None = None) -> Tenant:
        """Return a whole organisation: the one asked for, else the caller's own or only one.

        Raises:
            NotFound: it is out of reach.
            Forbidden: only parts of it are within reach.
        """
        reach = self.narrowed(org)
        if isinstance(reach, Tenant):
            return reach
        own = Area(self.principal.org)
        if isinstance(reach, EveryTenant) or own in reach.areas:
            return Tenant(own.org)
        whole = [area.org for area in reach.areas if not area.team and not area.feature]
        if len(whole) > 1:
            raise InvalidRequest("org: say which one is meant", param="org")
        if not whole:
            raise Forbidden(
                f"This is kept by organisation: it needs {self.permission.value} over all of it,"
                " not over a team or feature only."
            )
        return Tenant(whole[0])

    @property
    def author(self) -> str:
        """Under what it is written down: a key by its name, an account by its id."""
        return f"{self.principal.kind}:{self.principal.name}"

    def has(self, permission: Permission) -> bool:
        """Whether there is anything it has another permission over."""
        return reach_for(self.principal, permission) is not None

    def may(self, permission: Permission, tenant: Tenant) -> bool:
        """Whether it has another permission over a whole organisation, or over the instance's."""
        if tenant.org == INSTANCE_ORG:
            return self.has(permission)
        return permission in held_over(self.principal, Area(tenant.org))

    def sees_content(self, place: Reach) -> bool:
        """Whether what was asked and answered there is shown to it unmasked."""
        held = reach_for(self.principal, Permission.PAYLOAD_READ)
        return held is not None and covers_reach(held, place)


def lacking(principal: Principal, permission: Permission) -> str:
    """Say that somebody hasn't a permission."""
    return (
        f"This {principal.kind.replace('_', ' ')} doesn't have the permission {permission.value}."
    )


async def guard(
    connection: ASGIConnection[Any, Any, Any, State], handler: BaseRouteHandler
) -> None:
    """Let a request through to its handler, or raise Unauthenticated or Forbidden.

    A route that shows content has it recorded first: what can't be recorded isn't shown. What a
    browser sends for a page that isn't ours is refused even where the route is open.
    """
    services: Services = connection.app.state.services
    request_id = connection.headers.get(_REQUEST_ID, "")
    if handler.opt.get(_OPEN):
        if method_of(connection) not in SAFE_METHODS:
            services.identity.presence.require_own_page(sent(connection))
        act_as(Actor("visitor", ""), request_id)
        return
    permission = handler.opt.get(_PERMISSION, Permission.SELF_READ)  # none: OPTIONS
    asked = Subject("permission", permission)
    try:
        principal = await identified(connection, services)
    except (Unauthenticated, ForeignPage) as error:
        reason = "unknown_credential" if has_credential(connection) else "no_credential"
        reason = error.code if isinstance(error, ForeignPage) else reason
        services.audit.refusals.note(Refusal(NOBODY, asked, reason), request_id)
        raise
    actor = Actor(principal.kind, principal.key_id)
    try:
        caller = Caller(principal, permission)
    except Forbidden:
        refusal = Refusal(actor, asked, "permission", principal.org)
        services.audit.refusals.note(refusal, request_id)
        raise
    connection.scope["state"]["caller"] = caller
    # what the handler's thread does from here on is recorded as theirs
    act_as(actor, request_id)
    if (action := handler.opt.get(_SHOWS)) is not None:
        await services.audit.data_access(_reading(connection, caller, action), actor, request_id)


def note_refusal(connection: ASGIConnection[Any, Any, Any, State], error: LegatoError) -> None:
    """Have it recorded that a handler refused what the door let through, by whom it was asked.

    What isn't within reach is told like what isn't there; of who reaches everything it isn't there.
    """
    caller: Caller | None = connection.scope["state"].get("caller")
    reason = _REFUSED.get(type(error))
    if caller is None or reason is None:
        return
    if isinstance(error, NotFound) and isinstance(caller.reach, EveryTenant):
        return
    services: Services = connection.app.state.services
    principal = caller.principal
    actor = Actor(principal.kind, principal.key_id)
    asked = Subject("permission", caller.permission)
    refusal = Refusal(actor, asked, reason, principal.org)
    services.audit.refusals.note(refusal, connection.headers.get(_REQUEST_ID, ""))


def read(
    path: str,
    permission: Permission,
    *,
    may_conflict: bool = False,
    shows: str | None = None,
    **options: Any,
) -> Callable[[Handler], Any]:
    """Declare a GET route; `shows` is the action to record, where it gives content to read."""
    statuses = (400, 401, 403, 404, 409, 503) if may_conflict else (400, 401, 403, 404, 503)
    declared = _declared(permission, statuses, options)
    if shows is not None:
        declared["opt"][_SHOWS] = shows
    return get(path, **declared)


def make(
    path: str, permission: Permission, *, shows: str | None = None, **options: Any
) -> Callable[[Handler], Any]:
    """Declare a POST route; with an `Idempotency-Key` it has its effect once.

    `shows` as for `read`.
    """
    statuses = (400, 401, 403, 404, 409, 413, 503)
    declared = _declared(permission, statuses, options)
    if shows is not None:
        declared["opt"][_SHOWS] = shows
    return post(path, **declared)


def change(path: str, permission: Permission, **options: Any) -> Callable[[Handler], Any]:
    """Declare a PATCH route; it asks for `If-Match`."""
    statuses = (400, 401, 403, 404, 412, 413, 428, 503)
    return patch(path, **_declared(permission, statuses, options))


def file_in(media: Iterable[str]) -> type[Operation]:
    """Return the class of an operation that answers with a file in one of these media types.

    The framework declares one type for each status.
    """
    types = tuple(media)

    @dataclass
    class File(Operation):
        """Answers 200 with a file."""

        def __post_init__(self) -> None:
            given = (self.responses or {})["200"]
            if isinstance(given, OpenAPIResponse):
                given.content = {one: OpenAPIMediaType() for one in types}

    return File


def shown_by(handler: HTTPRouteHandler) -> str | None:
    """Return the action that is recorded when a route gives content, None where it gives none."""
    shows: str | None = handler.opt.get(_SHOWS)
    return shows


def _reading(connection: ASGIConnection[Any, Any, Any, State], caller: Caller, action: str) -> Act:
    """Say what is read, and in whose log: of the organisation that is asked for, within reach."""
    wanted = connection.query_params.get("org")
    reach, org = caller.narrowed(None if wanted is None else str(wanted)), caller.principal.org
    if isinstance(reach, Tenant):
        org = reach.org
    elif isinstance(reach, Areas) and len({area.org for area in reach.areas}) == 1:
        org = reach.areas[0].org
    named = next(iter(connection.path_params.values()), "")
    return Act(org, action, Subject(action.partition(".")[0], str(named)[:_NAME_MAX]), "granted")


def open_read(path: str, **options: Any) -> Callable[[Handler], Any]:
    """Declare a GET route for people who are about to sign in: it asks for nothing."""
    return get(path, **_declared(None, (400, 401, 403, 404, 429, 503), options))


def open_make(path: str, **options: Any) -> Callable[[Handler], Any]:
    """Declare a POST route for people who are about to sign in, from our own pages only."""
    return post(path, **_declared(None, (400, 401, 403, 404, 413, 429, 503), options))


def require_declared(application: Litestar) -> None:
    """Raise TypeError for a route that declares no permission."""
    for path, method, handler in declared_routes(application):
        asked, is_open = handler.opt.get(_PERMISSION), handler.opt.get(_OPEN) is True
        if not is_open and not isinstance(asked, Permission):
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
    permission: Permission | None, statuses: tuple[int, ...], options: dict[str, Any]
) -> dict[str, Any]:
    errors = {
        status: ResponseSpec(ErrorBody, description=_ERRORS[status], generate_examples=False)
        for status in statuses
    }
    text = "Open to everybody." if permission is None else f"Permission: `{permission.value}`."
    return {
        "opt": {_OPEN: True} if permission is None else {_PERMISSION: permission},
        **({"security": [{}]} if permission is None else {}),
        "sync_to_thread": True,
        "description": text,
        "raises": [],
        **options,
        "responses": {**errors, **options.get("responses", {})},
    }
