"""Freezing a baseline for a contract: what routes cost at it in a period, signed and kept."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from legato.audit.note import SigningKey, opened
from legato.core.errors import Conflict, InvalidRequest
from legato.core.money import round_ratio
from legato.economics.waterfall import STEP_COLUMNS
from legato.insights.spend.counting import CALLERS
from legato.insights.spend.periods import period
from legato.storage.kpis.contracts import ContractStore, FrozenBaseline
from legato.storage.rollups.reading import SpendQuery, SpendReader
from legato.storage.rollups.telling import days_text

_KIND: Final = "legato contract baseline 1"
_NAME_MAX: Final = 120
_encode = msgspec.json.Encoder(order="deterministic").encode


class Baseline(msgspec.Struct, frozen=True):
    """What a route's callers would call: a deployment, and its price as JSON, "" for unknown."""

    deployment: str
    price: str = ""


class RouteTerms(msgspec.Struct, frozen=True, kw_only=True):
    """A route in the frozen period. Amounts are nano-USD."""

    route: str
    baseline: str
    price: str
    requests: int
    baseline_cost: int
    cost: int


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed."""

    org: str
    name: str
    period: str
    routes: tuple[RouteTerms, ...]


class RouteSaving(msgspec.Struct, frozen=True, kw_only=True):
    """A route in another period, by the frozen baseline's cost of a request; nano-USD."""

    route: str
    requests: int
    frozen_cost: int
    cost: int
    saved: int


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """A period against a frozen baseline; routes that it doesn't know are named, not counted."""

    terms: Terms
    period: str
    routes: tuple[RouteSaving, ...]
    saved: int
    unknown: tuple[str, ...]


class Freezing:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        store: ContractStore,
        spend: SpendReader,
        key: SigningKey,
        baselines: Callable[[], Mapping[str, Baseline]],
        *,
        now_ns: int,
        org: str,
    ) -> None:
        """`baselines`: those of all routes, by name."""
        self.store = store
        self._spend = spend
        self._key = key
        self._baselines = baselines
        self._now_ns = now_ns
        self._org = org

    def freeze(self, name: str, days: str, author: str) -> FrozenBaseline:
        """Sign and keep what routes cost at their baselines in a period.

        Raises:
            InvalidRequest: the name or the period can't be read.
            Conflict: no route had traffic then.
        """
        if not 0 < len(name) <= _NAME_MAX or not name.isprintable():
            told = f"name: write 1 to {_NAME_MAX} characters in one line"
            raise InvalidRequest(told, param="name")
        span, sums = self._by_route(days)
        baselines = self._baselines()
        routes = tuple(
            RouteTerms(
                route=route,
                baseline=baselines.get(route, Baseline("")).deployment,
                price=baselines.get(route, Baseline("")).price,
                requests=one["requests"],
                baseline_cost=one["cost"] + sum(one[step] for step in STEP_COLUMNS),
                cost=one["cost"],
            )
            for route, one in sums.items()
            if one["requests"] > 0
        )
        if not routes:
            raise Conflict(f"period: no route had traffic in {span}", param="period")
        terms = Terms(org=self._org, name=name, period=span, routes=routes)
        note = self._key.sign(f"{_KIND}\n{_encode(terms).decode()}\n")
        return self.store.keep(name, author, note)

    def read(self, frozen: FrozenBaseline) -> Terms:
        """Return what is signed. Raises Conflict where that is not what this instance signed."""
        try:
            kind, text, _ = opened(frozen.note, self._key.verifying).split("\n")
            terms = msgspec.json.decode(text, type=Terms)
        except ValueError as error:
            raise Conflict(f"this frozen baseline was changed: {error}") from None
        if kind != _KIND or terms.org != self._org or terms.name != frozen.name:
            raise Conflict("this frozen baseline was changed: it was signed as another one")
        return terms

    def against(self, baseline_id: str, days: str) -> Against:
        """Compare a period with a frozen baseline. Raises NotFound, InvalidRequest, Conflict."""
        terms = self.read(self.store.get(baseline_id))
        span, sums = self._by_route(days)
        known = {one.route: one for one in terms.routes}
        routes = []
        for route, one in sums.items():
            if (then := known.get(route)) is None:
                continue
            frozen = int(round_ratio(one["requests"] * then.baseline_cost, then.requests))
            saving = RouteSaving(
                route=route,
                requests=one["requests"],
                frozen_cost=frozen,
                cost=one["cost"],
                saved=frozen - one["cost"],
            )
            routes.append(saving)
        return Against(
            terms=terms,
            period=span,
            routes=tuple(routes),
            saved=sum(one.saved for one in routes),
            unknown=tuple(sorted(sums.keys() - known.keys())),
        )

    def _by_route(self, days: str) -> tuple[str, dict[str, dict[str, int]]]:
        """Return the days, and what each route cost, with the requests of callers alone."""
        span = period(days, self._now_ns)
        measures = ("requests", "cost", *STEP_COLUMNS)
        found: dict[str, dict[str, int]] = {}
        for row in self._spend.read(SpendQuery(span, measures, ("route", "kind"))):
            route, kind = row.group
            if not route:
                continue
            sums = found.setdefault(route, dict.fromkeys(measures, 0))
            for name, value in row.sums.items():
                if name != "requests" or kind in CALLERS:
                    sums[name] += value
        return days_text(span), found
