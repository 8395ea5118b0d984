"""What `legato roles` and `legato can` do. The operator at the terminal may do everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.calling import may_call
from legato.app.desks.identity import identity_of
from legato.app.desks.roles import role_stores
from legato.app.desks.stored_data import StoredData, stored_data
from legato.cli.governance.account_actions import find
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.authority import Decision, decide
from legato.core.clock import SystemClock
from legato.core.errors import InvalidRequest, NotFound
from legato.core.ids import is_id
from legato.core.permission import INSTANCE_ONLY, Permission
from legato.core.principal import Principal
from legato.core.roles import BUILT_IN, EVERY_ORG, TITLES, Role
from legato.core.tenant import EVERY_TENANT, Area, Tenant
from legato.identity.principals import PERSON
from legato.storage.tenants.roles import KEY, Binding, NewBinding

_BINDINGS_MAX = 100_000
_CALL = "call:"


@contextmanager
def open_roles(config_file: Path | None, data: Path) -> Iterator["_Roles"]:
    """Open the roles and rules of an instance."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        yield _Roles(instance, stored)


class _Roles:
    """The roles of an instance, by the names that people write."""

    def __init__(self, instance: Instance, stored: StoredData) -> None:
        self._instance, self._stored = instance, stored
        self.stores = role_stores(
            instance.database_url,
            SystemClock(),
            instance.loaded.config.access,
            lambda who, name: may_call(who, name, stored.served(instance).config),
        )
        self.bindings = self.stores.bindings(EVERY_TENANT)
        self._accounts = identity_of(instance, stored)

    def subject(self, text: str) -> tuple[str, str]:
        """Return the kind and id of who is meant. Raises NotFound."""
        kind, colon, rest = text.partition(":")
        if kind == PERSON:
            return PERSON, find(self._accounts, rest).id
        if colon and kind != KEY:
            return kind, rest
        if "@" in text:
            return PERSON, find(self._accounts, text).id
        name = rest if colon else text
        if is_id(name):
            return KEY, name
        found = [
            one
            for one in self._stored.keys().list()
            if one.spec.name == name and one.revoked_at_ns is None
        ]
        if not found:
            told = f"no key in force is called {name!r}; see: legato keys list. Accounts are"
            raise NotFound(f"{told} named by their e-mail address or as account:ID")
        return KEY, found[-1].id

    def principal(self, text: str) -> Principal:
        """Return who is meant, with its roles and rules. Raises NotFound, InvalidRequest."""
        return self.stores.principal(EVERY_TENANT, *self.subject(text))


def list_roles(*, org: str, as_json: bool, **options: Any) -> None:
    """Print the roles."""
    with open_roles(**options) as opened:
        own = opened.stores.custom(Tenant(org)).list()
    rows = [(role.value, "", TITLES[role], len(BUILT_IN[role])) for role in Role]
    rows += [(one.name, org, one.title, len(one.permissions)) for one in own]
    if as_json:
        names = ("name", "org", "title", "permissions")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    shown = [(name, whose or "built in", title, str(count)) for name, whose, title, count in rows]
    print_table(("role", "of", "is for", "permissions"), shown)


def show(*, org: str, role: str, as_json: bool, **options: Any) -> None:
    """Print what a role may do."""
    with open_roles(**options) as opened:
        permissions = sorted(opened.stores.custom(Tenant(org)).permissions(role))
    if as_json:
        print_json({"name": role, "permissions": permissions})
        return
    for one in permissions:
        click.echo(one + ("  (of the instance only)" if one in INSTANCE_ONLY else ""))


def create(
    *, org: str, role: str, permissions: tuple[str, ...], title: str, **options: Any
) -> None:
    """Make a role."""
    unknown = sorted(set(permissions) - {one.value for one in Permission})
    if unknown:
        msg = f"--permission: {unknown[0]!r} is none; see: legato roles show owner"
        raise InvalidRequest(msg, param="permissions")
    wanted = frozenset(Permission(one) for one in permissions)
    if wanted & INSTANCE_ONLY:
        msg = f"--permission: {min(wanted & INSTANCE_ONLY)} is the instance's: no organisation's"
        raise InvalidRequest(msg, param="permissions")
    with open_roles(**options) as opened:
        opened.stores.custom(Tenant(org)).create(role, title, wanted, _OPERATOR)
    click.echo(f"role {role} of {org}: {len(wanted)} permissions")


