"""Erasing all content of a user or of a request, and what was erased before."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Shown, moment, optional_moment
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Org
from legato.api.control.services import ErasingDesk, Services
from legato.core.erasure import Erasure, Remaining, Subject
from legato.core.errors import InvalidRequest
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.storage.erasures import ErasureRecord


class NewErasure(Form, frozen=True, kw_only=True):
    """Whose content goes: one of the three. `user` is named as callers name them."""

    user: Annotated[str, Meta(max_length=1_000)] = ""
    pseudonym: Annotated[str, Meta(pattern="^([0-9a-f]{24})?$")] = ""
    request_id: Annotated[str, Meta(pattern="^([0-9a-f]{32})?$")] = ""
    dry_run: bool = False
    """Only say what would go."""


class ShownErasure(Shown, frozen=True, kw_only=True):
    """What went, by kind, and what stays; `id` is null where it was only tried."""

    id: str | None
    user: str | None
    request_id: str | None
    requests: int
    erased: dict[str, int]
    remains: list[Remaining]


class PastErasure(Shown, frozen=True, kw_only=True):
    """An act; without `ended_at` it was cut off, and asking again finishes it."""

    id: str
    author: str
    user: str | None
    request_id: str | None
    erased: dict[str, int]
    at: str
    ended_at: str | None


class ErasurePage(Shown, frozen=True, kw_only=True):
    """A page of acts, newest first."""

    data: list[PastErasure]
    next_cursor: str | None


@make("/erasures", Permission.ERASURE_CREATE, tags=["erasures"])
def make_erasure(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    org: Org = None,
    data: JSONBody[NewErasure],
) -> Response[ShownErasure]:
    """Erase all content of a user or of a request, wherever it was copied to."""
    tenant = _tenant(caller, org)
    if sum(map(bool, (data.user, data.pseudonym, data.request_id))) != 1:
        raise InvalidRequest("user: give one of user, pseudonym and request_id", param="user")
    user = services.pseudonym(tenant.org, data.user) if data.user else data.pseudonym
    subject = Subject(user, data.request_id)

    def work() -> Made:
        author = caller.author
        done = services.erasing(tenant).erase(subject, author, dry_run=data.dry_run)
        return Made(_shown(done), status=200)

    return once(data, work)


@read("/erasures", Permission.ERASURE_READ, tags=["erasures"])
def list_erasures(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> ErasurePage:
    """List what was erased, newest first."""
    desk: ErasingDesk = services.erasing(_tenant(caller, org))
    rows, following = paged(
        services.cursors, "erasures", (cursor, limit), desk.store.page, name=lambda one: one.id
    )
    return ErasurePage(data=[_past(one) for one in rows], next_cursor=following)


HANDLERS = (make_erasure, list_erasures)


def _tenant(caller: Caller, org: str | None) -> Tenant:
    return caller.tenant(org)


def _shown(done: Erasure) -> ShownErasure:
    return ShownErasure(
        id=done.id or None,
        user=done.subject.user or None,
        request_id=done.subject.request_id or None,
        requests=done.requests,
        erased=done.erased,
        remains=done.remains,
    )


def _past(one: ErasureRecord) -> PastErasure:
    return PastErasure(
        id=one.id,
        author=one.author,
        user=one.end_user or None,
        request_id=one.request_id or None,
        erased=one.counts,
        at=moment(one.at_ns),
        ended_at=optional_moment(one.ended_at_ns),
    )
