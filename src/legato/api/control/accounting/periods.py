"""Periods: how the books are kept, what remains of a month, closing it."""

from typing import Annotated, Literal

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import UNSET, Meta, UnsetType, field

from legato.accounting.books import PeriodState, PeriodView
from legato.api.control.access import Caller, change, make, read
from legato.api.control.etags import IfMatch, etag, matched_version
from legato.api.control.forms import Form, Shown, moment, usd
from legato.api.control.once import Made, Once
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.economics.fiscal import Calendar, Pattern
from legato.storage.accounting.periods import ClosedPeriod, Sums, Terms

Org = Annotated[str | None, Parameter(max_length=128, required=False)]
Name = Annotated[str, Parameter(max_length=32, description="As 2026-11 or FY2026-P03.")]
Reason = Annotated[str, Meta(min_length=1, max_length=300)]
Kind = Literal["open_attempts", "provisional", "unpriced", "alarms"]
Month = Annotated[int, Meta(ge=1, le=12)]


class BookTerms(Shown, frozen=True, kw_only=True):
    """How an organisation's books are kept."""

    calendar: Calendar
    currency: str
    four_eyes: bool
    version: int


class BookTermsChange(Form, frozen=True, kw_only=True):
    """What is to be changed: what is left out stays."""

    pattern: Pattern | UnsetType = UNSET
    year_start: Month | UnsetType = UNSET
    start_day: Annotated[int, Meta(ge=1, le=28)] | UnsetType = UNSET
    year_end: Month | UnsetType = UNSET
    weekday: Annotated[int, Meta(ge=0, le=6)] | UnsetType = UNSET
    year_ends: Literal["last", "nearest"] | UnsetType = UNSET
    zone: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | UnsetType = UNSET
    four_eyes: bool | UnsetType = UNSET


class PeriodSums(Shown, frozen=True, kw_only=True):
    """Sums over a period's entries, and the root of the tree over them."""

    entries: int
    cost_usd: str
    baseline_usd: str
    unpriced: int
    root: str


class PeriodClosing(Shown, frozen=True, kw_only=True):
    """How a period was closed; `event` is its index in the audit log."""

    at: str
    accepted: dict[str, str]
    accrued_usd: str
    event: int
    sums: PeriodSums


class AccountingPeriod(Shown, frozen=True, kw_only=True):
    """A period: from `start` up to `end`, open, closing or closed."""

    name: str
    start: str
    end: str
    state: str
    closing: PeriodClosing | None


class AccountingPeriods(Shown, frozen=True, kw_only=True):
    """All periods, oldest first."""

    data: list[AccountingPeriod]


class RemainingKind(Shown, frozen=True, kw_only=True):
    """A kind of what holds up the closing of a period."""

    kind: str
    count: int
    first: str


class ProviderAccrual(Shown, frozen=True, kw_only=True):
    """What is to be accrued for a provider at the end of a period."""

    provider: str
    entries: int
    cost_usd: str
    estimated_usd: str
    provisional_usd: str
    invoiced_usd: str | None
    accrued_usd: str


class PeriodDetails(Shown, frozen=True, kw_only=True):
    """A period, what remains of it, what is to be accrued."""

    period: AccountingPeriod
    remaining: list[RemainingKind]
    accruals: list[ProviderAccrual]
    to_accrue_usd: str


class PeriodVerified(Shown, frozen=True, kw_only=True):
    """Whether a closed period is as it was closed; `told` says how it differs."""

    ok: bool
    told: str
    sums: PeriodSums


class PeriodClose(Form, frozen=True, kw_only=True):
    """Why what remains is accepted, by its kind."""

    accept: dict[Kind, Reason] = field(default_factory=dict)


@read("/books/terms", Permission.BOOKS_READ, tags=["accounting"])
def get_book_terms(
    services: Given[Services], caller: Given[Caller], org: Org = None
) -> Response[BookTerms]:
    """Show how the books are kept."""
    return _terms(services.accounting(caller.tenant(org)).books.terms())


