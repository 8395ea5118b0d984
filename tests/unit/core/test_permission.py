import re

from legato.core.permission import EVERYBODYS, INSTANCE_ONLY, Permission, permissions_of
from legato.core.principal import Scope


def test_permissions_have_the_form_scope_resource_action() -> None:
    assert all(re.fullmatch(r"[a-z]+:[a-z]+:[a-z]+", one) for one in Permission)


def test_scopes_amount_to_permissions() -> None:
    assert permissions_of(frozenset({Scope.CALL})) == EVERYBODYS
    assert permissions_of(frozenset({Scope.ADMIN})) == set(Permission)
    assert permissions_of(frozenset({Scope.ORG_ADMIN})) == set(Permission) - INSTANCE_ONLY
    one = permissions_of(frozenset({Scope.CALL, "control:ledger:read", "control:made:up"}))
    assert one == EVERYBODYS | {Permission.LEDGER_READ}
