"""An organisation's periods: which there are, how they stand, closing and verifying them."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from legato.core.clock import Clock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.economics.fiscal import Period, period_around, period_named
from legato.storage.accounting.periods import (
    CLOSED,
    CLOSING,
    ClosedPeriod,
    PeriodStore,
    Sums,
    Terms,
    difference,
)
from legato.storage.accounting.remaining import ProviderCost, Remaining

OPEN: Final = "open"
_PERIODS_MAX: Final = 600
_ACCEPTED_MAX: Final = 300
Invoiced = Callable[[Period], Mapping[str, int]]
"""What accepted invoices bill for a period by provider, in nano-USD."""


class PeriodState(msgspec.Struct, frozen=True):
    """A period, and how it was closed; None while it is open."""

    period: Period
    state: str
    closed: ClosedPeriod | None = None


class Accrual(msgspec.Struct, frozen=True):
    """What a provider's usage cost in a period and no accepted invoice has billed, in nano-USD.

    `estimated` of the cost the provider hasn't reported, `provisional` of it may change.
    """

    provider: str
    entries: int
    cost: int
    estimated: int
    provisional: int
    invoiced: int | None
    accrued: int


class PeriodView(msgspec.Struct, frozen=True):
    """All there is to say of a period."""

    state: PeriodState
    remaining: list[Remaining]
    accruals: list[Accrual]

    @property
    def accrued(self) -> int:
        """What is to be accrued at its end, in nano-USD."""
        return sum(one.accrued for one in self.accruals)


class Books:
    """One organisation's. Blocking; every method may raise StorageUnavailable."""

    def __init__(self, store: PeriodStore, clock: Clock, invoiced: Invoiced | None = None) -> None:
        self._store = store
        self._clock = clock
        self._invoiced = invoiced or (lambda _period: {})

    def terms(self) -> Terms:
        """Return calendar and currency."""
        return self._store.terms()

    def set_terms(self, terms: Terms) -> Terms:
        """Change them. Raises InvalidRequest or PreconditionFailed."""
        return self._store.set_terms(terms)

    def periods(self) -> list[PeriodState]:
        """Return all from the first that has an entry to the one under way, oldest first."""
        closed = self._store.closed()
        found = [PeriodState(_bounds(one), one.state, one) for one in closed]
        begin_ns = closed[-1].end_ns if closed else self._store.first_entry_ns()
        now_ns = self._clock.now_ns()
        at_ns = now_ns if begin_ns is None else begin_ns
        taken = {one.name for one in closed}
        calendar = self._store.terms().calendar
        while at_ns <= now_ns and len(found) < _PERIODS_MAX:
            period = period_around(calendar, at_ns)
            if closed and not found[len(closed) :]:
                period = period._replace(start_ns=at_ns)  # where the calendar was changed
            found.append(PeriodState(_named_apart(period, taken), OPEN))
            at_ns = period.end_ns
        return found

    def find(self, name: str) -> PeriodState:
        """Return one by its name. Raises NotFound."""
        every = self.periods()
        for one in every:
            if one.period.name == name:
                return one
        if period_named(self._store.terms().calendar, name) is None:
            shown = every[-1].period.name
            raise NotFound(f"there is no period {name!r}: name one as {shown}", param="period")
        raise NotFound(f"period {name} has no entries, or hasn't begun", param="period")

    def show(self, name: str) -> PeriodView:
        """Return what remains of a period, and what is to be accrued. Raises NotFound."""
        state = self.find(name)
        return PeriodView(state, self._store.remaining(state.period), self._accruals(state.period))

    def close(self, name: str, accepted: Mapping[str, str] | None = None) -> ClosedPeriod:
        """Close a period for good: its hash goes into the audit log.

        Raises:
            NotFound: there is no such period.
            Conflict: it is closed, not over, not the next one, or something remains that
                `accepted` gives no reason for.
            InvalidRequest: it accepts what isn't there, or its reason is too long.
        """
        state, accepted = self.find(name), dict(accepted or {})
        if state.state == CLOSED:
            raise Conflict(f"period {name} is closed")
        if any(len(reason) > _ACCEPTED_MAX for reason in accepted.values()):
            msg = f"accept: give a reason of up to {_ACCEPTED_MAX} characters"
            raise InvalidRequest(msg, param="accept")
        if state.state != CLOSING:
            if state.period.end_ns > self._clock.now_ns():
                raise Conflict(f"period {name} isn't over: it can be closed from its end on")
            accrued = sum(one.accrued for one in self._accruals(state.period))
            self._store.begin_closing(state.period, accepted, accrued)
        return self._store.finish_closing(name)

    def verify(self, name: str) -> tuple[Sums, str]:
        """Add up a closed period again; return that and how it differs, "" where it doesn't.

        Raises:
            NotFound: there is no such period.
            Conflict: it isn't closed.
        """
        state = self.find(name)
        if state.closed is None or state.state != CLOSED:
            raise Conflict(f"period {name} is {state.state}: there is nothing to compare it to")
        found = self._store.sums(state.period)
        return found, difference(state.closed.sums, found)

    def _accruals(self, period: Period) -> list[Accrual]:
        invoiced = self._invoiced(period)
        return [_accrual(one, invoiced) for one in self._store.by_provider(period)]


def _accrual(one: ProviderCost, invoiced: Mapping[str, int]) -> Accrual:
    billed = invoiced.get(one.provider)
    return Accrual(
        one.provider,
        one.entries,
        one.cost,
        one.estimated,
        one.provisional,
        billed,
        one.cost if billed is None else 0,
    )


def _bounds(one: ClosedPeriod) -> Period:
    return Period(one.name, one.start_ns, one.end_ns)


def _named_apart(period: Period, taken: set[str]) -> Period:
    """Give a period a name of its own where a calendar was changed within it: `2026-11.2`."""
    name, number = period.name, 2
    while name in taken:
        name, number = f"{period.name}.{number}", number + 1
    return period._replace(name=name)
