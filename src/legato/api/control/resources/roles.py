"""Roles, who has them, and whether somebody may do something.

Nobody gives or takes a role that may do more than they may themselves, over the same place; and
nobody changes their own.
"""

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Id, known_id
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Org
from legato.api.control.resources.over_accounts import require_unlimited
from legato.api.control.resources.role_forms import (
    Action,
    Answer,
    NewRole,
    NewRoleBinding,
    Place,
    RoleBinding,
    RoleBindingPage,
    RoleList,
    RoleName,
    ShownRole,
    Subject,
    SubjectNarrow,
    built_in,
    shown_binding,
    shown_role,
)
from legato.api.control.services import Services
from legato.core.authority import decide, held_over
from legato.core.errors import Forbidden, InvalidRequest, NotFound
from legato.core.permission import EVERYBODYS, INSTANCE_ONLY, Permission
from legato.core.roles import EVERY_ORG
from legato.core.tenant import Area, Tenant
from legato.identity.principals import PERSON
from legato.storage.tenants.roles import NewBinding

_NAMED_MAX = 3


@read("/roles", Permission.ROLE_READ, tags=["roles"])
def list_roles(services: Given[Services], caller: Given[Caller], org: Org = None) -> RoleList:
    """List the built-in roles and an organisation's own, with what they may do."""
    own = services.roles.custom(_org(caller, org)).list()
    return RoleList(data=[*built_in(), *(shown_role(one) for one in own)])


@make("/roles", Permission.ROLE_CREATE, tags=["roles"])
def create_role(
    services: Given[Services], caller: Given[Caller], once: Given[Once], data: JSONBody[NewRole]
) -> Response[ShownRole]:
    """Make a role of an organisation's own, of permissions that its maker has there."""

    def work() -> Made:
        tenant, wanted = caller.tenant(data.org), frozenset(data.permissions)
        of_instance = sorted(wanted & INSTANCE_ONLY)
        if of_instance:
            msg = f"permissions: {of_instance[0]} is the instance's: no organisation gives it"
            raise InvalidRequest(msg, param="permissions")
        _require_held(caller, wanted, Area(tenant.org))
        custom = services.roles.custom(tenant)
        made = custom.create(data.name, data.title, wanted, caller.author)
        return Made(shown_role(made), {"location": f"/api/v1/roles/{made.name}"})

    return once(data, work)


@read("/roles/{role:str}", Permission.ROLE_READ, tags=["roles"])
def get_role(
    services: Given[Services], caller: Given[Caller], role: RoleName, org: Org = None
) -> ShownRole:
    """Show what a role may do."""
    own = services.roles.custom(_org(caller, org)).list()
    for found in [*built_in(), *(shown_role(one) for one in own)]:
        if found.name == role:
            return found
    raise NotFound("there is no role of this name", param="role")


@make("/roles/{role:str}/delete", Permission.ROLE_DELETE, tags=["roles"], status_code=200)
def delete_role(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    role: RoleName,
    org: Org = None,
) -> Response[ShownRole]:
    """Delete a role of an organisation's own that nobody has."""

    def work() -> Made:
        return Made(shown_role(services.roles.custom(caller.tenant(org)).delete(role)), status=200)

    return once(None, work)


@read("/role-bindings", Permission.ROLE_READ, tags=["roles"])
def list_bindings(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    subject: SubjectNarrow = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> RoleBindingPage:
    """List who has which role within reach: all, or those of one subject."""
    store = services.roles.bindings(caller.narrowed(org))
    whom = None if subject is None else _subject(subject)
    rows, following = paged(
        services.cursors,
        "role-bindings",
        (cursor, limit),
        lambda count, after: store.page(count, after or "", subject=whom),
        name=lambda one: one.id,
    )
    return RoleBindingPage(data=[shown_binding(one) for one in rows], next_cursor=following)


@make("/role-bindings", Permission.ROLE_BIND, tags=["roles"])
def bind_role(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewRoleBinding],
) -> Response[RoleBinding]:
    """Give somebody a role. Nobody gives what they haven't, nor anything to themselves.

    An account's open invitation ends: invite its person afterwards. One whose password was chosen
    by the invitation of somebody who couldn't give this role doesn't get it (409): invite its
    person again first. A key with limits of its own gives no role to an account.
    """

    def work() -> Made:
        if data.subject_kind == PERSON:
            require_unlimited(caller)
        _require_another(caller, data.subject_kind, data.subject_id)
        wanted = NewBinding(
            subject_kind=data.subject_kind,
            subject_id=data.subject_id,
            role=data.role,
            org=data.org,
            team=data.team,
            feature=data.feature,
        )
        services.roles.principal(caller.reach, wanted.subject_kind, wanted.subject_id)
        permissions, area = _require_given(services, caller, wanted)
        if wanted.subject_kind == PERSON:
            services.roles.require_vouched(wanted.subject_id, permissions, area)
        made = services.roles.bindings(caller.reach).bind(wanted, caller.author)
        return Made(shown_binding(made), {"location": f"/api/v1/role-bindings/{made.id}"})

    return once(data, work)


