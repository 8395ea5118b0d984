"""The books beside the ledger: assumptions, labour, revenue, benefits."""

from typing import Annotated, Literal

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Id, known_id
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.resources.finance_forms import (
    Assumption,
    Assumptions,
    Counted,
    Entry,
    EntryPage,
    EntrySums,
    NewAssumptions,
    NewBenefitEntries,
    NewLabourEntries,
    NewRevenueEntries,
    assumption_shown,
    entry_shown,
    sum_shown,
)
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.economics.finance.assumptions import Said
from legato.economics.finance.entries import SAID, EntryKind
from legato.storage.finance.entries import EntryFilter

_TAGS = ["finance"]
_MONTH = r"^((19|20|21)[0-9]{2}-(0[1-9]|1[0-2]))?$"
Kind = Annotated[Literal["labour", "revenue", "benefit"], Parameter(description="Which entries.")]
Org = Annotated[str | None, Parameter(max_length=128, required=False)]
Narrow = Annotated[str, Parameter(max_length=128)]
Month = Annotated[str, Parameter(pattern=_MONTH, description="A month, as 2026-08.")]
Day = Annotated[str, Parameter(max_length=10, description="A date; today's where it is left out.")]


@read("/finance/assumptions", Permission.FINANCE_READ, tags=_TAGS)
def list_assumptions(
    services: Given[Services], caller: Given[Caller], *, org: Org = None, on: Day = ""
) -> Assumptions:
    """List what holds on a date, with what ships where nobody said better."""
    found = services.finance.assumptions(caller.tenant(org), on)
    return Assumptions(data=[assumption_shown(one) for one in found])


@make("/finance/assumptions", Permission.FINANCE_UPDATE, tags=_TAGS)
def set_assumptions(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewAssumptions],
) -> Response[Assumptions]:
    """Keep the next versions of assumptions: all or none."""

    def work() -> Made:
        said = [Said(**msgspec.structs.asdict(one)) for one in data.assumptions]
        found = services.finance.say(caller.tenant(data.org), said, caller.author)
        return Made(Assumptions(data=[assumption_shown(one) for one in found]))

    return once(data, work)


@read("/finance/assumptions/history", Permission.FINANCE_READ, tags=_TAGS)
def assumption_history(
    services: Given[Services],
    caller: Given[Caller],
    *,
    name: Annotated[str, Parameter(max_length=300)],
    org: Org = None,
) -> Assumptions:
    """List all versions of one name, oldest first."""
    found = services.finance.history(caller.tenant(org), name)
    shown: list[Assumption] = [assumption_shown(one) for one in found]
    return Assumptions(data=shown)


@make("/finance/labour", Permission.FINANCE_UPDATE, tags=_TAGS)
def add_labour(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewLabourEntries],
) -> Response[Counted]:
    """Keep hours of work: all or none, each external id once."""
    return once(data, lambda: _added(services, caller, EntryKind.LABOUR, data))


@make("/finance/revenue", Permission.FINANCE_UPDATE, tags=_TAGS)
def add_revenue(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewRevenueEntries],
) -> Response[Counted]:
    """Keep revenue: all or none, each external id once."""
    return once(data, lambda: _added(services, caller, EntryKind.REVENUE, data))


@make("/finance/benefits", Permission.FINANCE_UPDATE, tags=_TAGS)
def add_benefits(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewBenefitEntries],
) -> Response[Counted]:
    """Keep benefits beyond cost: all or none, each external id once."""
    return once(data, lambda: _added(services, caller, EntryKind.BENEFIT, data))


@read("/finance/entries", Permission.FINANCE_READ, tags=_TAGS)
def list_finance_entries(  # noqa: PLR0913 - one parameter for each filter
    services: Given[Services],
    caller: Given[Caller],
    *,
    kind: Kind,
    org: Org = None,
    team: Narrow = "",
    feature: Narrow = "",
    since: Month = "",
    until: Month = "",
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> EntryPage:
    """List entries of one kind, in the order they were brought; both months are inclusive."""
    store = services.finance.stores.entries(EntryKind(kind), caller.narrowed(org))
    wanted = EntryFilter(since=since, until=until, team=team, feature=feature)
    rows, following = paged(
        services.cursors,
        f"finance {kind}",
        (cursor, limit),
        lambda count, after: store.page(count, after or "", wanted),
        name=lambda row: row.id,
    )
    return EntryPage(data=[entry_shown(row) for row in rows], next_cursor=following)


@read("/finance/sums", Permission.FINANCE_READ, tags=_TAGS)
def sum_finance_entries(
    services: Given[Services],
    caller: Given[Caller],
    *,
    kind: Kind,
    org: Org = None,
    team: Narrow = "",
    feature: Narrow = "",
    since: Month = "",
    until: Month = "",
) -> EntrySums:
    """Sum entries of one kind by month, feature and what they are."""
    store = services.finance.stores.entries(EntryKind(kind), caller.narrowed(org))
    wanted = EntryFilter(since=since, until=until, team=team, feature=feature)
    return EntrySums(data=[sum_shown(one) for one in store.sums(wanted)])


@make(
    "/finance/entries/{entry_id:str}/delete",
    Permission.FINANCE_UPDATE,
    tags=_TAGS,
    status_code=200,
)
def delete_finance_entry(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    entry_id: Id,
) -> Response[Entry]:
    """Forget an entry; the audit log keeps its amount."""

    def work() -> Made:
        gone = services.finance.delete(caller.reach, known_id(entry_id))
        return Made(entry_shown(gone), status=200)

    return once(None, work)


HANDLERS = (
    list_assumptions,
    set_assumptions,
    assumption_history,
    add_labour,
    add_revenue,
    add_benefits,
    list_finance_entries,
    sum_finance_entries,
    delete_finance_entry,
)


def _added(
    services: Services,
    caller: Caller,
    kind: EntryKind,
    data: NewLabourEntries | NewRevenueEntries | NewBenefitEntries,
) -> Made:
    said = [SAID[kind](**msgspec.structs.asdict(one)) for one in data.entries]
    org = _org(caller, data.org)
    done = services.finance.add((caller.reach, org), said, caller.author, replace=data.replace)
    return Made(Counted(**msgspec.structs.asdict(done)))


def _org(caller: Caller, org: str | None) -> str:
    """Return whose the entries are: within reach is told by each entry's team and feature."""
    if org is None:
        return caller.principal.org
    caller.narrowed(org)
    return org
