"""Assumptions, labour, revenue and benefits as people bring and read them."""

import contextlib
from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Final, TypeVar

import msgspec

from legato.core.clock import Clock
from legato.core.errors import InvalidRequest, NotFound
from legato.core.tenant import Reach, Tenant
from legato.economics.exchange import Exchange, rate_text
from legato.economics.finance.assumptions import (
    SHIPPED,
    Assumption,
    Said,
    checked,
    in_force,
    is_date,
    shipped,
)
from legato.economics.finance.entries import (
    Entry,
    EntryKind,
    EntryRow,
    EntrySaid,
    RateOf,
    entry_of,
    named_by_content,
)
from legato.storage.accounting.rates import RateStore
from legato.storage.finance.assumptions import AssumptionStore
from legato.storage.finance.entries import Added, FinanceEntryStore

ROWS_MAX: Final = 10_000
"""Of one act."""
_NS_PER_S: Final = 1_000_000_000
_ONE: Final = 10**9
"""A unit of a currency, in billionths."""
Said_ = TypeVar("Said_")
Made_ = TypeVar("Made_")


class FinanceStores(msgspec.Struct, frozen=True):
    """Where the books are kept, by for whom."""

    assumptions: Callable[[Tenant], AssumptionStore]
    entries: Callable[[EntryKind, Reach], FinanceEntryStore]
    rates: Callable[[Tenant], RateStore] | None = None
    """Of currencies by days; without it only what assumptions say."""


class FinanceBooks:
    """The books. Every method may raise StorageUnavailable."""

    def __init__(self, stores: FinanceStores, clock: Clock) -> None:
        self.stores = stores
        self._clock = clock

    def today(self) -> str:
        """Return the date, UTC."""
        now = datetime.fromtimestamp(self._clock.now_ns() // _NS_PER_S, UTC)
        return now.date().isoformat()

    def assumptions(self, tenant: Tenant, on: str = "") -> list[Assumption]:
        """Return what holds on a date, today's where none is named, by name.

        Raises:
            InvalidRequest: that isn't a date.
        """
        return sorted(self.held(tenant, on).values(), key=lambda one: one.name)

    def held(self, tenant: Tenant, on: str = "") -> dict[str, Assumption]:
        """Return the same by name."""
        if on and not is_date(on):
            raise InvalidRequest("on: write a date, as 2026-08-01", param="on")
        return in_force(self.stores.assumptions(tenant).every(), on or self.today())

    def history(self, tenant: Tenant, name: str) -> list[Assumption]:
        """Return all versions of a name, oldest first, what ships before them."""
        defaults = [one for one in shipped() if one.name == name]
        return defaults + self.stores.assumptions(tenant).history(name)

    def say(self, tenant: Tenant, said: Sequence[Said], author: str) -> list[Assumption]:
        """Keep assumptions, all or none; one that is so already stays as it is.

        Raises:
            InvalidRequest: naming the field, and which of several.
        """
        if not 0 < len(said) <= ROWS_MAX:
            told = f"assumptions: between one and {ROWS_MAX} at once"
            raise InvalidRequest(told, param="assumptions")
        today = self.today()
        complete = _each(said, lambda one: checked(one, today=today))
        return self.stores.assumptions(tenant).add(complete, author)

    def withdraw(self, tenant: Tenant, name: str, source: str, author: str) -> Assumption:
        """Take a name back, so that what ships or the books say holds again.

        Raises:
            InvalidRequest: nobody said it.
        """
        held = self.held(tenant).get(name)
        if held is None or held.version == SHIPPED:
            raise InvalidRequest(f"name: nobody has set {name!r}", param="name")
        said = Said(name=name, value="", tag=held.tag, unit=held.unit, source=source)
        return self.say(tenant, [said], author)[0]

    def add(
        self,
        place: tuple[Reach, str],
        said: Sequence[EntrySaid],
        author: str,
        *,
        replace: bool = False,
    ) -> Added:
        """Keep entries of one kind for an organisation, all or none; `place` is reach and org.

        Raises:
            InvalidRequest: naming the field, and which of several.
            NotFound: out of reach.
            Conflict: an external id stands for something else.
        """
        reach, org = place
        if not 0 < len(said) <= ROWS_MAX:
            raise InvalidRequest(f"entries: between one and {ROWS_MAX} at once", param="entries")
        rate_of = self._rates(Tenant(org))
        named = named_by_content(_each(said, lambda one: entry_of(one, rate_of)))
        _require_once(named)
        store = self.stores.entries(named[0].kind, reach)
        return store.add(org, named, author, replace=replace)

    def _dated(self, tenant: Tenant, currency: str, period: str) -> tuple[str, str] | None:
        """Return the rate of a month's last day, or of today while it lasts; None without one."""
        if self.stores.rates is None:
            return None
        year, month = map(int, period.split("-"))
        last = date(year, month, monthrange(year, month)[1])
        day = min(last, date.fromisoformat(self.today()))
        exchange = Exchange(self.stores.rates(tenant).between(day, day))
        try:
            units = exchange.in_dollars(_ONE, currency, day)
        except InvalidRequest:
            return None
        sources = ", ".join(one.source for one in exchange.used[day].rates)
        return rate_text(units), f"rate of {exchange.used[day].day}: {sources}"

    def delete(self, reach: Reach, entry_id: str) -> EntryRow:
        """Forget an entry, of whichever kind. Raises NotFound."""
        for kind in EntryKind:
            with contextlib.suppress(NotFound):
                return self.stores.entries(kind, reach).delete(entry_id)
        raise NotFound(f"there is no entry {entry_id!r}", param="id")

    def _rates(self, tenant: Tenant) -> RateOf:
        read: list[Assumption] | None = None

        def rate_of(currency: str, period: str) -> tuple[str, str]:
            nonlocal read
            if read is None:
                read = self.stores.assumptions(tenant).every()
            name = f"fx.{currency.lower()}"
            held = in_force(read, f"{period}-31").get(name)
            if held is None and (dated := self._dated(tenant, currency, period)) is not None:
                return dated
            if held is None:
                raise InvalidRequest(
                    f"usd_rate: no rate of {currency} holds in {period}: say usd_rate, import dated"
                    f" ones with `legato rates`, or `legato assumptions set {name} RATE"
                    f" --valid-from {period}-01 --source ...`",
                    param="usd_rate",
                )
            return held.value, f"{name} v{held.version}: {held.source}"

        return rate_of


def _each(said: Sequence[Said_], work: Callable[[Said_], Made_]) -> list[Made_]:
    """Do the work for each; where it fails for one of several, say for which."""
    made = []
    for number, one in enumerate(said):
        try:
            made.append(work(one))
        except InvalidRequest as error:
            if len(said) == 1:
                raise
            told = f"entry {number + 1}: {error.message}"
            raise InvalidRequest(told, param=error.param) from None
    return made


def _require_once(entries: Sequence[Entry]) -> None:
    seen: set[str] = set()
    for number, one in enumerate(entries):
        if one.external_id in seen:
            told = f"entry {number + 1}: external_id: {one.external_id!r} is there twice"
            raise InvalidRequest(told, param="external_id")
        seen.add(one.external_id)
