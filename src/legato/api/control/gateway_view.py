"""Providers, deployments and routes as the control API shows them: no secret, but their health."""

import msgspec

from legato.core.config_parts import Requirements


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A place models are called at. `credential` says where its key comes from, never the key."""

    name: str
    kind: str
    preset: str | None
    base_url: str | None
    credential: str | None


class DeploymentLoad(msgspec.Struct, frozen=True, kw_only=True):
    """How busy a deployment is; what is left is null where its provider said nothing of it.

    For `closed_s` nothing is sent there, as it asked. `places` is how many calls at once it is
    taken to bear, null where that isn't bounded.
    """

    outstanding: int
    requests_left: int | None
    tokens_left: int | None
    closed_s: float
    places: int | None


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A model at a provider. `breaker` is closed, open (not called) or half_open (probed).

    `version` is that of the registry, null where the file declares it. `load` is null where nothing
    goes by it.
    """

    name: str
    provider: str
    model: str
    region: str
    breaker: str
    priced: bool
    version: str | None = None
    load: DeploymentLoad | None = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The policy behind an alias; `healthy` while any deployment of it is called.

    `unfit` says of deployments which requirements they aren't known to fulfil: no call goes there.
    `version` is that of the registry, null where the file declares it.
    """

    alias: str
    strategy: str
    deployments: list[str]
    baseline: str
    require: Requirements | None
    unfit: dict[str, list[str]]
    healthy: bool
    version: str | None = None


class GatewayView(msgspec.Struct, frozen=True, kw_only=True):
    """All of it at one moment; `withheld` says what of the registry can't be served, and why."""

    providers: list[Provider]
    deployments: list[Deployment]
    routes: list[Route]
    withheld: list[str]
