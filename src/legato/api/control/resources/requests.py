"""Requests as they went, calls that were blocked, cached or refused among them, and why."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, Final

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import Parameter

from legato.api.control.access import Caller, read
from legato.api.control.cursors import Cursors
from legato.api.control.forms import Id, Shown, known_id, moment, moment_ns, usd
from legato.api.control.paging import LIMIT, Cursor, Limit
from legato.api.control.resources.ledger import Entry, shown_entry
from legato.api.control.services import Services
from legato.core.decisions import Decision
from legato.core.errors import NotFound
from legato.core.guard_facts import plain_facts
from legato.core.permission import Permission
from legato.core.usage import USAGE_CLASSES
from legato.economics.waterfall import StepName
from legato.storage.ledger.entries import EntryReader, Row
from legato.storage.ledger.trace_blocks import Spot, TraceHead

_LOOKED_AT_MAX: Final = 20_000
"""Requests that one page looks at, whatever it shows of them."""
_PAGE_S: Final = 0.03
_ASKED_AT_ONCE: Final = 200
_LIST: Final = "requests"
_FAILED: Final = 400
_LEFT: Final = 499
_DECIDED: Final = (
    "route", "route_asked", "config", "operation", "steps", "routed", "semantic", "hedged",
    "queued", "degraded", "priority", "near", "output", "kind",
)  # fmt: skip
Narrow = Annotated[str | None, Parameter(max_length=256, required=False)]


class OneRequest(Shown, frozen=True, kw_only=True):
    """One request. Amounts are dollars, null where unpriced; `guard` is the strictest action."""

    request_id: str
    at: str
    org: str
    team: str
    feature: str
    key_id: str
    surface: str
    model_requested: str
    deployment: str
    provider: str
    model_served: str
    attempts: int
    http_status: int
    error_code: str
    stream: bool
    cache: str
    cost_usd: str | None
    baseline_usd: str | None
    saved_usd: str | None
    total_us: int
    first_byte_us: int
    upstream_us: int
    tokens: dict[str, int]
    guard: str | None
    degraded: str


class RequestPage(Shown, frozen=True, kw_only=True):
    """A page of requests, newest first; it may be short, or empty, and go on all the same."""

    data: list[OneRequest]
    next_cursor: str | None


class Timed(Shown, frozen=True, kw_only=True):
    """How long a stage took."""

    name: str
    us: int


class RouteHeld(Shown, frozen=True, kw_only=True):
    """A route as it was when a request was decided, whatever became of it since."""

    alias: str
    strategy: str
    deployments: list[str]
    baseline: str
    version: str
    rules: list[str]


class RequestDetail(OneRequest, frozen=True, kw_only=True):
    """A request with its stages in order, what was decided and why, and what it cost."""

    trace_id: str
    versions: str
    arm: str
    stages: list[Timed]
    config: str
    """The hash of the configuration that held then."""
    route: RouteHeld | None
    """Null where none was chosen, or where one may not see routes."""
    decision: dict[str, Any] | None
    guarded: dict[str, Any] | None
    entries: list[Entry]


class Narrowing(msgspec.Struct, frozen=True):
    """What is asked for: values by field, and from when on."""

    fields: dict[str, str]
    status: str
    since_ns: int
    until_ns: int | None

    def fits(self, head: TraceHead) -> bool:
        """Whether a trace is among what is asked for."""
        if head.at_ns < self.since_ns:
            return False
        if self.until_ns is not None and head.at_ns >= self.until_ns:
            return False
        if self.status and not _has_status(head.http_status, self.status):
            return False
        return all(getattr(head, name) == value for name, value in self.fields.items())


@read("/requests", Permission.LEDGER_READ, tags=["requests"])
def list_requests(  # noqa: PLR0913, PLR0917 - one parameter for each filter
    services: Given[Services],
    caller: Given[Caller],
    cursor: Cursor = None,
    limit: Limit = LIMIT,
    org: Narrow = None,
    team: Narrow = None,
    feature: Narrow = None,
    key_id: Narrow = None,
    model: Narrow = None,
    deployment: Narrow = None,
    provider: Narrow = None,
    surface: Narrow = None,
    cache: Narrow = None,
    code: Narrow = None,
    step: Annotated[
        StepName | None,
        Parameter(description="Of the waterfall: what it came to something for.", required=False),
    ] = None,
    status: Annotated[
        str | None, Parameter(pattern="^(ok|error|cancelled|[1-5][0-9][0-9])$", required=False)
    ] = None,
    since: Narrow = None,
    until: Narrow = None,
) -> RequestPage:
    """List requests, newest first; `until` is not included."""
    given = {
        "team": team, "feature": feature, "key_id": key_id, "model_requested": model,
        "deployment": deployment, "provider": provider, "surface": surface, "cache": cache,
        "error_code": code,
    }  # fmt: skip
    wanted = Narrowing(
        {name: value for name, value in given.items() if value is not None},
        status or "",
        moment_ns(since, "since") or 0,
        moment_ns(until, "until"),
    )
    reader = services.entries(caller.narrowed(org))
    before = None if cursor is None else _spot(services.cursors, cursor)
    found = reader.newest_traces(before, wanted.until_ns, wanted.fits)
    if step is not None:
        found = _with_step(reader, found, step)
    return _page(services.cursors, found, wanted, limit)


@read("/requests/{request_id:str}", Permission.LEDGER_READ, tags=["requests"])
def show_request(services: Given[Services], caller: Given[Caller], request_id: Id) -> RequestDetail:
    """Show how a request went, why it went so, and its entries in the ledger."""
    reader: EntryReader = services.entries(caller.reach)
    row = reader.trace(known_id(request_id))
    if row is None:
        raise NotFound("there is no such request")
    decision, guarded = row["decision"], row["guarded"]
    return RequestDetail(
        **_fields(row),
        trace_id=row["trace_id"],
        versions=row["versions"],
        arm=row["arm"],
        stages=[Timed(name=name, us=us) for name, us in row["stages"]],
        config="" if decision is None else decision.config,
        route=_held(services, caller, decision),
        decision=None if decision is None else _decided(decision),
        guarded=None if guarded is None else plain_facts(guarded),
        entries=[shown_entry(one) for one in reader.entries_of(request_id)],
    )


HANDLERS = (list_requests, show_request)


def _page(
    cursors: Cursors, found: Iterator[tuple[Spot, Row | None]], wanted: Narrowing, limit: int
) -> RequestPage:
    shown: list[OneRequest] = []
    until_s = time.monotonic() + _PAGE_S
    for looked_at, (spot, row) in enumerate(found, 1):
        if spot.last_at_ns < wanted.since_ns:
            break
        if row is not None:
            shown.append(OneRequest(**_fields(row)))
        is_long = looked_at >= _LOOKED_AT_MAX or time.monotonic() > until_s
        if len(shown) == limit or is_long:
            text = ".".join(map(str, spot))
            return RequestPage(data=shown, next_cursor=cursors.make(_LIST, text))
    return RequestPage(data=shown, next_cursor=None)


def _with_step(
    reader: EntryReader, found: Iterator[tuple[Spot, Row | None]], step: StepName
) -> Iterator[tuple[Spot, Row | None]]:
    """Leave out requests for which a step of the waterfall came to nothing."""
    while some := list(islice(found, _ASKED_AT_ONCE)):
        ids = [row["request_id"] for _, row in some if row is not None]
        kept = reader.with_step(ids, step) if ids else set()
        for spot, row in some:
            yield spot, row if row is not None and row["request_id"] in kept else None


def _spot(cursors: Cursors, cursor: str) -> Spot:
    return Spot(*map(int, cursors.read(_LIST, cursor).split(".")))


def _has_status(status: int, wanted: str) -> bool:
    if wanted == "cancelled":
        return status == _LEFT
    if wanted in {"ok", "error"}:
        return (status < _FAILED) == (wanted == "ok")
    return status == int(wanted)


def _fields(row: Row) -> dict[str, Any]:
    decision, guarded, cost = row["decision"], row["guarded"], row["cost"]
    baseline = None if decision is None else decision.baseline_cost
    saved = None if cost is None or baseline is None else baseline - cost
    same = {name: row[name] for name in OneRequest.__struct_fields__ if name in row}
    return {
        **same,
        "at": moment(row["at_ns"]),
        "cost_usd": usd(cost),
        "baseline_usd": usd(baseline),
        "saved_usd": usd(saved),
        "tokens": {name: n for name, n in zip(USAGE_CLASSES, row["usage"], strict=True) if n},
        "guard": None if guarded is None else guarded.done or None,
        "degraded": "" if decision is None else decision.degraded,
    }


def _held(services: Services, caller: Caller, decision: Decision | None) -> RouteHeld | None:
    if decision is None or not decision.route or not caller.has(Permission.GATEWAY_READ):
        return None
    facts = services.route_held(decision.route)
    if facts is None:
        return None
    return RouteHeld(
        alias=facts.alias,
        strategy=facts.strategy,
        deployments=[one.name for one in facts.deployments],
        baseline=facts.baseline.name,
        version=facts.version,
        rules=[one.name for one in facts.rules],
    )


def _decided(decision: Any) -> dict[str, Any]:
    told = {name: _plain(getattr(decision, name)) for name in _DECIDED}
    return {**told, "baseline_cost_usd": usd(decision.baseline_cost)}


def _plain(value: Any) -> Any:
    """Return structs by the names of their fields, also those that are kept as arrays."""
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value
