"""What callers can name: aliases with their routes, and deployments.

A change swaps all of it at once; a running request keeps the route it was resolved to.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from legato.core.capability import UNKNOWN_ABILITY, Ability
from legato.core.config import ContextPolicy, DataUse, Retry
from legato.core.config_parts import Requirements
from legato.core.decisions import QueueTerms, SliceFacts
from legato.core.errors import Forbidden, NotFound, StorageUnavailable
from legato.core.price import Price
from legato.core.principal import BudgetLimit, Principal
from legato.economics.estimate import IMAGE_TOKENS_MAX
from legato.providers.base import Authorizer, Provider
from legato.providers.transport import Timeouts, Transport
from legato.routing.load.concurrency import Priority
from legato.routing.strategies import Candidate, Order

if TYPE_CHECKING:
    from legato.core.semantic_terms import SemanticTerms
    from legato.gateway.gathering import Gather
    from legato.gateway.quality import QualityChoice
    from legato.gateway.steps import RouteCascade
    from legato.routing.assignment import Split
    from legato.routing.load.hedging import Hedging
    from legato.routing.rules.rules import Rules

NOT_KNOWN = DataUse()


class DeploymentLoad(Protocol):
    """How busy a deployment is, and what its provider still takes; see legato.gateway.loads."""

    def counted(self, tokens: int) -> int:
        """Return as how many tokens a call that may need so many is counted."""
        ...

    def begin(self, tokens: int) -> None:
        """Count a call that is sent, with the tokens it is expected to use."""
        ...

    def end(self, tokens: int) -> None:
        """Count a call that is over, with the tokens it used beyond what was expected."""
        ...

    def unbegin(self, tokens: int) -> None:
        """Take back that a call was counted as sent."""
        ...

    def waits(self, change: int) -> None:
        """Count calls that wait for it: one more, or one less."""
        ...

    def shares(self, room: Hashable, weight: float) -> None:
        """Take in what those weigh together who wait for it in a room of this worker."""
        ...

    def is_others_turn(self, *, fresh: bool) -> bool:
        """Tell whether calls wait in other workers that have had less of it than this one."""
        ...

    def answered(self, headers: Iterable[tuple[bytes, bytes]], latency_ms: float) -> None:
        """Take in that a good answer has begun, and what its headers say."""
        ...

    def said(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Take in what an answer's headers say of limits."""
        ...

    def refused(self, for_s: float) -> None:
        """Take in how long the provider wants not to be asked."""
        ...

    def overloaded(self) -> None:
        """Take in a sign that it had too much to do."""
        ...

    def bore(self) -> None:
        """Take in that it answered well."""
        ...

    def closed_s(self, tokens: int, priority: Callable[[], Priority]) -> float:
        """Return for how long a call that needs so many tokens must not be sent; 0 for now."""
        ...

    def is_near(self, tokens: int) -> bool:
        """Tell whether it may have no room for so many tokens."""
        ...

    def busy(self, weight: int, *, by_latency: bool) -> float:
        """Return how busy it is, per weight."""
        ...


class Queueing(Protocol):
    """Where a route's calls wait for a place; see legato.gateway.waiting_room.

    A call is a `legato.gateway.context.Call`, which knows its route and so can't be named here.
    """

    @property
    def terms(self) -> QueueTerms:
        """What bounds it."""
        ...

    def is_ahead(self, call: Any) -> bool:
        """Tell whether others wait for what a call would take."""
        ...

    def comes_back(self, call: Any) -> bool:
        """Tell whether a call that was refused by a limit of rate waits until it is open again."""
        ...

    async def wait(self, call: Any) -> None:
        """Return once there is a place for a call. Raises Overloaded."""
        ...


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
    load: DeploymentLoad | None = None  # None where nothing goes by it


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
    context: ContextPolicy | None = None  # what is left out of a long conversation
    cache_hints: bool = False  # parts that came before are marked for the vendor to keep
    rules: "Rules | None" = None
    champion: "Route | None" = None  # of an arm: what the label points to
    quality: "QualityChoice | None" = None
    cascade: "RouteCascade | None" = None
    hedging: "Hedging | None" = None
    queue: Queueing | None = None  # None: who finds no place is refused
    degrade: "tuple[str | Deployment, ...]" = ()  # lesser answers: a stale one, deployments
    deferred_s: float | None = None  # how long a deferred call is held; None: none is deferred
    deferred_with: "Gather | None" = None  # None: each is a batch of its own
    stale_s: float = 0.0  # how long expired answers are kept for that
    semantic: "SemanticTerms | None" = None  # None: only the exact cache answers
    split: "Split[Route] | None" = None  # while a rollout is under way: what serves whom
    shadow: "RouteShadow | None" = None  # what a copy of the call is sent to

    @property
    def called(self) -> "Iterator[Deployment]":
        """All deployments that a call may be sent to."""
        yield from self.deployments
        yield from (one for one in self.degrade if not isinstance(one, str))


class RouteShadow(msgspec.Struct, frozen=True, eq=False):
    """A version of a route that answers copies of calls, for nobody, and who pays for it."""

    route: Route
    budget: BudgetLimit


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
            msg = f"This key may not call {name!r}: {principal.against_calling(name)}."
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

    def every_route(self) -> Iterable[Route]:
        """Return the routes as their aliases stand for them."""
        return self._routes.values()

    def every_deployment(self) -> Iterator[Deployment]:
        """Yield all deployments, with the copies that routes have."""
        yield from self._deployments.values()
        for route in self._routes.values():
            yield from route.called
            if route.split is not None:
                for arm in route.split.arms:
                    yield from arm.called
                    if arm.shadow is not None:
                        yield from arm.shadow.route.deployments

    def names(self, principal: Principal) -> list[tuple[str, Route]]:
        """Return what this key can call, by name."""
        return [(n, self._routes[n]) for n in sorted(self._routes) if principal.may_call(n)]

    def _require_complete(self) -> None:
        if not self._complete:
            msg = "Models could not be loaded yet: the database is away. Try again shortly."
            raise StorageUnavailable(msg, retry_after_s=1)
