"""Budgets: what they are, how they stand, what came of them."""

from typing import Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import UNSET

from legato.api.control.access import Caller, change, make, read
from legato.api.control.etags import IfMatch, etag, matched_version
from legato.api.control.forms import Id, known_id
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.resources.budget_forms import (
    Budget,
    BudgetChange,
    BudgetEventPage,
    BudgetOutlook,
    BudgetPage,
    BudgetStatus,
    NewBudget,
    event_shown,
    outlook_shown,
    shown,
    standing_shown,
)
from legato.api.control.services import Services
from legato.core.config_budgets import EVERY_ORG, BudgetSaid, budget_of, said_of
from legato.core.errors import Forbidden
from legato.core.permission import Permission
from legato.core.tenant import EveryTenant, Tenant
from legato.storage.limits.budgets import BudgetRecord


@read("/budgets", Permission.BUDGET_READ, tags=["budgets"])
def list_budgets(
    services: Given[Services], caller: Given[Caller], cursor: Cursor = None, limit: Limit = LIMIT
) -> BudgetPage:
    """List the budgets within reach, in the order they were made."""
    store = services.budgets.of(caller.reach)
    rows, following = paged(
        services.cursors,
        "budgets",
        (cursor, limit),
        lambda count, after: store.page(count, after or ""),
        name=lambda record: record.budget.id,
    )
    return BudgetPage(data=[shown(record) for record in rows], next_cursor=following)


@make("/budgets", Permission.BUDGET_CREATE, tags=["budgets"])
def create_budget(
    services: Given[Services], caller: Given[Caller], once: Given[Once], data: JSONBody[NewBudget]
) -> Response[Budget]:
    """Make a budget. It counts from now on."""

    def work() -> Made:
        said = BudgetSaid(**{**_given(data), "org": _org(caller, data.org)})
        budget = budget_of(said, pseudonym=services.pseudonym)
        record = services.budgets.of(caller.reach).create(budget)
        headers = {
            "etag": etag(record.version),
            "location": f"/api/v1/budgets/{record.budget.id}",
        }
        return Made(shown(record), headers)

    return once(data, work)


@read("/budgets/{budget_id:str}", Permission.BUDGET_READ, tags=["budgets"])
def get_budget(services: Given[Services], caller: Given[Caller], budget_id: Id) -> Response[Budget]:
    """Show a budget."""
    return _one(services.budgets.of(caller.reach).get(known_id(budget_id)))


@change("/budgets/{budget_id:str}", Permission.BUDGET_UPDATE, tags=["budgets"])
def change_budget(
    services: Given[Services],
    caller: Given[Caller],
    *,
    budget_id: Id,
    data: JSONBody[BudgetChange],
    if_match: IfMatch = None,
) -> Response[Budget]:
    """Change a budget; every worker follows within two seconds."""
    version = matched_version(if_match)
    store = services.budgets.of(caller.reach)
    record = store.get(known_id(budget_id))
    _refuse_own(caller, record)
    given = {name: one for name, one in _given(data).items() if one is not UNSET}
    measures = {"usd", "tokens", "requests", "concurrency"}
    before = said_of(record.budget)
    if measures & given.keys():
        before |= dict.fromkeys(measures)
    users = before["where"].get("user")

    def pseudonym(org: str, user: str) -> str:
        return user if user == users else services.pseudonym(org, user)

    said = BudgetSaid(**{**before, **given})
    changed = budget_of(said, budget_id=record.budget.id, pseudonym=pseudonym)
    return _one(store.change(changed, version))


@make(
    "/budgets/{budget_id:str}/delete", Permission.BUDGET_DELETE, tags=["budgets"], status_code=200
)
def delete_budget(
    services: Given[Services], caller: Given[Caller], *, once: Given[Once], budget_id: Id
) -> Response[Budget]:
    """Forget a budget. Entries go on to name what they were charged to."""

    def work() -> Made:
        store = services.budgets.of(caller.reach)
        record = store.get(known_id(budget_id))
        _refuse_own(caller, record)
        store.delete(record.budget.id, record.version)
        return Made(shown(record), status=200)

    return once(None, work)


@read("/budgets/{budget_id:str}/status", Permission.BUDGET_READ, tags=["budgets"])
def budget_status(services: Given[Services], caller: Given[Caller], budget_id: Id) -> BudgetStatus:
    """Tell how a budget stands: its counters in this window, those most used first."""
    record = services.budgets.of(caller.reach).get(known_id(budget_id))
    counters = services.budgets.standings(record.budget)
    return BudgetStatus(
        budget=shown(record), counters=[standing_shown(record.budget, one) for one in counters]
    )


@read("/budgets/{budget_id:str}/forecast", Permission.BUDGET_READ, tags=["budgets"])
def budget_forecast(
    services: Given[Services], caller: Given[Caller], budget_id: Id
) -> BudgetOutlook:
    """Tell where a budget will stand at its window's end, with an interval that was tried."""
    record = services.budgets.of(caller.reach).get(known_id(budget_id))
    budget = record.budget
    counted = services.accounting(Tenant(budget.org)).burn_down.forecast(budget)
    return BudgetOutlook(
        budget=shown(record), counters=[outlook_shown(budget, one) for one in counted]
    )


@read("/budget-events", Permission.BUDGET_READ, tags=["budgets"])
def list_budget_events(
    services: Given[Services],
    caller: Given[Caller],
    *,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
    budget_id: Id = "",
) -> BudgetEventPage:
    """List what came of budgets within reach, oldest first."""
    store = services.budgets.events(caller.reach)
    wanted = known_id(budget_id) if budget_id else ""
    rows, following = paged(
        services.cursors,
        f"budget-events {wanted}",
        (cursor, limit),
        lambda count, after: store.page(count, int(after or 0), wanted),
        name=lambda row: str(row[0]),
    )
    return BudgetEventPage(data=[event_shown(*row) for row in rows], next_cursor=following)


HANDLERS = (
    list_budgets,
    create_budget,
    get_budget,
    change_budget,
    delete_budget,
    budget_status,
    budget_forecast,
    list_budget_events,
)


def _given(data: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(data, name) for name in data.__struct_fields__}


def _org(caller: Caller, org: str | None) -> str:
    if org != EVERY_ORG:
        return caller.tenant(org).org
    if not isinstance(caller.reach, EveryTenant):
        raise Forbidden("org: a budget of the whole instance is its operator's", param="org")
    return EVERY_ORG


def _refuse_own(caller: Caller, record: BudgetRecord) -> None:
    """Refuse to widen what holds the caller's own key alone."""
    principal = caller.principal
    if record.budget.where.get("key") in {principal.key_id, principal.name}:
        raise Forbidden("A key doesn't change its own budget: use another one that may.")


def _one(record: BudgetRecord) -> Response[Budget]:
    return Response(content=shown(record), headers={"etag": etag(record.version)})
