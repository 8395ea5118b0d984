"""What the control API shows of providers, deployments and routes as they are now."""

import time

from legato.api.control.gateway_view import Deployment, DeploymentLoad, GatewayView, Provider, Route
from legato.app.checks.required_terms import RequiredTerms
from legato.app.models.served_models import ServedModels
from legato.core.config import Config
from legato.core.config_parts import SecretRef
from legato.core.registry import Kind, ObjectName
from legato.gateway.breakers import Breakers
from legato.gateway.loads import LoadBoard, load_state
from legato.resilience.breaker import State
from legato.routing.load.wanted import goes_by_load


def gateway_view(served: ServedModels, breakers: Breakers, loads: LoadBoard) -> GatewayView:
    """Return providers, deployments and routes with breakers and load as they are now."""
    config = served.config
    states = {one.name: breakers.state(breakers.cell(one.name)) for one in config.deployments}
    counted = goes_by_load(config)
    deployments = [
        Deployment(
            name=one.name,
            provider=one.provider,
            model=one.model,
            region=one.region,
            breaker=states[one.name].name.lower(),
            priced=served.prices.get(one.name) is not None,
            version=served.versions.get(ObjectName(Kind.DEPLOYMENT, one.name)),
            load=_load(loads, breakers.cell(one.name)) if counted else None,
        )
        for one in config.deployments
    ]
    return GatewayView(
        providers=_providers(config),
        deployments=deployments,
        routes=_routes(served, states),
        withheld=list(served.withheld),
    )


def _load(board: LoadBoard, cell: int) -> DeploymentLoad | None:
    if cell >= board.cells:
        return None
    state = load_state(board, cell, time.monotonic())
    return DeploymentLoad(
        outstanding=state.outstanding,
        requests_left=state.requests_left,
        tokens_left=state.tokens_left,
        closed_s=state.closed_s,
        places=state.places,
    )


def _providers(config: Config) -> list[Provider]:
    return [
        Provider(
            name=one.name,
            kind=one.kind,
            preset=one.preset,
            base_url=one.base_url,
            credential=_source(one.api_key),
        )
        for one in config.providers
    ]


def _routes(served: ServedModels, states: dict[str, State]) -> list[Route]:
    config = served.config
    shown, terms = [], RequiredTerms(config)
    for one in config.routes:
        unfit = terms.unfit(one)
        called = [states[name] for name in one.deployments if name not in unfit]
        shown.append(
            Route(
                alias=one.alias,
                strategy=one.strategy.value,
                deployments=list(one.deployments),
                baseline=one.baseline or one.deployments[0],
                require=one.require,
                unfit=unfit,
                healthy=any(state is not State.OPEN for state in called),
                version=served.versions.get(ObjectName(Kind.ROUTE, one.alias)),
            )
        )
    return shown


def _source(reference: SecretRef | None) -> str | None:
    """Say where a credential comes from: never it, nor the name of what holds it."""
    if reference is None:
        return None
    if reference.vault is not None:
        return "vault"
    if reference.in_store:
        return "secret store"
    return "environment" if reference.env is not None else "file"
