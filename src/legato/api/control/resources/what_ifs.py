"""What a change would have made of recorded traffic: nobody is called, nothing is changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, TypeVar

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from msgspec import Meta, field

from legato.api.control.access import Caller, make
from legato.api.control.forms import Form, Shown, moment, usd
from legato.api.control.gateway_view import GatewayView
from legato.api.control.services import Services
from legato.api.control.what_if_services import BoundAsked
from legato.core.config import Strategy
from legato.core.errors import InvalidRequest, NotFound
from legato.core.permission import Permission
from legato.evaluation.cache_what_if import WhatIf
from legato.replay.twin.intervals import Difference
from legato.replay.twin.measures import Measures
from legato.replay.twin.report import Report
from legato.replay.twin.scenario import Candidate, LatencyChange, RouteChange, Scenario, Traffic
from legato.replay.twin.times import REMEDY, is_moment

_OK = 200
_NAME_MAX = 128
_TEXT = Meta(min_length=1, max_length=_NAME_MAX)
_CHANGED = "changed"
_MONEY = "cost_nano_usd"
_NANO_PER_USD = 1e9
_SHARE = "_share"
Found = TypeVar("Found")
RouteName = Annotated[str, Parameter(description="The route's alias.", max_length=_NAME_MAX)]
Simulated = Literal[
    "ordered", "weighted", "cheapest", "least_latency", "least_outstanding", "peak_ewma"
]
Since = Annotated[str, Meta(min_length=1, max_length=40, description="24h, or an ISO 8601 time.")]


class RouteAsked(Form, frozen=True, kw_only=True):
    """Another policy of a route; what isn't given stays as it is.

    Strategies that choose by the text aren't simulated: `legato route frontier` tells of these.
    `like` names whose latency a deployment has that this traffic never asked.
    """

    org: Annotated[str, Meta(max_length=_NAME_MAX)] | None = None
    since: Since = "24h"
    until: Since | None = None
    strategy: Simulated | None = None
    deployments: list[Annotated[str, _TEXT]] | None = None
    weights: dict[str, Annotated[int, Meta(ge=0, le=1_000_000)]] = field(default_factory=dict)
    like: dict[str, Annotated[str, _TEXT]] = field(default_factory=dict)


class WorldFigures(Shown, frozen=True, kw_only=True):
    """What became of the requests. `unpriced` counts attempts whose cost isn't known."""

    requests: int
    answered: int
    refused: int
    failed: int
    fell_back: int
    cache_hits: int
    cost_usd: str
    unpriced: int
    latency_ms_p50: float | None
    latency_ms_p95: float | None


class FigureDifference(Shown, frozen=True, kw_only=True):
    """Changed minus as it is, with the 95 % interval; null with too few callers or too little time.

    In `unit`: USD, share (points of one), or ms.
    """

    figure: str
    unit: str
    value: float
    low: float | None
    high: float | None


class RouteTried(Shown, frozen=True, kw_only=True):
    """The same requests in two worlds. `difference_usd` is the recorded world less the ledger."""

    route: str
    started_at: str
    seconds: float
    requests: int
    ledger_usd: str
    difference_usd: str
    left_out: dict[str, int]
    as_is: WorldFigures
    changed: WorldFigures
    differences: list[FigureDifference]
    compared_by: str
    quality: str
    measured: list[str]
    modelled: list[str]
    assumed: list[str]


class BoundForm(Form, frozen=True, kw_only=True):
    """Which bound, for which route's captured requests."""

    route: Annotated[str, _TEXT]
    bound: Annotated[float, Meta(gt=0, le=0.2)]
    since: Since = "7d"
    org: Annotated[str, Meta(max_length=_NAME_MAX)] | None = None


class BoundFigures(Shown, frozen=True, kw_only=True):
    """What the cache would have done; costs in dollars."""

    requests: int
    exact: int
    hits: int
    same_words: int
    checked: int
    saved_usd: str
    cost_usd: str


class BoundResult(Shown, frozen=True, kw_only=True):
    """What a judge would have found lies between the two."""

    embedder: str
    bound: float
    left_out: dict[str, int]
    differing_is_wrong: BoundFigures
    differing_is_right: BoundFigures


@make("/routes/{route:str}/what-if", Permission.LEDGER_READ, tags=["gateway"],
      status_code=_OK, sync_to_thread=None)  # fmt: skip
async def try_route(
    services: Given[Services], caller: Given[Caller], route: RouteName, data: JSONBody[RouteAsked]
) -> RouteTried:
    """Simulate another policy of a route on recorded requests. Nobody is called."""
    tenant = caller.tenant(data.org)
    _known(services, route, data)
    candidate = Candidate(
        name=_CHANGED,
        routes=[
            RouteChange(
                alias=route,
                deployments=data.deployments,
                strategy=Strategy(data.strategy) if data.strategy else None,
                weights=data.weights,
            )
        ],
        latency=[LatencyChange(deployment=name, like=like) for name, like in data.like.items()],
    )
    traffic = Traffic(org=tenant.org, since=data.since, until=data.until, route=route)
    scenario = Scenario(name=route, traffic=traffic, candidates=[candidate])
    report = await _tried(services, lambda: services.what_ifs.scenario(scenario))
    return _route_tried(route, report)


