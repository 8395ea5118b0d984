"""Requests that name a prompt: it is rendered and put before what the caller sends.

What goes on from here is as if the caller had written all of it: routing, cache and guards see
the whole request, and the prompt's route needs no permission of its own.
"""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from legato.core.errors import InvalidRequest, NotFound
from legato.core.principal import BudgetLimit, Principal
from legato.core.wire import PromptSurface, RequestView, Surface, Turn
from legato.gateway.arms import serving
from legato.gateway.prompt_versions import Prompt, Shadow
from legato.gateway.stages.read import read_json
from legato.registry.prompt import MODEL_PREFIX
from legato.registry.variables import PARAM
from legato.routing.assignment import unit_of

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Directory, Route

_encode = msgspec.json.Encoder().encode
_ABOUT_USERS = ("user", "customer", "account", "client", "member", "patient")
"""Variables whose names begin so are about one person: the answer isn't for others."""
_ROUTE_HEADER = b"x-legato-route"


class Prompts(Protocol):
    """All prompts there are."""

    def look_up(self, model: str, principal: Principal) -> Awaitable[None] | None:
        """Return what must be awaited before `resolve`; None where all is known."""
        ...

    def resolve(self, model: str, principal: Principal, unit: str) -> Prompt:
        """Return what `prompt:NAME`, or `prompt:NAME@VERSION`, names.

        While a rollout is under way on a label, `unit` decides which arm serves it.

        Raises:
            InvalidRequest, NotFound: naming what there is.
            Forbidden: the key may not call it.
            StorageUnavailable: prompts couldn't be loaded yet.
        """
        ...


def names_prompt(body: Mapping[str, Any]) -> bool:
    """Whether a request names a prompt, and is looked at once that has been rendered."""
    model = body.get("model")
    return type(model) is str and model.startswith(MODEL_PREFIX)


def unread(body: Mapping[str, Any]) -> RequestView:
    """Return the view of a request until its prompt has been rendered."""
    stream = body.get("stream") is True
    return RequestView(model=body["model"], stream=stream, user=_named_user(body))


def _named_user(body: Mapping[str, Any]) -> str:
    """Return whom the caller names in either vendor's way; what is wrong is refused later."""
    metadata = body.get("metadata")
    user = body.get("user") or (metadata.get("user_id") if type(metadata) is dict else None)
    return user if type(user) is str else ""


def put_prompt(call: "Call", prompts: Prompts, directory: "Directory") -> None:
    """Resolve and render the prompt that a call names, and make the call one to its route.

    Raises:
        LegatoError: as `Prompts.resolve` and `Prompt.render`, and as the surface reads the body.
    """
    _surface(call)
    caller = call.caller
    if call.source.header(_ROUTE_HEADER) is not None:
        # what another model answers is no evidence of what a version does on its own route
        caller = msgspec.structs.replace(caller, live=False)
    prompt = prompts.resolve(call.view.model, caller, unit_of(call.user, call.request_id))
    variables = call.variables = _take_variables(call.body)
    call.user_context = _about_user(variables)
    if prompt.shadow is not None:
        call.copy = PromptCopy(prompt.shadow, call.surface, _encode(call.body), variables)
    put_version(call, prompt, variables, directory)


def names_user(body: dict[str, Any]) -> bool:
    """Tell whether variables in a caller's body are about one person; they are taken out of it."""
    return _about_user(_take_variables(body))


def _about_user(variables: Mapping[str, Any]) -> bool:
    return any(name.lower().startswith(_ABOUT_USERS) for name in variables)


def put_version(
    call: "Call", prompt: Prompt, variables: Mapping[str, Any], directory: "Directory"
) -> None:
    """Put one version before what the caller sends, and make the call one to its route.

    Raises:
        LegatoError: as `Prompt.render`, and as the surface reads the body.
    """
    surface = _surface(call)
    call.versions, call.arm, call.slices = prompt.shown, prompt.arm, prompt.slices
    asked = call.source.header(_ROUTE_HEADER)
    if asked is None:
        route = _route(prompt, directory)
    else:  # another one than the prompt's own: the key must be allowed to call it
        call.route_asked = asked.decode("latin-1")
        route = directory.resolve(call.route_asked, call.caller)
    if route.version:
        route = serving(call, route)
    chat = prompt.render(variables)
    call.body = surface.with_prompt(call.body, chat, drop_unsupported=route.drop_unsupported)
    call.body_bytes += len(_encode(chat))
    view = call.view = call.surface.read(call.body)
    if view.turn is not None:
        view.turn.answers(call.request_id)
        call.surface = view.turn
    call.route = route


class PromptCopy:
    """A call that is rendered again with another version of its prompt."""

    def __init__(
        self, shadow: Shadow, surface: Surface, body: bytes, variables: Mapping[str, Any]
    ) -> None:
        """`body` and `surface` are the call's before a prompt was put to it."""
        self._shadow = shadow
        self._surface = surface
        self._body = body
        self._variables = variables

    @property
    def arm(self) -> str:
        """Of the version that answers it."""
        return self._shadow.prompt.arm

    @property
    def budget(self) -> BudgetLimit:
        """Who pays for it."""
        return self._shadow.budget

    def put(self, call: "Call", live: "Call", directory: "Directory") -> Turn | None:
        """Make a call of it: what it continues, it must still be given."""
        del live
        call.surface, call.body_bytes = self._surface, len(self._body)
        call.body, call.variables = read_json(self._body), self._variables
        put_version(call, self._shadow.prompt, self._variables, directory)
        return call.view.turn


def _surface(call: "Call") -> PromptSurface:
    surface = call.surface
    if not isinstance(surface, PromptSurface):
        msg = (
            f"model: {surface.name} takes no prompts; name a model, or call the prompt through "
            "chat completions, responses or messages"
        )
        raise InvalidRequest(msg, param="model")
    return surface


def _route(prompt: Prompt, directory: "Directory") -> "Route":
    route = directory.named(prompt.route)
    if route is None:
        msg = (
            f"model: {prompt.shown} is sent to {prompt.route!r}, which this instance doesn't "
            "have; save the prompt with another route, or add this one to the configuration"
        )
        raise NotFound(msg, param="model")
    return route


def _take_variables(body: dict[str, Any]) -> dict[str, Any]:
    """Return the variables and take them out: what goes on has none, nor empty metadata."""
    metadata = body.get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise _refused("metadata", "must be an object")
    given = metadata.pop("variables", None)
    if not metadata:
        del body["metadata"]
    if isinstance(given, str):
        try:
            return read_json(given.encode())
        except InvalidRequest:
            told = "is no JSON text of an object in which each name stands once"
            raise _refused(PARAM, told) from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _refused(PARAM, "must be an object, or one as JSON text")
    return given


def _refused(param: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{param}: {problem}", param=param)
