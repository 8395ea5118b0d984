"""What callers can name: aliases with their routes, and deployments.

A change swaps all of it at once; a running request keeps the route it was resolved to.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from legato.core.capability import UNKNOWN_ABILITY, Ability
from legato.core.config import DataUse, Requirements, Retry
from legato.core.decisions import SliceFacts
from legato.core.errors import Forbidden, NotFound, StorageUnavailable
from legato.core.price import Price
from legato.core.principal import Principal
from legato.economics.estimate import IMAGE_TOKENS_MAX
from legato.providers.base import Authorizer, Provider
from legato.providers.transport import Timeouts, Transport
from legato.routing.strategies import Candidate, Order

if TYPE_CHECKING:
    from legato.routing.assignment import Split

NOT_KNOWN = DataUse()


class Deployment(msgspec.Struct, gc=False, eq=False):
    """A deployment with everything a call needs, resolved.

    A route that changes its waiting limits has a copy of its own.
    """

    name: str
    provider_name: str
    model: str
    region: str
    provider: Provider
    transport: Transport
    price: Price | None
    max_output_tokens: int
    candidate: Candidate
    breaker: int  # its slot on the breaker board
    timeouts: Timeouts | None = None  # None: the transport's own
    attempt_s: float = 0.0  # limit of one attempt; 0: the deadline over all of them is enough
    ability: Ability = UNKNOWN_ABILITY
    image_tokens: int = IMAGE_TOKENS_MAX
    """The most that one image counts for."""
    data_use: DataUse = NOT_KNOWN
    unfit: tuple[str, ...] = ()  # what its route requires and it isn't known to fulfil
    authorize: Authorizer | None = None
    version: str = ""  # of the registry: "deployment/fast@3fa9c1d2e4b5"


class Route(msgspec.Struct, frozen=True, eq=False):
    """The policy behind an alias; `name` is empty when a deployment is addressed directly."""

    alias: str
    name: str
    deployments: Sequence[Deployment]
    order: Order
    baseline: Deployment
    retry: Retry
    deadline_s: float  # over all attempts
    cache_ttl_s: float  # 0: not cached
    drop_unsupported: bool
    model_name: str  # "upstream" | "alias"
    fingerprint: str  # of everything in the route that can change an answer
    require: Requirements | None = None
    version: str = ""  # of the registry: "route/support@3fa9c1d2e4b5"
    arm: str = ""  # of the rollout that chose it: "ID/champion", "ID/candidate"
    slices: tuple[SliceFacts, ...] = ()  # how that rollout divides its callers
    split: "Split[Route] | None" = None  # while a rollout is under way: what serves whom


class Directory:
    """Resolves the name in a request."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        deployments: Mapping[str, Deployment] | None = None,
        *,
        complete: bool = True,
    ) -> None:
        self._routes = routes
        self._deployments = deployments or {}
        self._complete = complete
        """False until the registry was read: what isn't here may be there."""

    def swap(self, routes: Mapping[str, Route], deployments: Mapping[str, Deployment]) -> None:
        """Put all that callers can name in the place of what there was."""
        self._routes, self._deployments, self._complete = routes, deployments, True

    def resolve(self, name: str, principal: Principal) -> Route:
        """Return the route behind a name.

        Raises:
            NotFound: nothing has this name.
            Forbidden: the key may not call it.
            StorageUnavailable: it may be in the registry, which couldn't be read yet.
        """
        route = self._routes.get(name)
        if route is None:
            self._require_complete()
            known = ", ".join(sorted(n for n in self._routes if principal.may_call(n))[:20])
            msg = f"There is no model {name!r}; this key can call: {known or 'nothing'}."
            raise NotFound(msg, param="model")
        if not principal.may_call(name):
            msg = f"This key may not call {name!r}; ask for it to be added to the key's models."
            raise Forbidden(msg, param="model")
        return route

    def named(self, name: str) -> Route | None:
        """Return the route behind a name, whoever may call it. Raises StorageUnavailable."""
        route = self._routes.get(name)
        if route is None:
            self._require_complete()
        return route

    def deployment(self, name: str) -> Deployment | None:
        """Return a deployment as it is called by its own name."""
        return self._deployments.get(name)

    def every_deployment(self) -> Iterator[Deployment]:
        """Yield all deployments, with the copies that routes have."""
        yield from self._deployments.values()
        for route in self._routes.values():
            yield from route.deployments
            if route.split is not None:
                for arm in route.split.arms:
                    yield from arm.deployments

    def names(self, principal: Principal) -> list[tuple[str, Route]]:
        """Return what this key can call, by name."""
        return [(n, self._routes[n]) for n in sorted(self._routes) if principal.may_call(n)]

    def _require_complete(self) -> None:
        if not self._complete:
            msg = "Models could not be loaded yet: the database is away. Try again shortly."
            raise StorageUnavailable(msg, retry_after_s=1)
