"""Puts a call into an arm of its route's holdout: some callers have the baseline for real."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from legato.core.config import Strategy
from legato.core.records import EntryKind
from legato.core.registry import HOLDOUT
from legato.core.wire import Operation
from legato.gateway.stages.terms import may_take
from legato.routing.assignment import Assignment, unit_of
from legato.routing.strategies import ORDERS

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Route

_HELD = frozenset({Operation.CHAT, Operation.COMPLETIONS})
"""Vectors of two models can't be compared, so nobody may get some of either."""
_BASELINES_MAX = 1_024
_ORDERED = ORDERS[Strategy.ORDERED]


class Held(Protocol):
    """All holdouts there are."""

    @property
    def by_route(self) -> Mapping[tuple[str, str], tuple[str, Assignment]]:
        """By organisation and route: the holdout's id, and who is in which arm."""
        ...


class HoldoutArms:
    """Knows what a route is for those held out."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self._baselines: dict[Route, Route] = {}

    def put(self, call: "Call") -> None:
        """Put a call into its arm, where its route has a holdout.

        Evaluations and what judges for them come by a credential of the program's own, and are in
        none. Whoever says by a header that a call judges is: else anybody could leave a holdout.
        Whose data the baseline may not be sent is in none: what is required comes first.
        """
        route = call.route
        if route is not None and route.champion is not None:
            route = route.champion
        if route is None or call.kind is EntryKind.SHADOW or not call.caller.live:
            return
        found = self.held.by_route.get((call.caller.org, route.name))
        if found is None or call.surface.operation not in _HELD:
            return
        if not may_take(route.baseline, call):
            return
        holdout_id, assignment = found
        arm = assignment.arm(unit_of(call.user, call.request_id))
        call.holdout = f"{holdout_id}/{arm}"
        if arm == HOLDOUT:
            _take_out(call, route)
            call.route = self._baseline(route)

    def _baseline(self, route: "Route") -> "Route":
        """Return the route without cache and choice: its baseline, then the others if that fails.

        Made once: what is decided is kept by route.
        """
        known = self._baselines.get(route)
        if known is None:
            if len(self._baselines) >= _BASELINES_MAX:  # routes come and go with their versions
                self._baselines.clear()
            others = [one for one in route.deployments if one.name != route.baseline.name]
            known = self._baselines[route] = msgspec.structs.replace(
                route,
                deployments=(route.baseline, *others),
                order=_ORDERED,
                cache_ttl_s=0.0,
                rules=None,
                context=None,
                cache_hints=False,
                quality=None,
                semantic=None,
            )
        return known


def _take_out(call: "Call", champion: "Route") -> None:
    """Take a caller out of a rollout of the route: what the baseline answers tells nothing of it.

    Nor is the call copied: what a copy is compared with must be what the label points to.
    """
    call.copy = None
    chosen = call.route
    if chosen is not None and chosen is not champion:
        call.versions = call.versions.removesuffix(chosen.version) + champion.version
        call.arm, call.slices = "", ()
