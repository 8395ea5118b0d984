"""Keys: their secret is in the answer that makes it, and nowhere else."""

import secrets
from typing import Any

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency as Given
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import UNSET
from msgspec.structs import replace

from legato.api.control.access import Caller, change, make, read
from legato.api.control.etags import IfMatch, etag, matched_version
from legato.api.control.forms import Id, known_id, moment_ns
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.resources.key_forms import (
    Key,
    KeyChange,
    KeyPage,
    MadeKey,
    NewKey,
    Rotation,
    shown,
)
from legato.api.control.resources.key_limits import given_in, require_no_more, require_within
from legato.api.control.resources.key_making import (
    key_budget,
    made_key,
    require_bound,
    require_held,
    require_models,
)
from legato.api.control.services import Services
from legato.core.errors import Forbidden, InvalidRequest
from legato.core.networks import read_networks
from legato.core.permission import Permission
from legato.core.principal import Scope
from legato.core.tenant import EVERY_TENANT
from legato.storage.tenants.key_records import KeyRecord, KeySpec, principal
from legato.storage.tenants.places import Kind, Place

_NAMED_MAX = 3
"""How many permissions a refusal names."""


@read("/keys", Permission.KEY_READ, tags=["keys"])
def list_keys(
    services: Given[Services],
    caller: Given[Caller],
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> KeyPage:
    """List the keys within reach, revoked ones too, in the order they were made."""
    store, now_ns = services.keys(caller.reach), services.now_ns()
    rows, following = paged(
        services.cursors,
        "keys",
        (cursor, limit),
        lambda count, after: store.page(count, after or ""),
        name=lambda record: record.id,
    )
    return KeyPage(data=[shown(record, now_ns) for record in rows], next_cursor=following)


@make("/keys", Permission.KEY_CREATE, tags=["keys"])
def create_key(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewKey],
) -> Response[MadeKey]:
    """Make a key. Nobody grants what he hasn't."""

    def work() -> Made:
        feature = services.places(caller.reach).get(Kind.FEATURE, known_id(data.feature_id))
        spec = _spec(data, feature, services.now_ns())
        record, secret = made_key(services, caller, spec)
        headers = {"etag": etag(record.version), "location": f"/api/v1/keys/{record.id}"}
        made = MadeKey(key=shown(record, services.now_ns()), secret=secret)
        return Made(made, headers)

    return once(data, work)


@read("/keys/{key_id:str}", Permission.KEY_READ, tags=["keys"])
def get_key(services: Given[Services], caller: Given[Caller], key_id: Id) -> Response[Key]:
    """Show a key."""
    record = services.keys(caller.reach).get(known_id(key_id))
    return _one(record, services.now_ns())


