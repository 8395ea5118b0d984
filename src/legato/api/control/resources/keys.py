"""Keys: their secret is in the answer that makes it, and nowhere else."""

import secrets
from typing import Annotated, Any, Literal

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta, field

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import (
    Form,
    Id,
    Shown,
    known_id,
    moment,
    moment_ns,
    optional_moment,
    usd,
)
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.core.config import Dollars, Name, Requirements
from legato.core.errors import Forbidden, InvalidRequest
from legato.core.money import amount
from legato.core.permission import Permission, permissions_of
from legato.core.principal import Scope, Window
from legato.routing.terms import holds_to, in_words
from legato.storage.key_records import KeyBudget, KeyRecord, KeySpec
from legato.storage.places import Kind, Place

_COUNT_MAX = 2**53
Count = Annotated[int, Meta(ge=1, le=_COUNT_MAX)]
Text = Annotated[str, Meta(max_length=256)]


class Budget(Form, frozen=True, kw_only=True):
    """A hard limit in dollars over a window."""

    usd: Annotated[Dollars, Meta(max_length=20)]
    window: Literal["day", "week", "month", "total"] = "month"


class NewKey(Form, frozen=True, kw_only=True):
    """A key to be made; without permissions it calls models and no more."""

    feature_id: Annotated[str, Meta(max_length=64)]
    name: Name | None = None
    models: Annotated[list[Text], Meta(min_length=1, max_length=200)] = field(
        default_factory=lambda: ["*"]
    )
    tags: Annotated[dict[Text, Text], Meta(max_length=50)] = field(default_factory=dict)
    requests_per_minute: Count | None = None
    concurrency_max: Count | None = None
    budget: Budget | None = None
    require: Requirements | None = None
    expires_at: Annotated[str, Meta(max_length=40)] | None = None
    role: Literal["caller", "org-admin", "admin"] = "caller"
    permissions: Annotated[list[Permission], Meta(max_length=100)] = field(default_factory=list)


class Rotation(Form, frozen=True, kw_only=True):
    """How long the old secret goes on."""

    overlap_s: Annotated[int, Meta(ge=0, le=30 * 24 * 3600)] = 24 * 3600


class Key(Shown, frozen=True, kw_only=True):
    """A key; its secret isn't kept and can't be shown."""

    id: str
    name: str
    org: str
    team: str
    feature: str
    state: Literal["in_force", "expired", "revoked"]
    source: str
    scopes: list[str]
    models: list[str]
    tags: dict[str, str]
    requests_per_minute: int | None
    concurrency_max: int | None
    budget: Budget | None
    require: Requirements | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class KeyPage(Shown, frozen=True, kw_only=True):
    """A page of keys."""

    data: list[Key]
    next_cursor: str | None


class MadeKey(Shown, frozen=True, kw_only=True):
    """A key with its new secret, shown this once."""

    key: Key
    secret: str


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
    return KeyPage(data=[_shown(record, now_ns) for record in rows], next_cursor=following)


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
        spec = _spec(data, feature, caller, services.now_ns())
        secret = services.new_secret()
        store = services.keys(caller.reach)
        key_id = store.create(spec, services.digest(secret.encode()))
        key = _shown(store.get(key_id), services.now_ns())
        return Made(MadeKey(key=key, secret=secret), {"location": f"/api/v1/keys/{key_id}"})

    return once(data, work)


@read("/keys/{key_id:str}", Permission.KEY_READ, tags=["keys"])
def get_key(services: Given[Services], caller: Given[Caller], key_id: Id) -> Key:
    """Show a key."""
    record = services.keys(caller.reach).get(known_id(key_id))
    return _shown(record, services.now_ns())


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
        _require_held(caller, spec.scopes)
        _require_bound(caller, spec.require)
        secret = services.new_secret()
        store.rotate(known_id(key_id), services.digest(secret.encode()), data.overlap_s)
        key = _shown(store.get(known_id(key_id)), services.now_ns())
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
        _require_held(caller, store.get(known_id(key_id)).spec.scopes)
        store.revoke(known_id(key_id))
        return Made(_shown(store.get(known_id(key_id)), services.now_ns()), status=200)

    return once(None, work)


HANDLERS = (list_keys, create_key, get_key, rotate_key, revoke_key)


def _spec(data: NewKey, feature: Place, caller: Caller, now_ns: int) -> KeySpec:
    scopes: set[str] = {Scope.CALL, *data.permissions}
    if data.role != "caller":
        scopes.add(Scope(data.role))
    _require_held(caller, frozenset(scopes))
    _require_bound(caller, data.require)
    expires_at_ns = moment_ns(data.expires_at, "expires_at")
    if expires_at_ns is not None and expires_at_ns <= now_ns:
        raise InvalidRequest("expires_at: this time has passed", param="expires_at")
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
        budget=_budget(data.budget),
        expires_at_ns=expires_at_ns,
        require=data.require,
    )


def _require_held(caller: Caller, scopes: frozenset[str]) -> None:
    """Refuse to make, or to take over, a key that may do more than its caller."""
    held = caller.principal.scopes
    beyond = permissions_of(scopes) - caller.permissions
    if beyond or (Scope.ADMIN in scopes and Scope.ADMIN not in held):
        raise Forbidden("This key would have permissions that yours doesn't have.")


def _require_bound(caller: Caller, require: Requirements | None) -> None:
    """Refuse a key whose data may go where its maker's may not."""
    own = caller.principal.require
    if own is not None and not holds_to(require, own):
        msg = f"require: yours requires {in_words(own)}, and so must this key"
        raise Forbidden(msg, param="require")


def _budget(budget: Budget | None) -> KeyBudget | None:
    if budget is None:
        return None
    try:
        return KeyBudget(amount(budget.usd), Window(budget.window))
    except ValueError as error:
        raise InvalidRequest(f"budget.usd: {error}", param="budget.usd") from None


def _shown(record: KeyRecord, now_ns: int) -> Key:
    spec, budget = record.spec, record.spec.budget
    return Key(
        id=record.id,
        name=spec.name,
        org=spec.org,
        team=spec.team,
        feature=spec.feature,
        state=_state(record, now_ns),
        source=record.source,
        scopes=sorted(spec.scopes),
        models=sorted(spec.models),
        tags=spec.tags,
        requests_per_minute=spec.requests_per_minute,
        concurrency_max=spec.concurrency_max,
        budget=None
        if budget is None
        else Budget(usd=usd(budget.limit) or "0", window=budget.window.value),
        require=spec.require,
        created_at=moment(record.created_at_ns),
        expires_at=optional_moment(spec.expires_at_ns),
        revoked_at=optional_moment(record.revoked_at_ns),
    )


def _state(record: KeyRecord, now_ns: int) -> Any:
    if record.revoked_at_ns is not None:
        return "revoked"
    expires_at_ns = record.spec.expires_at_ns
    return "expired" if expires_at_ns is not None and expires_at_ns <= now_ns else "in_force"
