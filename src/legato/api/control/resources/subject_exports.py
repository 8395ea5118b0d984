"""All that is held about a person, for who may hand it out; and what was handed out before."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Stream
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.attachments import attachment
from legato.api.control.forms import Form, Shown, moment, optional_moment
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.erasure import Subject
from legato.core.errors import InvalidRequest
from legato.core.permission import Permission

_ZIP = "application/zip"


class NewSubjectExport(Form, frozen=True, kw_only=True):
    """About whom, one of the three, and why. `user` is named as callers name them."""

    reason: Annotated[str, Meta(min_length=1, max_length=2_000)]
    user: Annotated[str, Meta(max_length=1_000)] = ""
    pseudonym: Annotated[str, Meta(pattern="^([0-9a-f]{24})?$")] = ""
    request_id: Annotated[str, Meta(pattern="^([0-9a-f]{32})?$")] = ""


class PastSubjectExport(Shown, frozen=True, kw_only=True):
    """One that was made; without `ended_at` it was cut off. An erasure takes the reason."""

    id: str
    author: str
    user: str | None
    request_id: str | None
    counts: dict[str, int]
    reason: str
    at: str
    ended_at: str | None


class SubjectExportPage(Shown, frozen=True, kw_only=True):
    """A page of exports, newest first."""

    data: list[PastSubjectExport]
    next_cursor: str | None


@make(
    "/subject-exports",
    Permission.SUBJECT_EXPORT,
    tags=["privacy"],
    media_type=_ZIP,
    status_code=200,
)
def make_subject_export(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    data: JSONBody[NewSubjectExport],
) -> Stream:
    """Give all that is held about a user or a request, as a ZIP archive, streamed.

    Who asks, and why, is recorded first. A connection that breaks off gives no whole archive.
    """
    tenant = caller.tenant(org)
    if sum(map(bool, (data.user, data.pseudonym, data.request_id))) != 1:
        raise InvalidRequest("user: give one of user, pseudonym and request_id", param="user")
    user = services.pseudonym(tenant.org, data.user) if data.user else data.pseudonym
    subject = Subject(user, data.request_id)
    # no idempotency key: what is answered must not be stored anywhere
    begun = services.subject_exporting(tenant).begin(subject, caller.author, data.reason)
    headers = attachment(f"{begun.id}.zip")
    return Stream(begun.parts(), media_type=_ZIP, headers=headers)


@read("/subject-exports", Permission.SUBJECT_EXPORT_READ, tags=["privacy"])
def list_subject_exports(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> SubjectExportPage:
    """List what was given out about people, newest first."""
    desk = services.subject_exporting(caller.tenant(org))
    rows, following = paged(
        services.cursors,
        "subject exports",
        (cursor, limit),
        desk.page,
        name=lambda one: one[0].id,
    )
    data = [
        PastSubjectExport(
            id=one.id,
            author=one.author,
            user=one.end_user or None,
            request_id=one.request_id or None,
            counts=one.counts,
            reason=reason,
            at=moment(one.at_ns),
            ended_at=optional_moment(one.ended_at_ns),
        )
        for one, reason in rows
    ]
    return SubjectExportPage(data=data, next_cursor=following)


HANDLERS = (make_subject_export, list_subject_exports)
