"""Rates, cost centres, and what each of them bears of a period."""

from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta

from legato.accounting.charging import charged_shown, journal_csv
from legato.accounting.rate_files import checked_rate
from legato.api.control.access import Caller, make, read
from legato.api.control.accounting.periods import Name, Org
from legato.api.control.forms import Form, Shown, moment
from legato.api.control.once import Made, Once
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.economics.chargeback import CostRules
from legato.economics.exchange import rate_text
from legato.storage.accounting.costs import RulesVersion

Currency = Annotated[
    str | None, Parameter(pattern="^[A-Z]{3}$", required=False, description="As EUR.")
]
Code = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Count = Annotated[int, Parameter(ge=1, le=10_000)]
_LISTED = 100


class FxRate(Form, frozen=True, kw_only=True):
    """How many `quote` one `base` was on a day, and who says so."""

    day: Annotated[str, Meta(max_length=10)]
    base: Code
    quote: Code
    rate: Annotated[str, Meta(max_length=24)]
    source: Annotated[str, Meta(min_length=1, max_length=200)]


class NewFxRates(Form, frozen=True, kw_only=True):
    """Rates to be kept, all or none."""

    rates: Annotated[list[FxRate], Meta(min_length=1, max_length=5000)]


class FxRates(Shown, frozen=True, kw_only=True):
    """Rates, newest day first."""

    data: list[FxRate]


class FxRatesKept(Shown, frozen=True, kw_only=True):
    """How many were new or changed."""

    changed: int


class CostRulesVersion(Shown, frozen=True, kw_only=True):
    """A version of the rules that charge entries to cost centres."""

    version: int
    rules: CostRules
    made_by: str
    made_at: str


class ChargedTo(Shown, frozen=True, kw_only=True):
    """What a cost centre bears on an account; null for unassigned, and for its own use."""

    cost_centre: str | None
    account: str
    pool: str | None
    amount: str
    requests: int
    tokens: int


class RatesOfDay(Shown, frozen=True, kw_only=True):
    """By which rates a day was converted."""

    day: str
    rates: list[str]


class Chargeback(Shown, frozen=True, kw_only=True):
    """All of a period, in `currency`; `charges` come to `total` exactly."""

    period: str
    state: str
    currency: str
    rules_version: int
    spent: str
    stated: str
    total: str
    unassigned: str
    accrued: str
    charges: list[ChargedTo]
    rates: list[RatesOfDay]


@read("/rates", Permission.BOOKS_READ, tags=["accounting"])
def list_rates(
    services: Given[Services],
    caller: Given[Caller],
    *,
    currency: Currency = None,
    count: Count = _LISTED,
    org: Org = None,
) -> FxRates:
    """List rates of currencies, newest day first."""
    store = services.accounting(caller.tenant(org)).rates
    return FxRates(
        data=[
            FxRate(
                day=one.day.isoformat(),
                base=one.base,
                quote=one.quote,
                rate=rate_text(one.units),
                source=one.source,
            )
            for one in store.page(count, currency or "")
        ]
    )


@make("/rates", Permission.BOOKS_UPDATE, tags=["accounting"], status_code=200)
def keep_rates(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    data: JSONBody[NewFxRates],
    org: Org = None,
) -> Response[FxRatesKept]:
    """Keep rates; those of a closed period's days don't change."""

    def work() -> Made:
        rates = [
            checked_rate((one.day, one.base, one.quote, one.rate), one.source) for one in data.rates
        ]
        store = services.accounting(caller.tenant(org)).rates
        return Made(FxRatesKept(changed=store.put(rates)), status=200)

    return once(data, work)


@read("/cost-rules", Permission.BOOKS_READ, tags=["accounting"])
def get_cost_rules(
    services: Given[Services], caller: Given[Caller], org: Org = None
) -> CostRulesVersion:
    """Show the newest version of the rules."""
    return _version(services.accounting(caller.tenant(org)).costs.rules())


@make("/cost-rules", Permission.BOOKS_UPDATE, tags=["accounting"])
def set_cost_rules(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    data: JSONBody[CostRules],
    org: Org = None,
) -> Response[CostRulesVersion]:
    """Keep a new version, for periods that end on `valid_from` or later."""
    store = services.accounting(caller.tenant(org)).costs
    return once(data, lambda: Made(_version(store.set_rules(data))))


@read("/periods/{period:str}/chargeback", Permission.BOOKS_READ, tags=["accounting"])
def get_chargeback(
    services: Given[Services],
    caller: Given[Caller],
    *,
    period: Name,
    currency: Currency = None,
    org: Org = None,
) -> Chargeback:
    """Show what each cost centre bears of a period."""
    charged = services.accounting(caller.tenant(org)).charging.charge(period, currency)
    shown: dict[str, Any] = charged_shown(charged)
    return msgspec.convert(shown, Chargeback)


@read("/periods/{period:str}/journal", Permission.BOOKS_READ, tags=["accounting"])
def get_journal(
    services: Given[Services],
    caller: Given[Caller],
    *,
    period: Name,
    currency: Currency = None,
    org: Org = None,
) -> Response[str]:
    """Give the period's lines for the general ledger as CSV."""
    charged = services.accounting(caller.tenant(org)).charging.charge(period, currency)
    return Response(content=journal_csv(charged), media_type="text/csv; charset=utf-8")


HANDLERS = (list_rates, keep_rates, get_cost_rules, set_cost_rules, get_chargeback, get_journal)


def _version(found: RulesVersion) -> CostRulesVersion:
    return CostRulesVersion(
        version=found.version,
        rules=found.rules,
        made_by=found.made_by,
        made_at=moment(found.made_at_ns),
    )