@read("/role-bindings/{binding_id:str}", Permission.ROLE_READ, tags=["roles"])
def get_binding(services: Given[Services], caller: Given[Caller], binding_id: Id) -> RoleBinding:
    """Show one."""
    return shown_binding(services.roles.bindings(caller.reach).get(known_id(binding_id)))


@make(
    "/role-bindings/{binding_id:str}/unbind", Permission.ROLE_BIND, tags=["roles"], status_code=200
)
def unbind_role(
    services: Given[Services], caller: Given[Caller], once: Given[Once], binding_id: Id
) -> Response[RoleBinding]:
    """Take a role away, if it isn't the last owner's."""

    def work() -> Made:
        store = services.roles.bindings(caller.reach)
        found = store.get(known_id(binding_id))
        _require_another(caller, found.subject_kind, found.subject_id)
        _require_given(services, caller, found)
        return Made(shown_binding(store.unbind(found.id)), status=200)

    return once(None, work)


@read("/can", Permission.ROLE_READ, tags=["roles"])
def can(
    services: Given[Services],
    caller: Given[Caller],
    *,
    subject: Subject,
    action: Action,
    org: Place = None,
    team: Place = None,
    feature: Place = None,
) -> Answer:
    """Tell whether somebody within reach has a permission, or may call a model (`call:NAME`)."""
    kind_and_id = _subject(subject)
    principal = services.roles.principal(caller.reach, *kind_and_id)
    by = services.roles.vouched_by(caller.reach, *kind_and_id)
    if action.startswith(_CALL):
        found = services.roles.may_call(principal, action.removeprefix(_CALL))
        return Answer(allowed=found.allowed, reason=found.reason, vouched_by=by)
    if action not in set(Permission):
        msg = f"action: {action[:60]!r} is no permission: see GET /api/v1/roles; or call:MODEL"
        raise InvalidRequest(msg, param="action")
    if org is None and (team or feature):
        org = principal.org
    area = None if org is None else Area(org, team or "", feature or "")
    decision = decide(principal, Permission(action), area)
    return Answer(allowed=decision.allowed, reason=decision.reason, vouched_by=by)


_CALL = "call:"
HANDLERS = (
    list_roles,
    create_role,
    get_role,
    delete_role,
    list_bindings,
    bind_role,
    get_binding,
    unbind_role,
    can,
)


def _org(caller: Caller, org: str | None) -> Tenant:
    """Return whose roles are meant: who sees a part of an organisation may read them all."""
    if org is None:
        return Tenant(caller.principal.org)
    caller.narrowed(org)
    return Tenant(org)


def _subject(text: str) -> tuple[str, str]:
    kind, colon, name = text.partition(":")
    if not colon or not name:
        raise InvalidRequest("subject: write a kind and an id, as key:ID", param="subject")
    return kind, name


def _require_another(caller: Caller, kind: str, subject_id: str) -> None:
    if (kind, subject_id) == (caller.principal.kind, caller.principal.key_id):
        raise Forbidden("Nobody changes their own roles: ask somebody else who may.")


def _require_given(
    services: Services, caller: Caller, wanted: NewBinding
) -> tuple[frozenset[Permission], Area | None]:
    """Refuse to give or take a role that may do more than the caller there; return what it may."""
    if wanted.org == EVERY_ORG:
        permissions, area = services.roles.custom(Tenant("")).permissions(wanted.role), None
    else:
        caller.narrowed(wanted.org)
        permissions = services.roles.custom(Tenant(wanted.org)).permissions(wanted.role)
        permissions, area = permissions - INSTANCE_ONLY, wanted.area
    _require_held(caller, permissions, area)
    return permissions, area


def _require_held(caller: Caller, permissions: frozenset[Permission], area: Area | None) -> None:
    more = sorted(permissions - held_over(caller.principal, area) - EVERYBODYS)
    if more:
        names = ", ".join(more[:_NAMED_MAX]) + (", …" if len(more) > _NAMED_MAX else "")
        raise Forbidden(f"You don't have {names} there, so you can't give or take it.")
