"""Budget holds: every attempt takes one before it is sent, from money leased to this worker.

settled + held + leased <= limit holds always: a worker's lease in the store covers what it
may still spend, what it holds, and what it has spent until the ledger has taken it in.
"""

import asyncio
import math
from collections.abc import Coroutine
from typing import Any, NamedTuple

from legato.core.clock import Clock
from legato.core.errors import BudgetExceeded, LegatoError
from legato.core.leases import Grant
from legato.core.money import NanoUSD, display_places, display_usd
from legato.core.principal import BudgetLimit
from legato.core.tasks import InThread, spawn
from legato.governance.store_gate import answered
from legato.storage.limits.leases import LeaseStore

_SHARES_PER_WORKER = 16
_IDLE_NS = 1_000_000_000
_ASK_AGAIN_NS = 80_000_000
"""What the store has refused stays refused for so long: else calls far over a budget would keep it
busy for everybody."""
_FAR_FUTURE_NS = 2**63 - 1


class Hold(NamedTuple):
    """Money set aside for one attempt; both times are the store's."""

    budget_id: str
    amount: NanoUSD
    window_start_ns: int
    at_ns: int


class _Purse:
    """One budget's lease, as this worker holds it."""

    __slots__ = (
        "ahead_ns",
        "available",
        "held",
        "limit",
        "lock",
        "refused",
        "resets_at_ns",
        "used_at_ns",
        "window_ns",
    )

    def __init__(self, limit: BudgetLimit) -> None:
        self.limit = limit
        self.available = 0
        self.held = 0
        self.window_ns = 0
        self.resets_at_ns = 0  # on this machine's clock,
        self.ahead_ns = 0  # which is so far ahead of the store's
        self.used_at_ns = 0
        self.refused: tuple[int, int, Grant] | None = None  # when, for how much more
        self.lock = asyncio.Lock()

    def refusal(self, amount: int, now_ns: int) -> Grant | None:
        """Return how the budget stood when the store had just no room for so much, or for less."""
        if self.refused is None or now_ns >= self.resets_at_ns:
            return None
        at_ns, missing, grant = self.refused
        lately = 0 <= now_ns - at_ns < _ASK_AGAIN_NS
        return grant if lately and amount - self.available >= missing else None


