"""Admits calls within rates and slots, exactly, across workers: those of keys and of budgets.

The fast path is arithmetic in memory. A slice of a rate shrinks with what is left of the limit, so
little is stranded in other workers when it runs out, and workers give back each second what they
don't need.
"""

from legato.core.principal import Principal
from legato.governance.coverage import Cover, Coverage
from legato.governance.events import BudgetEvents
from legato.governance.purses import Purse, Purses, Refused
from legato.governance.refusals import refusal, slots_taken
from legato.governance.slots import SlotPurses, Slots, SlotsTaken

_FORGET_AFTER_S = 900.0
NO_SLOTS: tuple[Slots, ...] = ()


class Limits:
    """What a call must be let in by before anything is done for it."""

    def __init__(
        self, purses: Purses, slots: SlotPurses, coverage: Coverage, events: BudgetEvents
    ) -> None:
        self.purses = purses
        self._slots = slots
        self.coverage = coverage
        self.events = events
        self.now_ns = purses.now_ns

    def free(self, principal: Principal) -> bool:
        """Whether nothing at all limits a key's requests."""
        return (
            self.coverage.is_empty
            and not principal.inherits_limits
            and principal.requests_per_minute is None
            and principal.concurrency_max is None
        )

    async def admit(
        self, principal: Principal, user: str = "", model: str = ""
    ) -> tuple[Slots, ...]:
        """Count one request in; returns the slots taken, which `release` must be given back.

        Raises:
            RateLimited: naming the limit, its state and when it resets.
            StorageUnavailable: the leased slice is spent and the store is away.
        """
        if self.free(principal):
            return NO_SLOTS
        return await self.admitted(self.coverage.of(principal, user, model))

    async def admitted(self, cover: Cover) -> tuple[Slots, ...]:
        """Count one request in, of what is covered so."""
        if cover.rates:
            await self._count(cover.rates)
        if not cover.slots:
            return NO_SLOTS
        try:
            await self._slots.take(cover.slots)
        except SlotsTaken as taken:
            self.events.blocked(taken.slots.limit, taken.slots.told, None)
            raise slots_taken(taken.slots) from None
        return cover.slots

    async def know(self, purses: tuple[Purse, ...]) -> None:
        """Find out how limits stand that were never asked for. Raises StorageUnavailable."""
        unknown = [purse for purse in purses if purse.known is None]
        if unknown:
            await self.purses.ask(unknown)

    def release(self, taken: tuple[Slots, ...]) -> None:
        """Give back the slots that `admit` took."""
        self._slots.release(taken)

    async def return_idle(self) -> None:
        """Give back slots that nobody needs. Raises StorageUnavailable."""
        await self._slots.return_idle()
        if self._slots.forget_unused(_FORGET_AFTER_S):
            self.coverage.forget()

    async def _count(self, rates: tuple[Purse, ...]) -> None:
        now_ns = self.now_ns()
        lacking = _lacking(rates, now_ns)
        try:
            while lacking:
                await self.purses.refill(lacking)
                now_ns = self.now_ns()
                lacking = _lacking(rates, now_ns)
        except Refused as refused:
            self.events.blocked(refused.purse.limit, refused.purse.told, refused.grant)
            raise refusal(refused) from None
        for purse in rates:
            purse.available -= 1
            purse.used_at_ns = now_ns


def _lacking(rates: tuple[Purse, ...], now_ns: int) -> list[tuple[Purse, int]] | None:
    for purse in rates:
        if purse.available <= 0 or now_ns >= purse.resets_at_ns:
            break
    else:
        return None
    return [(one, 1) for one in rates if one.available <= 0 or now_ns >= one.resets_at_ns]
