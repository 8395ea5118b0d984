"""What built-in roles may do: every permission stands in them on purpose."""

from legato.core.permission import EVERYBODYS, Permission
from legato.core.roles import BUILT_IN, PLACED, Role


def test_every_permission_is_placed_in_roles() -> None:
    assert set(PLACED) == set(Permission)


def test_an_owner_may_all_that_any_role_may() -> None:
    assert BUILT_IN[Role.OWNER] == set(Permission)
    assert all(permissions <= BUILT_IN[Role.OWNER] for permissions in BUILT_IN.values())


def test_no_two_roles_are_the_same_and_a_viewer_changes_nothing() -> None:
    # a page says besides whose it is, and runs by a key of its own
    viewers = BUILT_IN[Role.VIEWER] - EVERYBODYS - {Permission.PAGE_USE}
    assert {one.rpartition(":")[2] for one in viewers} == {"read"}
    others = [BUILT_IN[role] for role in Role if role is not Role.OWNER]
    assert len(set(others)) == len(others)