class Budgets:
    """Holds and settles money per budget, exactly, across workers."""

    def __init__(
        self, store: LeaseStore, in_thread: InThread, clock: Clock, *, holder: str, workers: int
    ) -> None:
        self._store = store
        self._in_thread = in_thread
        self._now_ns = clock.now_ns
        self._holder = holder
        self._shares = _SHARES_PER_WORKER * workers
        self._purses: dict[str, _Purse] = {}
        self._refills: set[asyncio.Task[Any]] = set()

    async def hold(self, limit: BudgetLimit, amount: NanoUSD) -> Hold:
        """Set `amount` aside.

        Raises:
            BudgetExceeded: naming the budget, its figures and when it resets.
            StorageUnavailable: the leased money is spent and the store is away.
        """
        purse = self._purses.get(limit.id)
        if purse is None:
            purse = self._purses[limit.id] = _Purse(limit)
        elif purse.limit != limit:
            await self._change(purse, limit)
        now_ns = self._now_ns()
        while purse.available < amount or now_ns >= purse.resets_at_ns:
            if (grant := purse.refusal(amount, now_ns)) is not None:
                raise _exceeded(limit, amount, grant)
            await self._completed(self._refill(purse, amount))
            now_ns = self._now_ns()
        purse.available -= amount
        purse.held += amount
        purse.used_at_ns = now_ns
        at_ns = max(now_ns - purse.ahead_ns, purse.window_ns)  # the clock may have been set back
        return Hold(limit.id, amount, purse.window_ns, at_ns)

    def settle(self, hold: Hold, cost: NanoUSD) -> None:
        """End a hold with what the attempt cost. Never refused."""
        purse = self._purses[hold.budget_id]
        if hold.window_start_ns == purse.window_ns:
            purse.held -= hold.amount
            purse.available += hold.amount - cost

    async def return_idle(self) -> None:
        """Give back money that has lain idle for a second, and of what is in use the surplus.

        Holds are upper bounds: what they leave over would else pile up in a busy worker.
        """
        before_ns = self._now_ns() - _IDLE_NS
        for purse in list(self._purses.values()):
            kept = 0 if purse.used_at_ns < before_ns else purse.limit.limit // self._shares
            if purse.available > kept:
                await self._give_back(purse, purse.available - kept)

    async def _completed(self, work: Coroutine[Any, Any, None]) -> None:
        """Take or return in a task of its own: a caller who leaves must not take it along."""
        await answered(spawn(work, owner=self._refills, name="lease"))

    async def _give_back(self, purse: _Purse, amount: int) -> None:
        budget_id, window_ns = purse.limit.id, purse.window_ns
        purse.available -= amount
        purse.refused = None  # there will be more to have
        try:
            await self._in_thread(
                lambda: self._store.return_budget(
                    budget_id, window_ns, holder=self._holder, amount=amount
                )
            )
        except LegatoError:
            if window_ns == purse.window_ns:
                purse.available += amount  # still leased to us: spend it here
            raise

    async def _change(self, purse: _Purse, limit: BudgetLimit) -> None:
        """Go on under a changed limit: what isn't held goes back, the store is asked anew.

        The purse stays: calls under way hold on to it, too.
        """
        purse.limit, purse.resets_at_ns = limit, 0
        if purse.available > 0:
            await self._completed(self._give_back(purse, purse.available))

    async def _refill(self, purse: _Purse, amount: NanoUSD) -> None:
        limit = purse.limit
        async with purse.lock:
            now_ns = self._now_ns()
            if (grant := purse.refusal(amount, now_ns)) is not None:
                raise _exceeded(limit, amount, grant)
            rolled_over = now_ns >= purse.resets_at_ns
            if not rolled_over and purse.available >= amount:
                return
            missing = amount if rolled_over else amount - purse.available
            grant, ahead_ns = await self._in_thread(
                lambda: self._timed(
                    self._store.take_budget(
                        limit,
                        holder=self._holder,
                        want=max(missing, limit.limit // self._shares),
                        at_least=missing,
                    )
                )
            )
            if grant.window_start_ns != purse.window_ns:
                purse.available = purse.held = 0
                purse.window_ns = grant.window_start_ns
            purse.ahead_ns = ahead_ns
            purse.resets_at_ns = (
                _FAR_FUTURE_NS if grant.resets_at_ns is None else grant.resets_at_ns + ahead_ns
            )
            purse.available += grant.granted
            purse.used_at_ns = now_ns = self._now_ns()
            if not grant.granted and purse.limit == limit:
                purse.refused = now_ns, missing, grant
        if purse.available < amount:
            raise _exceeded(limit, amount, grant)

    def _timed(self, grant: Grant) -> tuple[Grant, int]:
        """Return how far this machine's clock is ahead of the store's, too."""
        return grant, self._now_ns() - grant.at_ns


def _exceeded(limit: BudgetLimit, amount: NanoUSD, grant: Grant) -> BudgetExceeded:
    spent, leased = NanoUSD(grant.settled), NanoUSD(grant.leased)
    resets_s = (grant.resets_at_ns - grant.at_ns) / 1e9 if grant.resets_at_ns else None
    figures = (limit.limit, amount, spent, leased)
    places = display_places(figures)
    whole, needed, gone, aside = (f"${display_usd(nano, places)}" for nano in figures)
    resets = "it does not reset." if resets_s is None else f"it resets in {_span(resets_s)}."
    msg = (
        f"Budget of {limit.name or limit.id} ({limit.window}) of {whole} can't hold this call: "
        f"it needs up to {needed}, {gone} is spent and {aside} is set aside for calls that run "
        f"or have just been made; {resets}"
    )
    return BudgetExceeded(msg, retry_after_s=resets_s)


def _span(seconds: float) -> str:
    minutes, rest_s = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (rest_s, "s"))
    return " ".join([f"{number} {unit}" for number, unit in parts if number][:2])