def delete(*, org: str, role: str, **options: Any) -> None:
    """Delete a role."""
    with open_roles(**options) as opened:
        opened.stores.custom(Tenant(org)).delete(role)
    click.echo(f"role {role} of {org} is deleted")


def bindings(*, org: str | None, subject: str | None, as_json: bool, **options: Any) -> None:
    """Print who has which role."""
    with open_roles(**options) as opened:
        whom = None if subject is None else opened.subject(subject)
        found = [
            one
            for one in opened.bindings.page(_BINDINGS_MAX, subject=whom)
            if org in {None, one.org}
        ]
    if as_json:
        print_json([msgspec.to_builtins(one) for one in found])
        return
    print_table(
        ("subject", "role", "over"),
        [(f"{one.subject_kind}:{one.subject_id}", one.role, _over(one)) for one in found],
    )


def bind(*, org: str, team: str, feature: str, subject: str, role: str, **options: Any) -> None:
    """Give a role."""
    with open_roles(**options) as opened:
        kind, subject_id = opened.subject(subject)
        opened.stores.principal(EVERY_TENANT, kind, subject_id)
        wanted = NewBinding(
            subject_kind=kind, subject_id=subject_id, role=role, org=org, team=team, feature=feature
        )
        if kind == PERSON:
            over = Tenant("") if org == EVERY_ORG else Tenant(org)
            permissions = opened.stores.custom(over).permissions(role)
            area = None if org == EVERY_ORG else wanted.area
            given = permissions if area is None else permissions - INSTANCE_ONLY
            opened.stores.require_vouched(subject_id, given, area)
        made = opened.bindings.bind(wanted, _OPERATOR)
    click.echo(f"{subject} is {role} over {_over(made)}")


def unbind(*, org: str, team: str, feature: str, subject: str, role: str, **options: Any) -> None:
    """Take a role away."""
    with open_roles(**options) as opened:
        wanted = (role, Area(org, team, feature))
        for one in opened.bindings.page(_BINDINGS_MAX, subject=opened.subject(subject)):
            if (one.role, one.area) == wanted:
                opened.bindings.unbind(one.id)
                click.echo(f"{subject} isn't {role} over {_over(one)} any more")
                return
    raise NotFound(f"{subject} hasn't that role there; see: legato roles bindings")


def can(
    *,
    org: str | None,
    team: str,
    feature: str,
    subject: str,
    action: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Say whether somebody may do something; end with 1 where not."""
    with open_roles(**options) as opened:
        named = opened.subject(subject)
        principal = opened.stores.principal(EVERY_TENANT, *named)
        by = opened.stores.vouched_by(EVERY_TENANT, *named)
        if action.startswith(_CALL):
            found = opened.stores.may_call(principal, action.removeprefix(_CALL))
        else:
            found = _decided(principal, action, org, (team, feature))
    if as_json:
        print_json({"allowed": found.allowed, "reason": found.reason, "vouched_by": by})
    else:
        click.echo(f"{'yes' if found.allowed else 'no'}: {found.reason}")
        if by is not None:
            click.echo(f"its password was vouched for by {by}")
    if not found.allowed:
        raise SystemExit(1)


def _decided(
    principal: Principal, action: str, org: str | None, below: tuple[str, str]
) -> Decision:
    if action not in set(Permission):
        msg = f"{action!r} is no permission (see: legato roles show owner), nor call:MODEL"
        raise InvalidRequest(msg, param="action")
    if org is None and any(below):
        org = principal.org
    area = None if org is None else Area(org, *below)
    return decide(principal, Permission(action), area)


_OPERATOR = "operator"


def _over(binding: Binding) -> str:
    if binding.org == EVERY_ORG:
        return "the whole instance"
    return "/".join(one for one in (binding.org, binding.team, binding.feature) if one)
