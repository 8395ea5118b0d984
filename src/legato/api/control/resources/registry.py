"""Objects of the registry: their versions and labels."""

from typing import Annotated, Any

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import UNSET, Meta, UnsetType

from legato.api.control.access import Caller, change, make, read
from legato.api.control.etags import IfMatch, etag, matched_version
from legato.api.control.forms import Form, Shown, moment
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import (
    Because,
    Desk,
    Move,
    Name,
    ObjectKind,
    Reason,
    Version,
    VersionHead,
    object_name,
    shown_head,
    shown_move,
    wanted_version,
)
from legato.api.control.services import Services
from legato.core.errors import Forbidden, NotFound
from legato.core.permission import Permission
from legato.core.registry import DEFAULT_LABEL, ObjectName, checked_label
from legato.registry.documents import Document, Line
from legato.storage.registry.records import Details, ObjectRecord

Label = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(max_length=2000)]
Digest = Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")]


class Object(Shown, frozen=True, kw_only=True):
    """An object; `labels` are where they point in the environment: numbers of versions."""

    kind: str
    name: str
    owner: str
    escalation: str
    description: str
    versions: int
    labels: dict[str, int]
    created_at: str


class ObjectPage(Shown, frozen=True, kw_only=True):
    """A page of objects."""

    data: list[Object]
    next_cursor: str | None


class ObjectChange(Form, frozen=True, kw_only=True):
    """Who answers for an object; what is left out stays."""

    owner: Line | UnsetType = UNSET
    escalation: Line | UnsetType = UNSET
    description: Text | UnsetType = UNSET


class OneVersion(VersionHead, frozen=True, kw_only=True):
    """A version with its content."""

    spec: Any


class VersionPage(Shown, frozen=True, kw_only=True):
    """A page of versions, newest first."""

    data: list[VersionHead]
    next_cursor: str | None


class NewVersion(Form, frozen=True, kw_only=True):
    """Content to keep, and labels to point to it, which asks for `registry:label:move`.

    Saying of an object that is there who else answers for it asks for `registry:object:update`.
    """

    spec: dict[str, Any]
    labels: Annotated[tuple[Label, ...], Meta(max_length=50)] = ()
    reason: Reason = ""
    owner: Line = ""
    escalation: Line = ""
    description: Text = ""


class MadeVersion(Shown, frozen=True, kw_only=True):
    """A version, and the moves that it came with.

    `warnings`: whom the residency of tenants keeps from calling what it brings.
    """

    version: OneVersion
    moves: list[Move]
    warnings: list[str]


class Pointing(Form, frozen=True, kw_only=True):
    """Where a label is to point; a version of null takes it away.

    With `expected` it must still point to that digest, "" for nowhere.
    """

    label: Label
    version: Annotated[str, Meta(max_length=64)] | None
    expected: Digest | None = None
    reason: Reason = ""


class Moved(Shown, frozen=True, kw_only=True):
    """The move that was made; null where the label points there already."""

    move: Move | None


class Rollback(Because, frozen=True, kw_only=True):
    """Which label is to point to what it pointed to before."""

    label: Label = DEFAULT_LABEL


class Difference(Shown, frozen=True, kw_only=True):
    """A unified diff of two versions' content as YAML."""

    lines: list[str]


