"""Content is masked for who may not see it there."""

import msgspec

from legato.api.control.access import Caller
from legato.api.control.masking import MASKED, content_masked
from legato.core.permission import Permission
from legato.core.principal import Principal, Scope
from legato.core.roles import BUILT_IN, Grant, Role
from legato.core.tenant import EVERY_TENANT, Area, Areas, Tenant


class Told(msgspec.Struct, frozen=True):
    """An answer."""

    name: str
    text: str
    parts: list[str]
    nothing: str | None = None


TOLD = Told("n", "said", ["a", ""])


def caller(*grants: Grant, scopes: tuple[str, ...] = ()) -> Caller:
    who = Principal("k", "n", "acme", "t", "f", scopes=frozenset(scopes), grants=grants)
    return Caller(who, Permission.SELF_READ)


def shown(who: Caller, place: Tenant | Areas) -> Told:
    return content_masked(who, place, TOLD, "text", "parts", "nothing")


def test_what_is_content_is_masked_and_nothing_stays_nothing() -> None:
    viewer = caller(Grant("viewer", BUILT_IN[Role.VIEWER], "acme"))
    assert shown(viewer, Tenant("acme")) == Told("n", MASKED, [MASKED, ""])


def test_who_may_see_content_sees_it_there_and_nowhere_else() -> None:
    security = caller(Grant("security", BUILT_IN[Role.SECURITY], "acme", "t"))
    team = Areas((Area("acme", "t"),))
    assert shown(security, team) == TOLD
    for place in (Tenant("acme"), Tenant("other"), Areas((Area("acme", "u"),))):
        assert shown(security, place).text == MASKED
    for scope in (Scope.ADMIN, Scope.ORG_ADMIN, Permission.PAYLOAD_READ):
        assert shown(caller(scopes=(scope,)), Tenant("acme")) == TOLD
    assert not caller(scopes=(Scope.ORG_ADMIN,)).sees_content(EVERY_TENANT)
