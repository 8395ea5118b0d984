"""Permission and reach: what scopes and grants together let somebody do, where, and why."""

import msgspec
import pytest

from legato.core.authority import beyond, decide, held_over, permissions_of, reach_for
from legato.core.permission import EVERYBODYS, INSTANCE_ONLY, Permission
from legato.core.principal import Principal, Scope
from legato.core.roles import BUILT_IN, Grant, Role
from legato.core.tenant import EVERY_TENANT, Area, Areas, Tenant, reach_over, reaches

READ = Permission.LEDGER_READ


def somebody(*grants: Grant, scopes: tuple[str, ...] = ()) -> Principal:
    return Principal("k", "n", "acme", "t", "f", scopes=frozenset(scopes), grants=grants)


def role(name: Role, org: str = "acme", team: str = "", feature: str = "") -> Grant:
    return Grant(name, BUILT_IN[name], org, team, feature)


def test_scopes_amount_to_permissions() -> None:
    assert permissions_of(frozenset({Scope.CALL})) == EVERYBODYS
    assert permissions_of(frozenset({Scope.ADMIN})) == set(Permission)
    assert permissions_of(frozenset({Scope.ORG_ADMIN})) == set(Permission) - INSTANCE_ONLY
    one = permissions_of(frozenset({Scope.CALL, "control:ledger:read", "control:made:up"}))
    assert one == EVERYBODYS | {READ}


@pytest.mark.parametrize(
    ("grants", "reach"),
    [
        ((), None),
        ((role(Role.APPROVER),), None),
        ((role(Role.VIEWER),), Tenant("acme")),
        ((role(Role.VIEWER, team="t"),), Areas((Area("acme", "t"),))),
        ((role(Role.VIEWER, "*"), role(Role.VIEWER)), EVERY_TENANT),
        (
            (role(Role.VIEWER, team="t"), role(Role.FINANCE, "other")),
            Areas((Area("acme", "t"), Area("other"))),
        ),
        ((role(Role.VIEWER, team="t"), role(Role.FINANCE, team="t", feature="f")),
         Areas((Area("acme", "t"),))),
    ],
)  # fmt: skip
def test_reach_is_the_union_of_what_gives_the_permission(
    grants: tuple[Grant, ...], reach: object
) -> None:
    assert reach_for(somebody(*grants), READ) == reach


def test_a_role_of_an_organisation_gives_nothing_that_is_the_instances() -> None:
    owner = somebody(role(Role.OWNER))
    assert all(reach_for(owner, one) is None for one in INSTANCE_ONLY)
    assert reach_for(somebody(role(Role.OWNER, "*")), Permission.GATEWAY_READ) == EVERY_TENANT


def test_what_is_held_over_an_area_is_held_over_all_of_it() -> None:
    narrow = somebody(role(Role.VIEWER, team="t"))
    assert READ in held_over(narrow, Area("acme", "t", "f"))
    for area in (Area("acme"), Area("acme", "u"), Area("other", "t"), None):
        assert READ not in held_over(narrow, area)


def test_a_token_for_one_thing_only_looks_at_its_account() -> None:
    narrow = Principal("a", "a", "acme", "", "", scopes=frozenset(), kind="account",
                       narrowed_to=frozenset({READ}))  # fmt: skip
    assert reach_for(narrow, Permission.SELF_READ) == Tenant("acme")
    assert reach_for(narrow, Permission.SELF_UPDATE) is None
    both = msgspec.structs.replace(narrow, narrowed_to=frozenset({READ, Permission.SELF_UPDATE}))
    assert reach_for(both, Permission.SELF_UPDATE) == Tenant("acme")


def test_beyond_is_what_another_may_do_where_one_may_not() -> None:
    team, whole = somebody(role(Role.VIEWER, team="t")), somebody(role(Role.VIEWER))
    assert READ in beyond(team, whole)
    assert beyond(whole, team) == set()
    assert beyond(team, somebody(role(Role.VIEWER, team="t", feature="f"))) == set()
    assert beyond(somebody(scopes=(Scope.ORG_ADMIN,)), somebody(scopes=(Scope.ADMIN,)))
    assert beyond(somebody(scopes=(Scope.ORG_ADMIN,)), whole) == set()
    assert beyond(somebody(role(Role.OWNER, "*")), somebody(scopes=(Scope.ADMIN,))) == set()


def test_a_decision_names_what_gives_or_what_lacks() -> None:
    both = somebody(role(Role.VIEWER, team="t"), scopes=(READ,))
    said = decide(both, READ, Area("acme", "t"))
    assert said.allowed
    assert said.reason == (
        "control:ledger:read: scope control:ledger:read over organisation acme; "
        "role viewer over organisation acme, team t"
    )
    nothing = decide(both, Permission.KEY_CREATE)
    assert (nothing.allowed, nothing.reason) == (
        False, "no scope and no role gives control:key:create",
    )  # fmt: skip
    elsewhere = decide(somebody(role(Role.VIEWER, team="t")), READ, Area("acme", "u"))
    assert not elsewhere.allowed
    assert elsewhere.reason.endswith("elsewhere only: role viewer over organisation acme, team t")


def test_a_reach_holds_what_lies_in_one_of_its_areas() -> None:
    reach = reach_over((Area("acme", "t"), Area("other"), Area("acme", "t", "f")))
    assert reach == Areas((Area("acme", "t"), Area("other")))
    assert reaches(reach, Area("other", "x", "y"))
    assert reaches(reach, Area("acme", "t", "f"))
    assert not reaches(reach, Area("acme"))
    assert not reaches(Tenant("acme"), Area("other"))
    unplaced = reach_over((Area("acme", "", "chat"),))
    assert unplaced == Areas((Area("acme", "", "chat"),)), "never the whole organisation"
    assert not reaches(unplaced, Area("acme", "t"))
    with pytest.raises(ValueError, match="nothing"):
        reach_over(())
