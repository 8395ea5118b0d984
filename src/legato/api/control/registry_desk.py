"""Whose registry a request means, which object in it, and who acts."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request
from litestar.di import NamedDependency as Given
from litestar.params import Parameter
from msgspec import Meta

from legato.api.control.access import Caller, lacking
from legato.api.control.forms import Form, Shown, moment, optional_moment
from legato.api.control.services import Services
from legato.core.errors import Forbidden, NotFound
from legato.core.permission import Permission
from legato.core.registry import (
    INSTANCE_KINDS,
    INSTANCE_ORG,
    Kind,
    ObjectName,
    Selector,
    checked_label,
    checked_name,
    selector,
)
from legato.core.tenant import Tenant
from legato.registry.registry import Act, Registry
from legato.registry.rollouts import Rollouts
from legato.storage.registry.records import MoveRecord, VersionRecord

ObjectKind = Annotated[
    str,
    Parameter(
        description="`prompt`, `judge`, `dataset`, `suite`, `workflow`, `deployment` or `route`.",
        max_length=32,
    ),
]
Name = Annotated[str, Parameter(description="The object's name.", max_length=200)]
Version = Annotated[
    str,
    Parameter(
        description="A label, a number, or eight or more of the digest's first digits.",
        max_length=64,
    ),
]
Org = Annotated[
    str | None,
    Parameter(
        description="Whose; the key's own without it, empty for the instance's deployments and "
        "routes, which their kind names, too.",
        max_length=128,
    ),
]
Environment = Annotated[
    str | None,
    Parameter(description="Whose labels; the instance's own without it.", max_length=64),
]
Reason = Annotated[str, Meta(max_length=1000)]


class Because(Form, frozen=True, kw_only=True):
    """Why something is done."""

    reason: Reason = ""


class Move(Shown, frozen=True, kw_only=True):
    """A move of a label, made or wished for; null for a version where there is none.

    With a `rollout_digest` it is the wish to begin the rollout with the same id: approved, that
    begins. The digest is of its plan, its champion and its candidates.
    """

    id: str
    environment: str
    kind: str
    name: str
    label: str
    from_digest: str | None
    to_digest: str | None
    state: Literal["pending", "approved", "applied", "rejected", "overtaken"]
    author: str
    reason: str
    approvals_wanted: int
    asked_at: str
    ended_at: str | None
    rollout_digest: str | None


class VersionHead(Shown, frozen=True, kw_only=True):
    """A version without its content."""

    kind: str
    name: str
    number: int
    digest: str
    author: str
    reason: str
    created_at: str


class Desk(msgspec.Struct, frozen=True, eq=False):
    """An organisation's registry, and who works on it where."""

    registry: Registry
    rollouts: Rollouts
    tenant: Tenant
    environment: str
    author: str

    def act(self, reason: str = "") -> Act:
        """Return who acts, and why."""
        return Act(self.author, reason, self.environment)

    def version(self, name: ObjectName, text: str) -> VersionRecord:
        """Return a version by what callers write. Raises NotFound, InvalidRequest."""
        return self.registry.read.version(name, wanted_version(text), self.environment)


def provide_desk(
    services: Given[Services],
    caller: Given[Caller],
    request: Request[Any, Any, Any],
    *,
    org: Org = None,
    environment: Environment = None,
) -> Desk:
    """Open the registry that a request means.

    What belongs to the instance asks for a permission of its own, beside that of the route.

    Raises:
        NotFound: it is out of the key's reach.
        Forbidden: the key may not work on the instance's registry.
    """
    if org == INSTANCE_ORG or request.path_params.get("kind") in INSTANCE_KINDS:
        tenant = _instance(caller, reads=request.method == "GET")
    else:
        tenant = caller.tenant(org)
    where = services.environment if environment is None else checked_label(environment)
    author = caller.author
    return Desk(services.registry(tenant), services.rollouts(tenant), tenant, where, author)


def _instance(caller: Caller, *, reads: bool) -> Tenant:
    wanted = Permission.INSTANCE_REGISTRY_READ if reads else Permission.INSTANCE_REGISTRY_UPDATE
    if not caller.has(wanted):
        raise Forbidden(lacking(caller.principal, wanted))
    return Tenant(INSTANCE_ORG)


def object_name(kind: str, name: str) -> ObjectName:
    """Return which object a path means. Raises NotFound, InvalidRequest."""
    if kind not in set(Kind):
        raise NotFound(f"there is no kind of object called {kind[:40]!r}", param="kind")
    return ObjectName(Kind(kind), checked_name(name))


def wanted_version(text: str) -> Selector:
    """Return which version a caller means. Raises InvalidRequest."""
    return selector(text)


def shown_head(record: VersionRecord) -> dict[str, Any]:
    """Return what is shown of every version."""
    return {
        "kind": record.name.kind.value,
        "name": record.name.name,
        "number": record.number,
        "digest": record.digest,
        "author": record.author,
        "reason": record.reason,
        "created_at": moment(record.created_at_ns),
    }


def shown_move(record: MoveRecord) -> Move:
    """Return a move as it is shown."""
    return Move(
        id=record.id,
        environment=record.environment,
        kind=record.name.kind.value,
        name=record.name.name,
        label=record.label,
        from_digest=record.from_digest or None,
        to_digest=record.to_digest or None,
        state=record.state.value,
        author=record.author,
        reason=record.reason,
        approvals_wanted=record.approvals_wanted,
        asked_at=moment(record.asked_at_ns),
        ended_at=optional_moment(record.ended_at_ns),
        rollout_digest=record.rollout_digest or None,
    )
