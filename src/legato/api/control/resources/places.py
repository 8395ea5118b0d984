"""Organisations, teams and features."""

from typing import Any

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response

from legato.api.control.access import Caller, change, make, read
from legato.api.control.etags import IfMatch, etag, matched_version
from legato.api.control.forms import Form, Id, Shown, Title, known_id, moment
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.core.config_parts import Name
from legato.core.permission import Permission
from legato.storage.tenants.places import Kind, PlaceStore
from legato.storage.tenants.places import Place as StoredPlace

_BELOW = {
    Kind.ORGANISATION: "organisations",
    Kind.TEAM: "teams",
    Kind.FEATURE: "features",
}


class Place(Shown, frozen=True, kw_only=True):
    """An organisation, team or feature. `name` stands in keys and the ledger for ever."""

    id: str
    org: str
    team: str | None
    name: str
    title: str
    created_at: str


class PlacePage(Shown, frozen=True, kw_only=True):
    """A page of them."""

    data: list[Place]
    next_cursor: str | None


class NewPlace(Form, frozen=True, kw_only=True):
    """What is to be made."""

    name: Name
    title: Title = ""


class PlaceChange(Form, frozen=True, kw_only=True):
    """What is to be changed."""

    title: Title


def _shown(kind: Kind, place: StoredPlace) -> Place:
    return Place(
        id=place.id,
        org=place.name if kind is Kind.ORGANISATION else place.org,
        team=None if kind is Kind.ORGANISATION else (place.team or place.name),
        name=place.name,
        title=place.title,
        created_at=moment(place.created_at_ns),
    )


def _one(kind: Kind, place: StoredPlace) -> Response[Place]:
    return Response(content=_shown(kind, place), headers={"etag": etag(place.version)})


def _store(services: Services, caller: Caller) -> PlaceStore:
    return services.places(caller.reach)


def _page(
    kind: Kind,
    services: Services,
    caller: Caller,
    *,
    above_id: str | None,
    asked: tuple[Any, int],
) -> PlacePage:
    cursor, limit = asked
    store, of = _store(services, caller), f"{kind}:{above_id or ''}"
    rows, following = paged(
        services.cursors,
        of,
        (cursor, limit),
        lambda count, after: store.page(kind, count, after_id=after or "", above_id=above_id),
        name=lambda place: place.id,
    )
    return PlacePage(data=[_shown(kind, one) for one in rows], next_cursor=following)


def _made(kind: Kind, store: PlaceStore, data: NewPlace, above_id: str | None) -> Made:
    place = store.create(kind, data.name, data.title, above_id=above_id)
    location = f"/api/v1/{_BELOW[kind]}/{place.id}"
    return Made(_shown(kind, place), {"etag": etag(place.version), "location": location})


def _changed(
    kind: Kind, store: PlaceStore, place_id: str, data: PlaceChange, *, if_match: str | None
) -> Response[Place]:
    version = matched_version(if_match)
    return _one(kind, store.retitle(kind, known_id(place_id), data.title, version))


@read("/organisations", Permission.ORGANISATION_READ, tags=["organisations"])
def list_organisations(
    services: Given[Services],
    caller: Given[Caller],
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> PlacePage:
    """List the organisations within reach."""
    return _page(Kind.ORGANISATION, services, caller, above_id=None, asked=(cursor, limit))


@make("/organisations", Permission.ORGANISATION_CREATE, tags=["organisations"])
def create_organisation(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewPlace],
) -> Response[Place]:
    """Make an organisation."""
    store = _store(services, caller)
    return once(data, lambda: _made(Kind.ORGANISATION, store, data, None))


@read("/organisations/{organisation_id:str}", Permission.ORGANISATION_READ, tags=["organisations"])
def get_organisation(
    services: Given[Services], caller: Given[Caller], organisation_id: Id
) -> Response[Place]:
    """Show an organisation."""
    kind = Kind.ORGANISATION
    return _one(kind, _store(services, caller).get(kind, known_id(organisation_id)))


@change(
    "/organisations/{organisation_id:str}", Permission.ORGANISATION_UPDATE, tags=["organisations"]
)
def change_organisation(
    services: Given[Services],
    caller: Given[Caller],
    *,
    organisation_id: Id,
    data: JSONBody[PlaceChange],
    if_match: IfMatch = None,
) -> Response[Place]:
    """Change an organisation's title."""
    store = _store(services, caller)
    return _changed(Kind.ORGANISATION, store, organisation_id, data, if_match=if_match)


@read("/organisations/{organisation_id:str}/teams", Permission.TEAM_READ, tags=["teams"])
def list_teams(
    services: Given[Services],
    caller: Given[Caller],
    *,
    organisation_id: Id,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> PlacePage:
    """List the teams of an organisation."""
    return _page(
        Kind.TEAM, services, caller, above_id=known_id(organisation_id), asked=(cursor, limit)
    )


@make("/organisations/{organisation_id:str}/teams", Permission.TEAM_CREATE, tags=["teams"])
def create_team(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    organisation_id: Id,
    data: JSONBody[NewPlace],
) -> Response[Place]:
    """Make a team."""
    store = _store(services, caller)
    return once(data, lambda: _made(Kind.TEAM, store, data, known_id(organisation_id)))


@read("/teams/{team_id:str}", Permission.TEAM_READ, tags=["teams"])
def get_team(services: Given[Services], caller: Given[Caller], team_id: Id) -> Response[Place]:
    """Show a team."""
    return _one(Kind.TEAM, _store(services, caller).get(Kind.TEAM, known_id(team_id)))


@change("/teams/{team_id:str}", Permission.TEAM_UPDATE, tags=["teams"])
def change_team(
    services: Given[Services],
    caller: Given[Caller],
    *,
    team_id: Id,
    data: JSONBody[PlaceChange],
    if_match: IfMatch = None,
) -> Response[Place]:
    """Change a team's title."""
    return _changed(Kind.TEAM, _store(services, caller), team_id, data, if_match=if_match)


@read("/teams/{team_id:str}/features", Permission.FEATURE_READ, tags=["features"])
def list_features(
    services: Given[Services],
    caller: Given[Caller],
    *,
    team_id: Id,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> PlacePage:
    """List the features of a team."""
    return _page(Kind.FEATURE, services, caller, above_id=known_id(team_id), asked=(cursor, limit))


@make("/teams/{team_id:str}/features", Permission.FEATURE_CREATE, tags=["features"])
def create_feature(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    team_id: Id,
    data: JSONBody[NewPlace],
) -> Response[Place]:
    """Make a feature."""
    store = _store(services, caller)
    return once(data, lambda: _made(Kind.FEATURE, store, data, known_id(team_id)))


@read("/features/{feature_id:str}", Permission.FEATURE_READ, tags=["features"])
def get_feature(
    services: Given[Services], caller: Given[Caller], feature_id: Id
) -> Response[Place]:
    """Show a feature."""
    return _one(Kind.FEATURE, _store(services, caller).get(Kind.FEATURE, known_id(feature_id)))


@change("/features/{feature_id:str}", Permission.FEATURE_UPDATE, tags=["features"])
def change_feature(
    services: Given[Services],
    caller: Given[Caller],
    *,
    feature_id: Id,
    data: JSONBody[PlaceChange],
    if_match: IfMatch = None,
) -> Response[Place]:
    """Change a feature's title."""
    return _changed(Kind.FEATURE, _store(services, caller), feature_id, data, if_match=if_match)


HANDLERS = (
    list_organisations, create_organisation, get_organisation, change_organisation,
    list_teams, create_team, get_team, change_team,
    list_features, create_feature, get_feature, change_feature,
)  # fmt: skip