@read("/registry/objects", Permission.REGISTRY_READ, tags=["registry"])
def list_objects(
    services: Given[Services],
    desk: Given[Desk],
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> ObjectPage:
    """List objects by kind and name."""
    reader = desk.registry.read
    rows, following = paged(
        services.cursors,
        "objects",
        (cursor, limit),
        lambda count, after: reader.objects(count, None if after is None else _named(after)),
        name=lambda record: str(record.name),
    )
    return ObjectPage(data=[_shown(desk, record) for record in rows], next_cursor=following)


@read("/registry/objects/{kind:str}/{name:str}", Permission.REGISTRY_READ, tags=["registry"])
def get_object(desk: Given[Desk], kind: ObjectKind, name: Name) -> Response[Object]:
    """Show an object."""
    return _one(desk, desk.registry.read.object(object_name(kind, name)))


@change("/registry/objects/{kind:str}/{name:str}", Permission.REGISTRY_UPDATE, tags=["registry"])
def change_object(
    desk: Given[Desk],
    *,
    kind: ObjectKind,
    name: Name,
    data: JSONBody[ObjectChange],
    if_match: IfMatch = None,
) -> Response[Object]:
    """Say who answers for an object."""
    wanted, version = object_name(kind, name), matched_version(if_match)
    before = desk.registry.read.object(wanted).details
    details = Details(
        before.owner if data.owner is UNSET else data.owner,
        before.escalation if data.escalation is UNSET else data.escalation,
        before.description if data.description is UNSET else data.description,
    )
    desk.registry.describe(wanted, details, version)
    return _one(desk, desk.registry.read.object(wanted))


@read(
    "/registry/objects/{kind:str}/{name:str}/versions",
    Permission.REGISTRY_READ,
    tags=["registry"],
)
def list_versions(
    services: Given[Services],
    desk: Given[Desk],
    *,
    kind: ObjectKind,
    name: Name,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> VersionPage:
    """List an object's versions, newest first."""
    wanted = desk.registry.read.object(object_name(kind, name)).name
    rows, following = paged(
        services.cursors,
        f"versions:{wanted}",
        (cursor, limit),
        lambda count, after: desk.registry.read.versions(
            wanted, count, None if after is None else int(after)
        ),
        name=lambda record: str(record.number),
    )
    heads = [VersionHead(**shown_head(record)) for record in rows]
    return VersionPage(data=heads, next_cursor=following)


@make(
    "/registry/objects/{kind:str}/{name:str}/versions",
    Permission.REGISTRY_CREATE,
    tags=["registry"],
)
def create_version(
    services: Given[Services],
    desk: Given[Desk],
    caller: Given[Caller],
    once: Given[Once],
    *,
    kind: ObjectKind,
    name: Name,
    data: JSONBody[NewVersion],
) -> Response[MadeVersion]:
    """Keep content as a version; the same content again is the version that is there."""
    wanted = object_name(kind, name)
    if data.labels and not caller.may(Permission.REGISTRY_MOVE, desk.tenant):
        told = f"labels: this key doesn't have the permission {Permission.REGISTRY_MOVE.value}"
        raise Forbidden(told, param="labels")
    document = Document(
        wanted.kind,
        wanted.name,
        data.spec,
        owner=data.owner,
        escalation=data.escalation,
        description=data.description,
        labels=tuple(checked_label(label) for label in data.labels),
    )

    if not caller.may(Permission.REGISTRY_UPDATE, desk.tenant):
        _require_same_details(desk, document)

    def work() -> Made:
        record, moves = desk.registry.save(document, desk.act(data.reason))
        version = OneVersion(**shown_head(record), spec=desk.registry.content(record))
        place = f"/api/v1/registry/objects/{kind}/{name}/versions/{record.number}"
        outside = services.saved_outside(desk.tenant, document)
        shown = [shown_move(one) for one in moves]
        made = MadeVersion(version=version, moves=shown, warnings=outside)
        return Made(made, {"location": place})

    return once(data, work)


@read(
    "/registry/objects/{kind:str}/{name:str}/versions/{version:str}",
    Permission.REGISTRY_READ,
    tags=["registry"],
)
def get_version(desk: Given[Desk], kind: ObjectKind, name: Name, version: Version) -> OneVersion:
    """Show a version with its content."""
    record = desk.version(object_name(kind, name), version)
    return OneVersion(**shown_head(record), spec=desk.registry.content(record))


@read(
    "/registry/objects/{kind:str}/{name:str}/versions/{version:str}/difference",
    Permission.REGISTRY_READ,
    tags=["registry"],
)
def get_difference(
    desk: Given[Desk],
    *,
    kind: ObjectKind,
    name: Name,
    version: Version,
    since: Annotated[str, Parameter(description="The version to compare with.", max_length=64)],
) -> Difference:
    """Show what a version changes, seen from another."""
    wanted = object_name(kind, name)
    after, before = desk.version(wanted, version), desk.version(wanted, since)
    return Difference(lines=desk.registry.differences(before, after))


@make(
    "/registry/objects/{kind:str}/{name:str}/labels",
    Permission.REGISTRY_MOVE,
    tags=["registry"],
    status_code=200,
)
def point_label(
    desk: Given[Desk],
    once: Given[Once],
    *,
    kind: ObjectKind,
    name: Name,
    data: JSONBody[Pointing],
) -> Response[Moved]:
    """Point a label to a version; where a rule wants approval, the move waits for it."""
    wanted = desk.registry.read.object(object_name(kind, name)).name
    to = None if data.version is None else wanted_version(data.version)

    def work() -> Made:
        act = desk.act(data.reason)
        move = desk.registry.point(wanted, data.label, to, act, saw=data.expected)
        return Made(Moved(move=None if move is None else shown_move(move)), status=200)

    return once(data, work)


@make(
    "/registry/objects/{kind:str}/{name:str}/rollback",
    Permission.REGISTRY_MOVE,
    tags=["registry"],
    status_code=200,
)
def roll_back(
    desk: Given[Desk],
    once: Given[Once],
    *,
    kind: ObjectKind,
    name: Name,
    data: JSONBody[Rollback],
) -> Response[Move]:
    """Point a label to what it pointed to before its last move."""
    wanted = desk.registry.read.object(object_name(kind, name)).name

    def work() -> Made:
        act = desk.act(data.reason)
        label = checked_label(data.label)
        return Made(shown_move(desk.registry.roll_back(wanted, label, act)), status=200)

    return once(data, work)


HANDLERS = (
    list_objects,
    get_object,
    change_object,
    list_versions,
    create_version,
    get_version,
    get_difference,
    point_label,
    roll_back,
)


def _require_same_details(desk: Desk, document: Document) -> None:
    """Refuse to say anew who answers for an object that is there. Raises Forbidden."""
    try:
        there = desk.registry.read.object(document.object).details
    except NotFound:
        return
    for field in () if document.details == Details() else Details.__struct_fields__:
        if getattr(document.details, field) != getattr(there, field):
            told = f"{field}: this key doesn't have the permission {Permission.REGISTRY_UPDATE}"
            raise Forbidden(told, param=field)


def _named(text: str) -> ObjectName:
    kind, _, name = text.partition("/")
    return object_name(kind, name)


def _one(desk: Desk, record: ObjectRecord) -> Response[Object]:
    return Response(content=_shown(desk, record), headers={"etag": etag(record.version)})


def _shown(desk: Desk, record: ObjectRecord) -> Object:
    labels = desk.registry.read.labels(desk.environment, record.name)
    return Object(
        kind=record.name.kind.value,
        name=record.name.name,
        owner=record.details.owner,
        escalation=record.details.escalation,
        description=record.details.description,
        versions=record.newest,
        labels={one.label: one.number for one in labels},
        created_at=moment(record.created_at_ns),
    )
