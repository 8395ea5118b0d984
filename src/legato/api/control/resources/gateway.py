"""Providers, deployments and routes with their health, whether of the file or the registry."""

from litestar.di import NamedDependency as Given

from legato.api.control.access import read
from legato.api.control.forms import Shown
from legato.api.control.gateway_view import Deployment, Provider, Route
from legato.api.control.services import Services
from legato.core.permission import Permission


class ProviderList(Shown, frozen=True, kw_only=True):
    """All providers."""

    data: list[Provider]


class DeploymentList(Shown, frozen=True, kw_only=True):
    """All deployments; `withheld` says which live versions can't be served, and why."""

    data: list[Deployment]
    withheld: list[str]


class RouteList(Shown, frozen=True, kw_only=True):
    """All routes; `withheld` says which live versions can't be served, and why."""

    data: list[Route]
    withheld: list[str]


@read("/providers", Permission.GATEWAY_READ, tags=["gateway"])
def list_providers(services: Given[Services]) -> ProviderList:
    """List the providers, without their secrets."""
    return ProviderList(data=services.gateway().providers)


@read("/deployments", Permission.GATEWAY_READ, tags=["gateway"])
def list_deployments(services: Given[Services]) -> DeploymentList:
    """List the deployments with the state of their breakers."""
    view = services.gateway()
    return DeploymentList(data=view.deployments, withheld=view.withheld)


@read("/routes", Permission.GATEWAY_READ, tags=["gateway"])
def list_routes(services: Given[Services]) -> RouteList:
    """List the routes."""
    view = services.gateway()
    return RouteList(data=view.routes, withheld=view.withheld)


HANDLERS = (list_providers, list_deployments, list_routes)
