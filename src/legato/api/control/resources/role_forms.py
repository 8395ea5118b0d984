"""The bodies of roles and of who has them, as they are sent and shown."""

from typing import Annotated

from litestar.params import Parameter
from msgspec import Meta

from legato.api.control.forms import Form, Shown, Title, moment
from legato.core.config_parts import Name
from legato.core.permission import Permission
from legato.core.roles import BUILT_IN, TITLES, Role
from legato.storage.tenants.roles import Binding, CustomRole

Text = Annotated[str, Meta(max_length=128)]
RoleName = Annotated[str, Parameter(description="A built-in role or one of yours.", max_length=128)]
Subject = Annotated[
    str, Parameter(description="Kind and id of who is meant, as key:ID.", max_length=200)
]
SubjectNarrow = Annotated[
    str | None,
    Parameter(description="Kind and id of one, as key:ID.", max_length=200, required=False),
]
Action = Annotated[
    str, Parameter(description="A permission, or call:MODEL.", min_length=1, max_length=200)
]
Place = Annotated[str | None, Parameter(max_length=128, required=False)]


class NewRole(Form, frozen=True, kw_only=True):
    """A role to be made for an organisation: permissions by name, none of the instance's own."""

    name: Name
    title: Title = ""
    permissions: Annotated[list[Permission], Meta(min_length=1, max_length=200)]
    org: Text | None = None


class ShownRole(Shown, frozen=True, kw_only=True):
    """A role; `org` is null for a built-in one."""

    name: str
    title: str
    org: str | None
    permissions: list[str]


class RoleList(Shown, frozen=True, kw_only=True):
    """The built-in roles, then an organisation's own by name."""

    data: list[ShownRole]


class NewRoleBinding(Form, frozen=True, kw_only=True):
    """Whom to give which role, over an organisation, a team or a feature; `*` is the instance."""

    subject_kind: Text
    subject_id: Text
    role: Text
    org: Text
    team: Text = ""
    feature: Text = ""


class RoleBinding(Shown, frozen=True, kw_only=True):
    """A role that somebody has; null for what holds everywhere below."""

    id: str
    subject_kind: str
    subject_id: str
    role: str
    org: str
    team: str | None
    feature: str | None
    created_at: str
    created_by: str


class RoleBindingPage(Shown, frozen=True, kw_only=True):
    """A page of bindings in the order they were made."""

    data: list[RoleBinding]
    next_cursor: str | None


class Answer(Shown, frozen=True, kw_only=True):
    """Whether somebody may do something, and the scope, role, rule or lack that decides.

    `vouched_by`: who answered for the password of an account (`operator`, `key:ID`, `account:ID`).
    """

    allowed: bool
    reason: str
    vouched_by: str | None


def built_in() -> list[ShownRole]:
    """Return the built-in roles."""
    return [
        ShownRole(name=role, title=TITLES[role], org=None, permissions=sorted(BUILT_IN[role]))
        for role in Role
    ]


def shown_role(role: CustomRole) -> ShownRole:
    """Return a role of an organisation as it is shown."""
    return ShownRole(
        name=role.name, title=role.title, org=role.org, permissions=sorted(role.permissions)
    )


def shown_binding(binding: Binding) -> RoleBinding:
    """Return a binding as it is shown."""
    return RoleBinding(
        id=binding.id,
        subject_kind=binding.subject_kind,
        subject_id=binding.subject_id,
        role=binding.role,
        org=binding.org,
        team=binding.team or None,
        feature=binding.feature or None,
        created_at=moment(binding.created_at_ns),
        created_by=binding.created_by,
    )