@make("/cache/what-if", Permission.CACHE_READ, tags=["cache"],
      status_code=_OK, sync_to_thread=None)  # fmt: skip
async def try_bound(
    services: Given[Services], caller: Given[Caller], data: JSONBody[BoundForm]
) -> BoundResult:
    """Replay captured requests at another bound of the semantic cache. Nobody is called."""
    tenant = caller.tenant(data.org)
    _knows(services.gateway(), data.route)
    _checked_time("since", data.since)
    asked = BoundAsked(org=tenant.org, route=data.route, bound=data.bound, since=data.since)
    found = await _tried(services, lambda: services.what_ifs.bound(asked))
    return BoundResult(
        embedder=found.embedder,
        bound=found.bound,
        left_out=found.left_out,
        differing_is_wrong=_bound_figures(found.differing_is_wrong),
        differing_is_right=_bound_figures(found.differing_is_right),
    )


HANDLERS = (try_route, try_bound)


async def _tried(services: Services, work: Callable[[], Found]) -> Found:
    return await services.identity.lanes.what_ifs.run(work)


def _known(services: Services, route: str, asked: RouteAsked) -> None:
    """Refuse what can't be simulated, by the field that is wrong. Raises NotFound."""
    view = _knows(services.gateway(), route)
    if asked.deployments is None and asked.strategy is None and not asked.weights:
        told = "nothing is changed: give `deployments`, `strategy` or `weights`"
        raise InvalidRequest(told, param="deployments")
    names = {one.name for one in view.deployments}
    said: Mapping[str, Sequence[str]] = {
        "deployments": asked.deployments or (),
        "weights": tuple(asked.weights),
        "like": (*asked.like, *asked.like.values()),
    }
    for where, called in said.items():
        for name in called:
            if name not in names:
                raise InvalidRequest(f"{where}: there is no deployment {name!r}", param=where)
    _checked_time("since", asked.since)
    if asked.until is not None:
        _checked_time("until", asked.until)


def _knows(view: GatewayView, route: str) -> GatewayView:
    if route not in {one.alias for one in view.routes}:
        raise NotFound(f"there is no route {route!r}", param="route")
    return view


def _checked_time(where: str, text: str) -> None:
    if not is_moment(text):
        raise InvalidRequest(f"{where}: {text!r} is no time. {REMEDY}", param=where)


def _route_tried(route: str, report: Report) -> RouteTried:
    (changed,), closing = report.candidates, report.closing
    if closing is None or changed.differences is None:
        raise AssertionError("what is simulated of the ledger closes with it and is compared")
    compared = changed.differences
    return RouteTried(
        route=route,
        started_at=moment(report.traffic.started_ns),
        seconds=report.traffic.span_us / 1e6,
        requests=report.traffic.requests,
        ledger_usd=usd(closing.ledger) or "0",
        difference_usd=usd(closing.difference) or "0",
        left_out=dict(closing.left_out),
        as_is=_figures(report.as_is.groups.total),
        changed=_figures(changed.groups.total),
        differences=[_difference(name, one) for name, one in compared.figures.items()],
        compared_by=f"{compared.clusters} groups: {compared.clusters_of}",
        quality=report.quality,
        measured=report.measured,
        modelled=report.modelled,
        assumed=report.assumed,
    )


def _figures(one: Measures) -> WorldFigures:
    return WorldFigures(
        requests=one.requests,
        answered=one.answered,
        refused=one.refused,
        failed=one.failed,
        fell_back=one.fell_back,
        cache_hits=one.cache_hits,
        cost_usd=usd(one.cost) or "0",
        unpriced=one.unpriced,
        latency_ms_p50=one.latency_ms_p50,
        latency_ms_p95=one.latency_ms_p95,
    )


def _difference(name: str, one: Difference) -> FigureDifference:
    unit = "share" if name.endswith(_SHARE) else "ms"
    factor = 1.0
    if name.startswith(_MONEY):
        name, unit, factor = name.replace("nano_usd", "usd"), "USD", 1 / _NANO_PER_USD
    low, high = (None if value is None else value * factor for value in (one.low, one.high))
    return FigureDifference(figure=name, unit=unit, value=one.value * factor, low=low, high=high)


def _bound_figures(one: WhatIf) -> BoundFigures:
    return BoundFigures(
        requests=one.requests,
        exact=one.exact,
        hits=one.hits,
        same_words=one.same_words,
        checked=one.checked,
        saved_usd=usd(one.saved) or "0",
        cost_usd=usd(one.cost) or "0",
    )
