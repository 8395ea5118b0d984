"""What changes, as it changes: for pages that stay open."""

from contextlib import suppress
from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency as Given
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, Parameter
from litestar.response import Stream

from legato.api.control.access import Caller, file_in, read
from legato.api.control.credentials import still_there
from legato.api.control.errors import ErrorBody
from legato.api.control.live.feed import place_of
from legato.api.control.live.stream import Reaching, events
from legato.api.control.live.topics import TOPICS
from legato.api.control.services import Services
from legato.core.errors import Forbidden, InvalidRequest, NotFound
from legato.core.permission import Permission
from legato.core.principal import Principal

EVENTS = "text/event-stream"
_NOT_KEPT = {"cache-control": "no-store", "x-accel-buffering": "no"}


@read(
    "/live",
    Permission.SELF_READ,
    tags=["live"],
    sync_to_thread=None,
    operation_class=file_in([EVENTS]),
    responses={429: ResponseSpec(ErrorBody, description="Too many streams are open.")},
)
async def follow_changes(
    request: Request[Any, Any, Any],
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Annotated[str | None, Parameter(max_length=256, required=False)] = None,
    topics: Annotated[str | None, Parameter(max_length=512, required=False)] = None,
    last_event_id: Annotated[
        str | None, HeaderParameter(name="Last-Event-ID", max_length=64, required=False)
    ] = None,
) -> Stream:
    """Follow what changes: server-sent events that name topics, as far as one may read them.

    `topics` narrows them: names, with commas between. Behind a `Last-Event-ID` all that changed
    since is told at once. It goes on for whoever accepts `text/event-stream` by name, and ends at
    once for others.
    """
    wanted = _wanted(topics)
    reached = _reaching(caller.principal, org, wanted)
    who = caller.principal.key_id
    services.live.require_room(who)

    async def again() -> Reaching:
        return _reaching(await still_there(request, services), org, wanted)

    after, goes_on = place_of(last_event_id), EVENTS in request.headers.get("accept", "")
    told = events(services.live, who, after, reached=reached, again=again if goes_on else None)
    return Stream(told, media_type=EVENTS, headers=_NOT_KEPT)


HANDLERS = (follow_changes,)


def _wanted(topics: str | None) -> frozenset[str]:
    if topics is None:
        return frozenset(TOPICS)
    wanted = frozenset(topics.split(","))
    if unknown := sorted(wanted - TOPICS.keys()):
        msg = f"topics: there is no {unknown[0]!r}; there are {', '.join(TOPICS)}"
        raise InvalidRequest(msg, param="topics")
    return wanted


def _reaching(principal: Principal, org: str | None, wanted: frozenset[str]) -> Reaching:
    """Return the topics that somebody may hear of, each with whose changes they are told.

    Raises:
        NotFound: nothing of the organisation is within reach.
    """
    found = {}
    for topic in wanted:
        with suppress(Forbidden, NotFound):
            found[topic] = Caller(principal, TOPICS[topic]).narrowed(org)
    if org is not None and not found:
        raise NotFound("there is no such organisation", param="org")
    return found
