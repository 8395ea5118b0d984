"""Captured requests: what is known of them, and their content for those who may see it."""

from typing import Annotated, Any

from litestar.di import NamedDependency as Given
from litestar.params import Parameter

from legato.api.control.access import Caller, read
from legato.api.control.forms import Id, Shown, known_id, moment, usd
from legato.api.control.masking import content_masked
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.captured import CapturedHead
from legato.core.errors import NotFound
from legato.core.permission import Permission
from legato.core.tenant import Area, reach_over
from legato.storage.kept.captures import CaptureFilter

Narrow = Annotated[str | None, Parameter(max_length=128, required=False)]


class CapturedRequest(Shown, frozen=True, kw_only=True):
    """What is known of a captured request beside its content."""

    request_id: str
    org: str
    team: str
    feature: str
    key_id: str
    user: str
    at: str
    expires_at: str
    surface: str
    model_requested: str
    route: str
    deployment: str
    versions: str
    http_status: int
    error_code: str
    cost_usd: str | None
    input_tokens: int
    output_tokens: int


class CapturedPage(Shown, frozen=True, kw_only=True):
    """A page of captured requests, newest first."""

    data: list[CapturedRequest]
    next_cursor: str | None


class CapturedWhole(Shown, frozen=True, kw_only=True):
    """A captured request with its content; `stream_events` instead of `answer` for a stream."""

    head: CapturedRequest
    complete: bool
    request: Any
    answer: Any
    stream_events: str


@read("/captures", Permission.CAPTURE_READ, tags=["captures"])
def list_captures(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    team: Narrow = None,
    feature: Narrow = None,
    route: Narrow = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> CapturedPage:
    """List captured requests within reach, newest first, without their content."""
    reader = services.captures(caller.narrowed(org))
    wanted = CaptureFilter(team=team, feature=feature, route=route)
    rows, following = paged(
        services.cursors,
        "captures",
        (cursor, limit),
        lambda count, before: reader.newest(count, _number(before), wanted),
        name=lambda one: str(one.id),
    )
    return CapturedPage(data=[_head(one.head) for one in rows], next_cursor=following)


@read(
    "/captures/{request_id:str}", Permission.CAPTURE_READ, shows="capture.read", tags=["captures"]
)
def get_capture(
    services: Given[Services], caller: Given[Caller], *, request_id: Id, org: Org = None
) -> CapturedWhole:
    """Show one, its content masked for those who may not see it."""
    reach = caller.narrowed(org)
    found = services.captures(reach).get(known_id(request_id))
    if found is None:
        raise NotFound("no such request is captured, or not any more", param="request_id")
    frames = found.content.frames
    events = found.content.answer.decode("utf-8", "replace") if frames else ""
    head = found.head
    told = CapturedWhole(
        head=_head(head),
        complete=found.content.complete,
        request=found.body,
        answer=found.answer,
        stream_events=events,
    )
    place = reach_over((Area(head.org, head.team, head.feature),))
    return content_masked(caller, place, told, "request", "answer", "stream_events")


HANDLERS = (list_captures, get_capture)


def _number(before: str | None) -> int | None:
    return None if before is None else int(before)


def _head(head: CapturedHead) -> CapturedRequest:
    return CapturedRequest(
        request_id=head.request_id,
        org=head.org,
        team=head.team,
        feature=head.feature,
        key_id=head.key_id,
        user=head.end_user,
        at=moment(head.at_ns),
        expires_at=moment(head.expires_at_ns),
        surface=head.surface,
        model_requested=head.model_requested,
        route=head.route,
        deployment=head.deployment,
        versions=head.versions,
        http_status=head.http_status,
        error_code=head.error_code,
        cost_usd=usd(head.cost),
        input_tokens=head.input_tokens,
        output_tokens=head.output_tokens,
    )
