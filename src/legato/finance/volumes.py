"""What more volume does, from the ledger or from a file."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from legato.core.clock import Clock
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, exact_usd
from legato.core.price import Price
from legato.core.records import EntryKind as LedgerKind
from legato.core.tenant import Tenant
from legato.core.usage import TOKEN_CLASSES
from legato.economics.finance.assumptions import Book, Input, Tag
from legato.economics.finance.figures import Projection
from legato.economics.finance.projection import (
    METHOD,
    Base,
    Driver,
    Terms,
    Tier,
    first_stop,
    new_exponent,
    volume_at,
    wrong_in,
)
from legato.finance.books import FinanceBooks
from legato.finance.plans import Asked, asked_book
from legato.finance.profit import Profit
from legato.finance.spent import Days, LedgerDays, SumsOf
from legato.finance.window import Window, window

FACTORS: Final = (1, 10, 100)
FACTOR_MAX: Final = 1_000
_LOOKED_AT_MAX: Final = 100
_CACHED: Final = {"kind": (LedgerKind.CACHE.value,)}
_USD: Final = "revenue.usd_per_request"


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a deployment beside its traffic."""

    model: str
    price: Price | None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    local: bool = False


DeployedNow = Callable[[], Mapping[str, Deployed]]


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What holds for a deployment that neither ledger nor configuration say."""

    deployment: str
    tiers: list[Tier] = []
    commitment_usd_month: str = "0"
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


class World(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file's volume: a whole month instead of the ledger's, and terms of deployments."""

    base: Base | None = None
    terms: list[Change] = []


