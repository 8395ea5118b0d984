import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler

from legato.api.control.access import Caller, declared_routes, require_declared
from legato.api.control.application import build_application
from legato.core.errors import NotFound
from legato.core.permission import Permission
from legato.core.principal import Principal, Scope
from legato.core.tenant import EVERY_TENANT, Tenant

BESIDE = {
    Permission.INSTANCE_REGISTRY_READ,
    Permission.INSTANCE_REGISTRY_UPDATE,
    Permission.OWNER_BIND,
    Permission.PAYLOAD_READ,
}
"""Asked for beside the route's own: for the instance's objects, and by giving an owner's role."""


def caller(*scopes: str) -> Caller:
    who = Principal("k", "n", "acme", "t", "f", scopes=frozenset(scopes))
    return Caller(who, Permission.SELF_READ)


def is_open(handler: HTTPRouteHandler) -> bool:
    return handler.opt.get("open") is True


def test_only_what_a_sign_in_needs_is_open() -> None:
    application = build_application(None)  # type: ignore[arg-type]
    found = {(m, path) for path, m, one in declared_routes(application) if is_open(one)}
    assert found == {
        ("GET", "/api/v1/sign-in"),
        ("POST", "/api/v1/login"),
        ("GET", "/api/v1/login/oidc/{provider:str}"),
        ("GET", "/api/v1/login/oidc/{provider:str}/callback"),
        ("GET", "/api/v1/task-links/{token:str}"),
        ("POST", "/api/v1/task-links/{token:str}"),
        ("POST", "/api/v1/login/invitation"),
    }


def test_every_route_declares_one_permission_and_no_permission_is_for_nothing() -> None:
    application = build_application(None)  # type: ignore[arg-type]
    routes = declared_routes(application)
    assert len(routes) > 20
    permissions = {handler.opt["permission"] for _, _, handler in routes if not is_open(handler)}
    assert permissions | BESIDE == set(Permission)
    assert permissions & BESIDE == set()
    assert {path.split("/")[1] for path, _, _ in routes} == {"api"}


def test_a_route_without_a_permission_is_not_served() -> None:
    @get("/api/v1/slipped", sync_to_thread=False)
    def slipped() -> None:
        """Nothing."""

    with pytest.raises(TypeError, match="GET /api/v1/slipped declares no permission"):
        require_declared(Litestar([slipped], openapi_config=None))


def test_only_an_administrator_of_the_instance_meets_every_organisation() -> None:
    assert caller(Scope.ADMIN).reach == EVERY_TENANT
    for scopes in ((), (Scope.CALL,), (Scope.ORG_ADMIN,), tuple(Permission)):
        assert caller(*scopes).reach == Tenant("acme")
    assert caller(Scope.ADMIN).narrowed("other") == Tenant("other")
    assert caller(Scope.ORG_ADMIN).narrowed("acme") == Tenant("acme")
    with pytest.raises(NotFound):
        caller(Scope.ORG_ADMIN).narrowed("other")
