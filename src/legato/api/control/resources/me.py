"""Who is asking."""

from litestar.di import NamedDependency as Given

from legato.api.control.access import Caller, read
from legato.api.control.forms import Shown, optional_moment
from legato.core.permission import Permission
from legato.core.tenant import EveryTenant


class MyRole(Shown, frozen=True, kw_only=True):
    """A role, and where it holds: see `legato roles show`."""

    role: str
    org: str
    team: str | None
    feature: str | None


class Me(Shown, frozen=True, kw_only=True):
    """The key that asks. `every_organisation`: it meets all of them, not only its own."""

    key_id: str
    name: str
    org: str
    team: str
    feature: str
    scopes: list[str]
    permissions: list[str]
    roles: list[MyRole]
    every_organisation: bool
    models: list[str]
    expires_at: str | None


@read("/me", Permission.SELF_READ, tags=["me"])
def show_me(caller: Given[Caller]) -> Me:
    """Show whose key this is and what it may do."""
    principal = caller.principal
    return Me(
        key_id=principal.key_id,
        name=principal.name,
        org=principal.org,
        team=principal.team,
        feature=principal.feature,
        scopes=sorted(principal.scopes),
        permissions=sorted(one for one in Permission if caller.has(one)),
        roles=[
            MyRole(role=one.role, org=one.org, team=one.team or None, feature=one.feature or None)
            for one in principal.grants
        ],
        every_organisation=isinstance(caller.reach, EveryTenant),
        models=sorted(principal.models),
        expires_at=optional_moment(principal.expires_at_ns),
    )


HANDLERS = (show_me,)