@change("/books/terms", Permission.TERMS_UPDATE, tags=["accounting"])
def change_book_terms(
    services: Given[Services],
    caller: Given[Caller],
    *,
    data: JSONBody[BookTermsChange],
    org: Org = None,
    if_match: IfMatch = None,
) -> Response[BookTerms]:
    """Change how they are kept, from the end of the last closed period on."""
    books = services.accounting(caller.tenant(org)).books
    version = matched_version(if_match)
    terms = msgspec.structs.replace(books.terms(), version=version)
    every = {name: getattr(data, name) for name in data.__struct_fields__}
    given = {name: value for name, value in every.items() if value is not UNSET}
    dated = {name: given.pop(name) for name in Calendar.__struct_fields__ if name in given}
    calendar = msgspec.structs.replace(terms.calendar, **dated)
    return _terms(books.set_terms(msgspec.structs.replace(terms, calendar=calendar, **given)))


@read("/periods", Permission.BOOKS_READ, tags=["accounting"])
def list_periods(
    services: Given[Services], caller: Given[Caller], org: Org = None
) -> AccountingPeriods:
    """List all periods from the first entry on."""
    found = services.accounting(caller.tenant(org)).books.periods()
    return AccountingPeriods(data=[_period(one) for one in found])


@read("/periods/{period:str}", Permission.BOOKS_READ, tags=["accounting"])
def get_period(
    services: Given[Services], caller: Given[Caller], period: Name, org: Org = None
) -> PeriodDetails:
    """Show a period, what remains to be settled, what is to be accrued."""
    return _details(services.accounting(caller.tenant(org)).books.show(period))


@make("/periods/{period:str}/close", Permission.PERIOD_CLOSE, tags=["accounting"], status_code=200)
def close_period(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    period: Name,
    data: JSONBody[PeriodClose],
    org: Org = None,
) -> Response[AccountingPeriod]:
    """Close a period for good; it can't be opened again."""

    def work() -> Made:
        books = services.accounting(caller.tenant(org)).books
        books.close(period, {str(kind): why for kind, why in data.accept.items()})
        return Made(_period(books.find(period)), status=200)

    return once(data, work)


@read(
    "/periods/{period:str}/verification",
    Permission.BOOKS_READ,
    tags=["accounting"],
    may_conflict=True,
)
def verify_period(
    services: Given[Services], caller: Given[Caller], period: Name, org: Org = None
) -> PeriodVerified:
    """Hash a closed period again; reads all its entries."""
    found, told = services.accounting(caller.tenant(org)).books.verify(period)
    return PeriodVerified(ok=not told, told=told, sums=_sums(found))


HANDLERS = (
    get_book_terms,
    change_book_terms,
    list_periods,
    get_period,
    close_period,
    verify_period,
)


def _terms(terms: Terms) -> Response[BookTerms]:
    shown = BookTerms(
        calendar=terms.calendar,
        currency=terms.currency,
        four_eyes=terms.four_eyes,
        version=terms.version,
    )
    return Response(content=shown, headers={"etag": etag(terms.version)})


def _period(one: PeriodState) -> AccountingPeriod:
    return AccountingPeriod(
        name=one.period.name,
        start=moment(one.period.start_ns),
        end=moment(one.period.end_ns),
        state=one.state,
        closing=None if one.closed is None else _closing(one.closed),
    )


def _closing(closed: ClosedPeriod) -> PeriodClosing:
    return PeriodClosing(
        at=moment(closed.closed_at_ns),
        accepted=closed.accepted,
        accrued_usd=exact(closed.accrued),
        event=closed.event,
        sums=_sums(closed.sums),
    )


def _sums(sums: Sums) -> PeriodSums:
    return PeriodSums(
        entries=sums.entries,
        cost_usd=exact(sums.cost),
        baseline_usd=exact(sums.baseline_cost),
        unpriced=sums.unpriced,
        root=sums.root,
    )


def _details(view: PeriodView) -> PeriodDetails:
    return PeriodDetails(
        period=_period(view.state),
        remaining=[
            RemainingKind(kind=one.kind, count=one.count, first=one.first) for one in view.remaining
        ],
        accruals=[
            ProviderAccrual(
                provider=one.provider,
                entries=one.entries,
                cost_usd=exact(one.cost),
                estimated_usd=exact(one.estimated),
                provisional_usd=exact(one.provisional),
                invoiced_usd=usd(one.invoiced),
                accrued_usd=exact(one.accrued),
            )
            for one in view.accruals
        ],
        to_accrue_usd=exact(view.accrued),
    )


def exact(amount: int) -> str:
    """Return an amount in dollars, exactly."""
    return usd(amount) or "0"
