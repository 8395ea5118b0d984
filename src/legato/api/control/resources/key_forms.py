"""The bodies of keys, as they are sent and shown."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from legato.api.control.forms import Form, Shown, moment, optional_moment, usd
from legato.core.config_parts import Dollars, Name, Requirements
from legato.core.permission import Permission
from legato.storage.tenants.key_records import KeyRecord

State = Literal["in_force", "expired", "revoked"]
_COUNT_MAX = 2**53
Count = Annotated[int, Meta(ge=1, le=_COUNT_MAX)]
Text = Annotated[str, Meta(max_length=256)]
Models = Annotated[list[Text], Meta(min_length=1, max_length=200)]
Tags = Annotated[dict[Text, Text], Meta(max_length=50)]
Networks = Annotated[list[Text], Meta(max_length=100)]
Moment = Annotated[str, Meta(max_length=40)]


class Budget(Form, frozen=True, kw_only=True):
    """A hard limit in dollars over a window."""

    usd: Annotated[Dollars, Meta(max_length=20)]
    window: Literal["day", "week", "month", "total"] = "month"


class NewKey(Form, frozen=True, kw_only=True):
    """A key to be made; without permissions it calls models and no more."""

    feature_id: Annotated[str, Meta(max_length=64)]
    name: Name | None = None
    models: Models = field(default_factory=lambda: ["*"])
    tags: Tags = field(default_factory=dict)
    requests_per_minute: Count | None = None
    concurrency_max: Count | None = None
    budget: Budget | None = None
    require: Requirements | None = None
    allow_from: Networks = field(default_factory=list)
    expires_at: Moment | None = None
    role: Literal["caller", "org-admin", "admin"] = "caller"
    permissions: Annotated[list[Permission], Meta(max_length=100)] = field(default_factory=list)


class KeyChange(Form, frozen=True, kw_only=True):
    """What is to be changed: what is left out stays, null takes a limit away."""

    models: Models | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    requests_per_minute: Count | UnsetType | None = UNSET
    concurrency_max: Count | UnsetType | None = UNSET
    budget: Budget | UnsetType | None = UNSET
    require: Requirements | UnsetType | None = UNSET
    allow_from: Networks | UnsetType = UNSET
    expires_at: Moment | UnsetType | None = UNSET


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
    state: State
    source: str
    made_by: str | None
    scopes: list[str]
    models: list[str]
    tags: dict[str, str]
    requests_per_minute: int | None
    concurrency_max: int | None
    budget: Budget | None
    require: Requirements | None
    allow_from: list[str]
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


def shown(record: KeyRecord, now_ns: int) -> Key:
    """Return a key as it is answered."""
    spec, budget = record.spec, record.spec.budget
    return Key(
        id=record.id,
        name=spec.name,
        org=spec.org,
        team=spec.team,
        feature=spec.feature,
        state=_state(record, now_ns),
        source=record.source,
        made_by=record.made_by or None,
        scopes=sorted(spec.scopes),
        models=sorted(spec.models),
        tags=spec.tags,
        requests_per_minute=spec.requests_per_minute,
        concurrency_max=spec.concurrency_max,
        budget=None
        if budget is None
        else Budget(usd=usd(budget.limit) or "0", window=budget.window.value),
        require=spec.require,
        allow_from=list(spec.allow_from),
        created_at=moment(record.created_at_ns),
        expires_at=optional_moment(spec.expires_at_ns),
        revoked_at=optional_moment(record.revoked_at_ns),
    )


def _state(record: KeyRecord, now_ns: int) -> State:
    if record.revoked_at_ns is not None:
        return "revoked"
    expires_at_ns = record.spec.expires_at_ns
    return "expired" if expires_at_ns is not None and expires_at_ns <= now_ns else "in_force"