def not_itself(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Refuse a key that would change itself, whatever it wants to change. Raises Forbidden."""
    principal = connection.scope["state"]["caller"].principal
    if (principal.kind, principal.key_id) == ("key", connection.path_params["key_id"]):
        raise Forbidden("A key doesn't change itself: use another one that may.")


@change("/keys/{key_id:str}", Permission.KEY_UPDATE, tags=["keys"], guards=[not_itself])
def change_key(
    services: Given[Services],
    caller: Given[Caller],
    *,
    key_id: Id,
    data: JSONBody[KeyChange],
    if_match: IfMatch = None,
) -> Response[Key]:
    """Change what a key may call and within which limits. Nobody grants what he hasn't."""
    version = matched_version(if_match)
    store, now_ns = services.keys(caller.reach), services.now_ns()
    record = store.get(known_id(key_id))
    require_held(services, caller, record.spec, record.id)
    spec = _changed(record.spec, data, now_ns)
    require_bound(caller, spec)
    if data.models is not UNSET:
        require_models(caller, spec.models)
    given = given_in(data)
    require_within(caller.principal, spec, now_ns, given)
    made_by = {record.made_by, *(one.key_id for one in store.makers_of(record))}
    if caller.principal.key_id not in made_by:  # else both have the same money
        require_no_more(caller.principal, (record.spec, spec), given)
    _require_ruled(services, record, spec)
    return _one(store.change(record.id, spec, version), now_ns)


@make("/keys/{key_id:str}/rotate", Permission.KEY_ROTATE, tags=["keys"], status_code=200)
def rotate_key(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    key_id: Id,
    data: JSONBody[Rotation],
) -> Response[MadeKey]:
    """Give a key a new secret; the old one goes on for a while."""

    def work() -> Made:
        store = services.keys(caller.reach)
        spec = store.get(known_id(key_id)).spec
        require_held(services, caller, spec, known_id(key_id))
        require_bound(caller, spec)
        require_models(caller, spec.models)
        require_within(caller.principal, spec, services.now_ns())
        secret = services.new_secret()
        store.rotate(known_id(key_id), services.digest(secret.encode()), data.overlap_s)
        key = shown(store.get(known_id(key_id)), services.now_ns())
        return Made(MadeKey(key=key, secret=secret), status=200)

    return once(data, work)


@make("/keys/{key_id:str}/revoke", Permission.KEY_REVOKE, tags=["keys"], status_code=200)
def revoke_key(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    key_id: Id,
) -> Response[Key]:
    """End a key for good; again is no error."""

    def work() -> Made:
        store = services.keys(caller.reach)
        record = store.get(known_id(key_id))
        require_held(services, caller, record.spec, record.id)
        store.revoke(known_id(key_id))
        return Made(shown(store.get(known_id(key_id)), services.now_ns()), status=200)

    return once(None, work)


HANDLERS = (list_keys, create_key, get_key, change_key, rotate_key, revoke_key)


def _spec(data: NewKey, feature: Place, now_ns: int) -> KeySpec:
    scopes: set[str] = {Scope.CALL, *data.permissions}
    if data.role != "caller":
        scopes.add(Scope(data.role))
    return KeySpec(
        name=data.name or f"{feature.team}-{feature.name}-{secrets.token_hex(3)}"[:128],
        org=feature.org,
        team=feature.team,
        feature=feature.name,
        scopes=frozenset(scopes),
        models=frozenset(data.models),
        tags=data.tags,
        requests_per_minute=data.requests_per_minute,
        concurrency_max=data.concurrency_max,
        budget=key_budget(data.budget),
        expires_at_ns=_end(data.expires_at, now_ns),
        require=data.require,
        allow_from=read_networks(data.allow_from, "allow_from"),
    )


def _changed(spec: KeySpec, data: KeyChange, now_ns: int) -> KeySpec:
    given = {name: getattr(data, name) for name in data.__struct_fields__}
    values: dict[str, Any] = {name: one for name, one in given.items() if one is not UNSET}
    if "models" in values:
        values["models"] = frozenset(values["models"])
    if "allow_from" in values:
        values["allow_from"] = read_networks(values["allow_from"], "allow_from")
    if "budget" in values:
        values["budget"] = key_budget(values["budget"])
    if "expires_at" in values:
        values["expires_at_ns"] = _end(values.pop("expires_at"), now_ns)
    return replace(spec, **values)


def _end(text: str | None, now_ns: int) -> int | None:
    at_ns = moment_ns(text, "expires_at")
    if at_ns is not None and at_ns <= now_ns:
        raise InvalidRequest("expires_at: this time has passed", param="expires_at")
    return at_ns


def _require_ruled(services: Services, record: KeyRecord, spec: KeySpec) -> None:
    """Refuse tags by which a rule of access would mean a key no more."""
    if spec.tags == record.spec.tags:
        return
    makers = services.keys(EVERY_TENANT).makers_of(record)
    before, after = (
        services.roles.rules_of(principal(replace(record, spec=one), None, (), makers))
        for one in (record.spec, spec)
    )
    lost = sorted(before - after)
    if lost:
        msg = f"tags: access rule {lost[0]!r} means this key by its tags, which therefore stay"
        raise Forbidden(msg, param="tags")


def _one(record: KeyRecord, now_ns: int) -> Response[Key]:
    return Response(content=shown(record, now_ns), headers={"etag": etag(record.version)})
