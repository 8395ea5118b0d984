"""The semantic cache: its entries, purging them, and calling a hit wrong."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta, structs

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Shown, moment, moment_ns, usd
from legato.api.control.masking import content_masked
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Org
from legato.api.control.services import CacheDesk, Services
from legato.cache.semantic.entry import Entry
from legato.core.errors import InvalidRequest
from legato.core.permission import Permission
from legato.core.semantic_records import Counts, Selection, selection_of

Narrow = Annotated[str | None, Parameter(max_length=128, required=False)]
Name = Annotated[str, Meta(min_length=1, max_length=128)]


class CacheEntry(Shown, frozen=True, kw_only=True):
    """A question whose answer may be given to others; costs and savings in dollars."""

    id: str
    question: str
    team: str
    route: str
    deployment: str
    versions: str
    tags: list[str]
    cost_usd: str | None
    created_at: str
    expires_at: str
    hits: int
    saved_usd: str | None
    wrong: int


class CacheEntryPage(Shown, frozen=True, kw_only=True):
    """A page of entries, oldest first."""

    data: list[CacheEntry]
    next_cursor: str | None


class SeenBound(Shown, frozen=True, kw_only=True):
    """What one bound has seen since it began: of `hits`, `checked` by samples, of those `wrong`."""

    team: str
    route: str
    bound: str
    embedder: str
    requests: int
    hits: int
    checked: int
    wrong: int


class SeenBounds(Shown, frozen=True, kw_only=True):
    """All bounds of an organisation."""

    data: list[SeenBound]


class PurgeForm(Form, frozen=True, kw_only=True):
    """Which entries go: those that every field given names. `all` names all of them."""

    entry: Name | None = None
    tag: Name | None = None
    document: Name | None = None
    prompt: Name | None = None
    route: Name | None = None
    asked_before: str | None = None
    all: bool = False


class Purged(Shown, frozen=True, kw_only=True):
    """How many entries went."""

    purged: int


class WrongHit(Form, frozen=True, kw_only=True):
    """Which request got a wrong answer from the semantic cache."""

    request_id: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class CalledWrong(Shown, frozen=True, kw_only=True):
    """The entry that went."""

    entry: str


@read("/cache/entries", Permission.CACHE_READ, tags=["cache"])
def list_entries(  # noqa: PLR0913 - one parameter for each filter
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    entry: Narrow = None,
    tag: Narrow = None,
    document: Narrow = None,
    prompt: Narrow = None,
    route: Narrow = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> CacheEntryPage:
    """List the entries of an organisation, oldest first."""
    tenant = caller.tenant(org)
    desk = services.cache(tenant)
    selection = selection_of(
        entry=entry, tags=(tag,) if tag else (), prompt=prompt, route=route, document=document
    )

    def rows(count: int, after: str | None) -> list[tuple[Entry, Counts]]:
        found = desk.entries(selection, after or "")
        return [one for one, _ in zip(found, range(count), strict=False)]

    shown, following = paged(
        services.cursors, "cache", (cursor, limit), rows, name=lambda row: row[0].id
    )
    data = [content_masked(caller, tenant, _shown(*row), "question") for row in shown]
    return CacheEntryPage(data=data, next_cursor=following)


@read("/cache/bounds", Permission.CACHE_READ, tags=["cache"])
def list_bounds(services: Given[Services], caller: Given[Caller], *, org: Org = None) -> SeenBounds:
    """List what the bounds of the semantic cache have seen, by route and team."""
    found = _desk(services, caller, org).bounds()
    return SeenBounds(data=[SeenBound(**structs.asdict(one)) for one in found])


@make("/cache/purge", Permission.CACHE_UPDATE, tags=["cache"], status_code=200)
def purge_entries(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    org: Org = None,
    data: JSONBody[PurgeForm],
) -> Response[Purged]:
    """Have all workers forget entries, within a second."""
    desk = _desk(services, caller, org)
    selection = selection_of(
        entry=data.entry,
        tags=(data.tag,) if data.tag else (),
        document=data.document,
        prompt=data.prompt,
        route=data.route,
        before_ns=moment_ns(data.asked_before, "asked_before"),
    )
    if selection == Selection() and not data.all:
        msg = "all: say true to purge everything, or name what to purge"
        raise InvalidRequest(msg, param="all")
    return once(data, lambda: Made(Purged(purged=desk.purge(selection)), status=200))


@make("/cache/wrong", Permission.CACHE_UPDATE, tags=["cache"], status_code=200)
def call_wrong(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    org: Org = None,
    data: JSONBody[WrongHit],
) -> Response[CalledWrong]:
    """Call the hit that a request got wrong: its entry goes, and its bound learns."""
    desk = _desk(services, caller, org)
    return once(data, lambda: Made(CalledWrong(entry=desk.wrong(data.request_id)), status=200))


HANDLERS = (list_entries, list_bounds, purge_entries, call_wrong)


def _desk(services: Services, caller: Caller, org: str | None) -> CacheDesk:
    return services.cache(caller.tenant(org))


def _shown(entry: Entry, counts: Counts) -> CacheEntry:
    return CacheEntry(
        id=entry.id,
        question=entry.text,
        team=entry.team,
        route=entry.route,
        deployment=entry.answer.deployment,
        versions=entry.versions,
        tags=list(entry.tags),
        cost_usd=usd(entry.cost),
        created_at=moment(entry.created_ns),
        expires_at=moment(entry.expires_ns),
        hits=counts.hits,
        saved_usd=usd(counts.saved),
        wrong=counts.wrong,
    )