class Volumes:
    """Projects one organisation's volume. Every method may raise StorageUnavailable."""

    def __init__(
        self, books: FinanceBooks, sums: SumsOf, clock: Clock, deployed: DeployedNow
    ) -> None:
        self._books = books
        self._sums = sums
        self._clock = clock
        self._deployed = deployed

    def project(
        self,
        tenant: Tenant,
        asked: Asked,
        factors: tuple[int, ...] = FACTORS,
        world: World | None = None,
    ) -> Projection:
        """Return months at multiples of today's volume, and where it stops being viable.

        Raises:
            InvalidRequest: naming the field.
        """
        if not factors or not all(0 < one <= FACTOR_MAX for one in factors):
            raise InvalidRequest(f"factors: between 1 and {FACTOR_MAX}", param="factors")
        book = asked_book(self._books, tenant, asked)
        world = world or World()
        if world.base is None:
            base, days, cache_told = self._of_ledger(tenant, asked)
        else:
            base, days, cache_told = world.base, "", f"new_exponent {world.base.new_exponent}"
        base = _with_terms(base, world.terms)
        if wrong := wrong_in(base):
            raise InvalidRequest(wrong, param=wrong.partition(":")[0])
        terms = self._terms(book, tenant)
        most = max(*factors, _LOOKED_AT_MAX)
        stop = first_stop(base, most, terms)
        return Projection(
            org=tenant.org,
            days=days,
            volumes=[volume_at(base, one, terms) for one in sorted(set(factors))],
            stops_at=None if stop is None else stop.factor,
            stops_because=[] if stop is None else stop.limits,
            stops_told=_told(stop is None, most, 0 if stop is None else stop.factor),
            cache_told=cache_told,
            inputs=book.used,
            method=METHOD,
        )

    def _of_ledger(self, tenant: Tenant, asked: Asked) -> tuple[Base, str, str]:
        sums = self._sums(tenant)
        found = window(sums, self._clock.now_ns(), asked.days)
        total = sums.total(found.span).requests
        hits = sums.total(found.span, _CACHED).requests
        exponent, told = self._exponent(sums, found.span)
        base = Base(
            requests=int(total * found.to_month),
            cached=int(hits * found.to_month),
            drivers=self._drivers(sums, found),
            new_exponent="1" if exponent is None else f"{exponent:.6f}",
        )
        if exponent is None:
            told = f"the cached share stays as it is: {told}"
        return base, str(found.days), told

    def _exponent(self, sums: LedgerDays, span: Days) -> tuple[float | None, str]:
        hits = {one.group[0]: one.requests for one in sums.sum_by(["day"], span, _CACHED)}
        days = sums.sum_by(["day"], span)
        return new_exponent(
            (one.requests, one.requests - hits.get(one.group[0], 0)) for one in days
        )

    def _drivers(self, sums: LedgerDays, found: Window) -> list[Driver]:
        deployed, drivers = self._deployed(), []
        hits = sums.sum_by(["deployment"], found.span, _CACHED)
        cached = {one.group[0]: one for one in hits}
        for one in sums.sum_by(["deployment"], found.span):
            name, answered = one.group[0], cached.get(one.group[0])
            requests = one.requests - (0 if answered is None else answered.requests)
            if not name or not (requests or one.cost):
                continue
            known = deployed.get(name)
            hour = None
            if known is not None and known.local and known.price and known.price.machine_hour:
                hour = exact_usd(known.price.machine_hour)
            drivers.append(
                Driver(
                    deployment=name,
                    requests=int(requests * found.to_month),
                    usd=exact_usd(NanoUSD(max(0, int(one.cost * found.to_month)))),
                    tokens=max(0, int(sum(one.tokens[c] for c in TOKEN_CLASSES) * found.to_month)),
                    requests_per_minute=None if known is None else known.requests_per_minute,
                    tokens_per_minute=None if known is None else known.tokens_per_minute,
                    machine_hour_usd=hour,
                )
            )
        return drivers

    def _terms(self, book: Book, tenant: Tenant) -> Terms:
        if not book.has(_USD):
            self._learn_revenue(book, tenant)
        revenue, machines = book.find(_USD), book.find("machine.count_max")
        return Terms(
            peak_factor=book.need("peak.factor").number,
            margin_floor=book.need("margin.floor").number,
            revenue_per_request=None if revenue is None else revenue.number,
            utilisation=book.need("machine.utilisation").number,
            machine_hours_month=book.need("machine.hours_month").number,
            machines_max=None if machines is None else int(machines.number),
        )

    def _learn_revenue(self, book: Book, tenant: Tenant) -> None:
        """Take what a request earned in the last whole months, where the books say it."""
        pnl = Profit(self._books, self._sums, self._clock).read(tenant)
        if pnl.total.revenue_nano <= 0 or not pnl.total.requests:
            return
        each = Decimal(pnl.total.revenue_nano) / 10**9 / pnl.total.requests
        book.learn(
            Input(
                name=_USD,
                value=f"{each:.12f}",
                unit="USD per request",
                tag=Tag.MEASURED.value,
                source=f"revenue over requests, {pnl.since} to {pnl.until}",
            )
        )


def _with_terms(base: Base, terms: list[Change]) -> Base:
    changes = {one.deployment: one for one in terms}
    unknown = sorted(changes.keys() - {one.deployment for one in base.drivers})
    if unknown:
        known = ", ".join(one.deployment for one in base.drivers) or "none"
        told = f"terms: no traffic goes to {unknown[0]!r}; it goes to {known}"
        raise InvalidRequest(told, param="terms")
    drivers = []
    for one in base.drivers:
        change = changes.get(one.deployment)
        if change is not None:
            own = msgspec.structs.asdict(change)
            own.pop("deployment")
            limits = ("requests_per_minute", "tokens_per_minute")
            said = {name: v for name, v in own.items() if name not in limits or v is not None}
            one = msgspec.structs.replace(one, **said)  # noqa: PLW2901 - the same, changed
        drivers.append(one)
    return msgspec.structs.replace(base, drivers=drivers)


def _told(viable: bool, most: int, factor: int) -> str:  # noqa: FBT001 - one fact
    if viable:
        return f"viable up to {most} times today's volume, which is as far as was looked"
    if factor == 1:
        return "not viable as it is"
    return f"viable up to {factor - 1} times today's volume"
