"""Budget holds: every attempt takes one of all budgets that cover it, before it is sent.

It is taken of all or of none (see `purses`), and settled once, of the same ones: the journal
carries which.
"""

from typing import NamedTuple

from legato.core.errors import StorageUnavailable
from legato.core.leases import Limit, LimitKind
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit
from legato.governance.coverage import Coverage, Paid
from legato.governance.events import BudgetEvents
from legato.governance.purses import Purse, Purses, Refused, Told
from legato.governance.refusals import refusal

_FORGET_AFTER_S = 900.0
_FAR_FUTURE_NS = 2**63 - 1
_TRIES = 4
"""So often windows that overlap are asked for."""
_NO_TIME = (
    "The store's clock was set back and forth: there is no moment that lies in the windows of all "
    "budgets of this call. Try again."
)


class Hold(NamedTuple):
    """What is set aside for one attempt. `at_ns` is the store's time: it lies in all windows."""

    budget_id: str
    """The counters' names, with a space between."""
    amount: NanoUSD
    tokens: int
    at_ns: int
    paid: Paid
    windows: tuple[int, ...]


class Budgets:
    """Holds and settles money and tokens, exactly, across workers."""

    def __init__(self, purses: Purses, coverage: Coverage, events: BudgetEvents) -> None:
        self._purses = purses
        self.coverage = coverage
        self._events = events
        self._now_ns = purses.now_ns

    async def hold(self, paid: Paid, amount: NanoUSD, tokens: int = 0) -> Hold:
        """Set `amount` aside in all budgets of money, `tokens` in those of tokens.

        Raises:
            BudgetExceeded: naming the budget, its figures and when it resets.
            StorageUnavailable: what is leased is spent and the store is away.
        """
        now_ns = self._now_ns()
        lacking = _lacking(paid, amount, tokens, now_ns)
        at_ns, tries = 0, _TRIES
        try:
            while lacking or not (at_ns := _time_in_all(paid, now_ns, tries)):
                if lacking:
                    await self._purses.refill(lacking)
                    tries -= 1
                now_ns = self._now_ns()
                lacking = _lacking(paid, amount, tokens, now_ns)
        except Refused as refused:
            self._events.blocked(refused.purse.limit, refused.purse.told, refused.grant)
            raise refusal(refused) from None
        for purse in paid.money:
            purse.available -= amount
            purse.held += amount
            purse.used_at_ns = now_ns
        for purse in paid.tokens:
            purse.available -= tokens
            purse.held += tokens
            purse.used_at_ns = now_ns
        windows = tuple([purse.window_ns for purse in paid.money + paid.tokens])
        return Hold(paid.ids, amount, tokens, at_ns, paid, windows)

    def settle(self, hold: Hold, cost: NanoUSD, tokens: int = 0) -> None:
        """End a hold with what the attempt cost and used. Never refused."""
        windows = iter(hold.windows)
        for purse in hold.paid.money:
            purse.end(hold.amount, cost, next(windows))
        for purse in hold.paid.tokens:
            purse.end(hold.tokens, tokens, next(windows))

    def of_limit(self, limit: BudgetLimit) -> Paid:
        """Return one limit in money, as what an attempt takes its hold on."""
        counter = Limit(LimitKind.BUDGET, limit.id, limit.limit, limit.window.value)
        purse = self._purses.of(counter, Told(limit.name or limit.id))
        return Paid((purse,), (), limit.id, counter.span, is_priced=True, is_hard=True)

    async def return_idle(self) -> None:
        """Give back what nobody needs, and look how those stand that have steps before the wall.

        Raises:
            StorageUnavailable: the rest is kept and offered again.
        """
        await self._purses.return_idle()
        await self._purses.look_after()
        if self._purses.forget_unused(_FORGET_AFTER_S):
            self.coverage.forget()


def _time_in_all(paid: Paid, now_ns: int, tries: int) -> int:
    """Return the store's time, which lies in the window of each; 0 where one's is over by it.

    What it is ahead of the store's clock is known of each by its own last answer, and too much
    rather than too little. So the latest of these times is right. Where a window has ended by then,
    all are asked for anew, in one step: its answers are of one moment, also where the store's clock
    was set back between two of those before.

    Raises:
        StorageUnavailable: that was tried often enough.
    """
    at_ns, ends_ns = 1, _FAR_FUTURE_NS
    for purses in (paid.money, paid.tokens):
        for purse in purses:
            ahead_ns = purse.ahead_ns
            # the clock may have been set back
            at_ns = max(at_ns, now_ns - ahead_ns, purse.window_ns)
            ends_ns = min(ends_ns, purse.resets_at_ns - ahead_ns)
    if at_ns < ends_ns:
        return at_ns
    if tries <= 0:
        raise StorageUnavailable(_NO_TIME)
    for purse in paid.purses:
        purse.resets_at_ns = min(purse.resets_at_ns, now_ns)
    return 0


def _lacking(paid: Paid, amount: int, tokens: int, now_ns: int) -> list[tuple[Purse, int]] | None:
    for purse in paid.money:
        if purse.available < amount or now_ns >= purse.resets_at_ns:
            break
    else:
        for purse in paid.tokens:
            if purse.available < tokens or now_ns >= purse.resets_at_ns:
                break
        else:
            return None
    wanted = [(purse, amount) for purse in paid.money]
    wanted += [(purse, tokens) for purse in paid.tokens]
    return [
        (purse, needed)
        for purse, needed in wanted
        if purse.available < needed or now_ns >= purse.resets_at_ns
    ]
