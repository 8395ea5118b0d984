"""What callers can name: aliases with their routes, and deployments. Built once at start."""

from collections.abc import Sequence

import msgspec

from legato.core.capability import UNKNOWN_ABILITY, Ability
from legato.core.config import DataUse, Requirements, Retry
from legato.core.errors import Forbidden, NotFound
from legato.core.price import Price
from legato.core.principal import Principal
from legato.providers.base import Authorizer, Provider
from legato.providers.transport import Timeouts, Transport
from legato.routing.strategies import Candidate, Order

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
    data_use: DataUse = NOT_KNOWN
    unfit: tuple[str, ...] = ()  # what its route requires and it isn't known to fulfil
    authorize: Authorizer | None = None


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


class Directory:
    """Resolves the name in a request."""

    def __init__(self, routes: dict[str, Route]) -> None:
        self._routes = routes

    def resolve(self, name: str, principal: Principal) -> Route:
        """Return the route behind a name.

        Raises:
            NotFound: nothing has this name.
            Forbidden: the key may not call it.
        """
        route = self._routes.get(name)
        if route is None:
            known = ", ".join(sorted(n for n in self._routes if principal.may_call(n))[:20])
            msg = f"There is no model {name!r}; this key can call: {known or 'nothing'}."
            raise NotFound(msg, param="model")
        if not principal.may_call(name):
            msg = f"This key may not call {name!r}; ask for it to be added to the key's models."
            raise Forbidden(msg, param="model")
        return route

    def named(self, name: str) -> Route | None:
        """Return the route behind a name, whoever may call it."""
        return self._routes.get(name)

    def names(self, principal: Principal) -> list[tuple[str, Route]]:
        """Return what this key can call, by name."""
        return [(n, self._routes[n]) for n in sorted(self._routes) if principal.may_call(n)]
