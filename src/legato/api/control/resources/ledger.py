"""What was spent: entries, and sums over them."""

from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import Parameter

from legato.api.control.access import Caller, read
from legato.api.control.forms import Shown, moment, moment_ns, usd
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest
from legato.core.permission import Permission
from legato.core.usage import USAGE_CLASSES
from legato.economics.waterfall import STEP_COLUMNS, STEPS
from legato.storage.ledger.entries import EntryFilter, Row

_DIMENSIONS_MAX = 6
Narrow = Annotated[str | None, Parameter(max_length=256, required=False)]


class Wanted(msgspec.Struct, frozen=True):
    """Which entries, and within whose."""

    entries: EntryFilter
    org: str | None


class Entry(Shown, frozen=True, kw_only=True):
    """One attempt, or a correction of one. Amounts are dollars, null where unpriced."""

    id: int
    request_id: str
    attempt: int
    kind: str
    at: str
    org: str
    team: str
    feature: str
    key_id: str
    user: str
    tags: dict[str, str]
    model_requested: str
    route: str
    deployment: str
    provider: str
    model: str
    model_served: str
    region: str
    status: str
    http_status: int
    tokens: dict[str, int]
    usage_source: str
    cost_usd: str | None
    baseline_usd: str | None
    steps_usd: dict[str, str]
    baseline_model: str
    price_version: str
    total_us: int
    first_token_us: int
    gateway_us: int
    provisional: bool
    reverses_entry: int | None


class EntryPage(Shown, frozen=True, kw_only=True):
    """A page of entries, newest first."""

    data: list[Entry]
    next_cursor: str | None


class Sum(Shown, frozen=True, kw_only=True):
    """One group; `saved_usd` is baseline minus cost where both are known, the sum of its steps."""

    group: dict[str, str]
    requests: int
    attempts: int
    unpriced: int
    provisional: int
    cost_usd: str
    baseline_usd: str
    saved_usd: str
    steps_usd: dict[str, str]
    tokens: dict[str, int]


class Sums(Shown, frozen=True, kw_only=True):
    """All groups."""

    data: list[Sum]


def provide_wanted(  # noqa: PLR0913 - one parameter for each filter
    *,
    org: Narrow = None,
    team: Narrow = None,
    feature: Narrow = None,
    key_id: Narrow = None,
    user: Narrow = None,
    model: Narrow = None,
    deployment: Narrow = None,
    provider: Narrow = None,
    route: Narrow = None,
    kind: Narrow = None,
    status: Narrow = None,
    request_id: Narrow = None,
    since: Narrow = None,
    until: Narrow = None,
) -> Wanted:
    """Read what narrows a question about the ledger. `since` is inclusive, `until` not."""
    entries = EntryFilter(
        since_ns=moment_ns(since, "since"),
        until_ns=moment_ns(until, "until"),
        team=team,
        feature=feature,
        key_id=key_id,
        end_user=user,
        model_requested=model,
        deployment=deployment,
        provider=provider,
        route=route,
        kind=kind,
        status=status,
        request_id=request_id,
    )
    return Wanted(entries, org)


@read("/ledger/entries", Permission.LEDGER_READ, tags=["ledger"])
def list_entries(
    services: Given[Services],
    caller: Given[Caller],
    *,
    wanted: Given[Wanted],
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> EntryPage:
    """List entries, newest first."""
    reader = services.entries(caller.narrowed(wanted.org))
    rows, following = paged(
        services.cursors,
        "entries",
        (cursor, limit),
        lambda count, before: reader.page(count, int(before) if before else None, wanted.entries),
        name=lambda row: str(row["id"]),
    )
    return EntryPage(data=[shown_entry(row) for row in rows], next_cursor=following)


@read("/ledger/sums", Permission.LEDGER_READ, tags=["ledger"])
def sum_entries(
    services: Given[Services],
    caller: Given[Caller],
    wanted: Given[Wanted],
    by: Annotated[
        str, Parameter(max_length=200, description="Dimensions, separated by commas.")
    ] = "team",
) -> Sums:
    """Sum entries by up to six dimensions, as team, feature, model, deployment, day."""
    dimensions = [one.strip() for one in by.split(",") if one.strip()]
    if len(dimensions) > _DIMENSIONS_MAX or len(set(dimensions)) != len(dimensions):
        raise InvalidRequest(f"by: name up to {_DIMENSIONS_MAX} dimensions, each once", param="by")
    found = services.sums(caller.narrowed(wanted.org)).sum_by(dimensions, wanted.entries)
    return Sums(
        data=[
            Sum(
                group=dict(zip(dimensions, one.group, strict=True)),
                requests=one.requests,
                attempts=one.attempts,
                unpriced=one.unpriced,
                provisional=one.provisional,
                cost_usd=usd(one.cost) or "0",
                baseline_usd=usd(one.baseline_cost) or "0",
                saved_usd=usd(one.saved) or "0",
                steps_usd={name: usd(nano) or "0" for name, nano in one.steps.items()},
                tokens=one.tokens,
            )
            for one in found
        ]
    )


HANDLERS = (list_entries, sum_entries)
_SAME = tuple(
    name
    for name in Entry.__struct_fields__
    if name not in {"at", "user", "tokens", "cost_usd", "baseline_usd", "steps_usd"}
)


def shown_entry(row: Row) -> Entry:
    """Return an entry as it is answered."""
    same: dict[str, Any] = {name: row[name] for name in _SAME}
    return Entry(
        **same,
        at=moment(row["at_ns"]),
        user=row["end_user"],
        tokens={name: row[name] for name in USAGE_CLASSES if row[name]},
        cost_usd=usd(row["cost"]),
        baseline_usd=usd(row["baseline_cost"]),
        steps_usd={
            name: usd(row[column]) or "0"
            for name, column in zip(STEPS, STEP_COLUMNS, strict=True)
            if row[column]
        },
    )
