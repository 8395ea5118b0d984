"""What a worker has leased of limits, and how it takes from several of them at once.

The fast path is arithmetic in memory: all purses have enough, or the store is asked for all that
lack something in one step, which grants of each or of none. Nothing is kept while waiting, and
locks are taken in the order of the limits' names, so two calls can't wait for each other.
settled + held + leased <= limit holds always: a worker's lease in the store covers what it may
still spend, what it holds, and what it has spent until the ledger has taken it in.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from legato.core.budget import Step
from legato.core.clock import Clock
from legato.core.errors import LegatoError, StorageUnavailable
from legato.core.leases import Grant, Leases, Limit, LimitKind, Returned, Wish, falls_short
from legato.core.tasks import InThread, spawn
from legato.governance.store_gate import answered

_SHARES_PER_WORKER = 16
_IDLE_NS = 1_000_000_000
_ASK_AGAIN_NS = 80_000_000
"""What the store has refused stays refused for so long: else calls far over a budget would keep it
busy for everybody."""
_LOOK_AFTER_NS = 5_000_000_000
_FAR_FUTURE_NS = 2**63 - 1
_ASK_MAX = 200
"""Purses looked after in one question to the store."""


class Refused(Exception):
    """A hard limit has no room."""

    def __init__(self, purse: "Purse", amount: int, grant: Grant) -> None:
        super().__init__(purse.limit.id)
        self.purse, self.amount, self.grant = purse, amount, grant


class Told(NamedTuple):
    """What people call a limit, of whom it is in the ledger, and what is done before the wall."""

    name: str
    org: str = ""
    budget_id: str = ""
    of: str = ""  # the values that have a counter of their own: "user=5f3a"
    steps: tuple[Step, ...] = ()


class Purse:
    """One counter's lease, as this worker holds it."""

    __slots__ = (
        "ahead_ns",
        "available",
        "held",
        "known",
        "limit",
        "lock",
        "owed",
        "refused",
        "resets_at_ns",
        "taken",
        "told",
        "used_at_ns",
        "want",
        "window_ns",
    )

    def __init__(self, limit: Limit, told: Told, shares: int) -> None:
        self.available = 0
        self.held = 0
        self.taken = 0
        """Settled and leased of the window when it was last asked for, less what was returned."""
        self.known: Grant | None = None
        self.window_ns = 0
        self.resets_at_ns = 0  # on this machine's clock,
        self.ahead_ns = 0  # which is so far ahead of the store's
        self.used_at_ns = 0
        self.refused: tuple[int, int, Grant] | None = None  # when, for how much more
        self.owed: dict[int, int] = {}
        """What goes back of each window, when the store is next asked."""
        self.lock = asyncio.Lock()
        self.limit, self.told, self.want = limit, told, max(1, limit.limit // shares)

    @property
    def used(self) -> int:
        """How much of the limit is spent, held, or leased elsewhere, as far as is known here."""
        return self.taken - self.available

    def refusal(self, amount: int, now_ns: int) -> Grant | None:
        """Return how the limit stood when the store had just no room for so much, or for less."""
        if self.refused is None or now_ns >= self.resets_at_ns:
            return None
        at_ns, missing, grant = self.refused
        lately = 0 <= now_ns - at_ns < _ASK_AGAIN_NS
        return grant if lately and amount - self.available >= missing else None

    def change(self, limit: Limit, told: Told, shares: int) -> None:
        """Go on under a changed limit: what isn't held goes back, the store is asked anew.

        The purse stays: calls under way hold on to it, too.
        """
        self.told = told
        if limit != self.limit:
            self.limit, self.want, self.resets_at_ns = limit, max(1, limit.limit // shares), 0
            self.set_aside(self.available)

    def set_aside(self, amount: int) -> None:
        """Take what is not needed out of the purse, to be given back."""
        if amount > 0:
            self.available -= amount
            self.taken -= amount
            self.owed[self.window_ns] = self.owed.get(self.window_ns, 0) + amount
        self.refused = None  # there will be more to have

    def end(self, held: int, used: int, window_ns: int) -> None:
        """End a hold of a window with what was used of it."""
        if window_ns == self.window_ns:
            self.held -= held
            self.available += held - used
        elif self.limit.span[0] == "r" and held > used:  # a part of a rolling window still counts
            self.owed[window_ns] = self.owed.get(window_ns, 0) + held - used

    def take_in(self, grant: Grant, ahead_ns: int) -> None:
        """Add what the store has granted."""
        if grant.window_start_ns != self.window_ns:
            if self.limit.span[0] == "r":
                self.set_aside(self.available)
            self.available = self.held = 0
            self.window_ns = grant.window_start_ns
        self.known, self.ahead_ns = grant, ahead_ns
        ends_ns = grant.resets_at_ns
        self.resets_at_ns = _FAR_FUTURE_NS if ends_ns is None else ends_ns + ahead_ns
        self.available += grant.granted
        self.taken = grant.settled + grant.leased


class Purses:
    """All purses of one worker."""

    def __init__(
        self, store: Leases, in_thread: InThread, clock: Clock, *, holder: str, workers: int
    ) -> None:
        self._store = store
        self._in_thread = in_thread
        self.now_ns = clock.now_ns
        self._holder = holder
        self._shares = _SHARES_PER_WORKER * workers
        self._purses: dict[str, Purse] = {}
        self._former: list[Purse] = []
        """Of windows of another length, which a limit had before: until all is given back."""
        self._refills: set[asyncio.Task[Any]] = set()

    def of(self, limit: Limit, told: Told) -> Purse:
        """Return the purse of a limit, which goes on under what is given here."""
        purse = self._purses.get(limit.id)
        if purse is not None and purse.limit.span != limit.span:
            # Two windows that begin at once are two counters: what was leased of the one is never
            # given back to the other, nor spent of it.
            purse.set_aside(purse.available)
            self._former.append(purse)
            purse = None
        if purse is None:
            purse = self._purses[limit.id] = Purse(limit, told, self._shares)
            purse.used_at_ns = self.now_ns()
        elif purse.limit != limit or purse.told != told:
            purse.change(limit, told, self._shares)
        return purse

    async def refill(self, lacking: Sequence[tuple[Purse, int]]) -> None:
        """Have the store grant so much of each, or return what it says.

        Raises:
            Refused: a hard limit has no room.
            StorageUnavailable: the store is away, and one of them is hard.
        """
        for purse, _ in lacking:  # what is being asked for isn't forgotten
            purse.used_at_ns = self.now_ns()
        try:
            await answered(spawn(self._refill(lacking), owner=self._refills, name="lease"))
        except StorageUnavailable:
            if any(not purse.limit.soft for purse, _ in lacking):
                raise
            now_ns = self.now_ns()  # a soft limit refuses nobody: go on for a while without it
            for purse, amount in lacking:
                purse.resets_at_ns = max(purse.resets_at_ns, now_ns + _IDLE_NS)
                purse.available = max(purse.available, amount, purse.want)

    async def ask(self, purses: Collection[Purse]) -> None:
        """Find out how limits stand, without taking anything. Raises StorageUnavailable."""
        if purses:
            work = self._asked(list(purses)[:_ASK_MAX])
            await answered(spawn(work, owner=self._refills, name="levels"))

    async def return_idle(self) -> None:
        """Give back what has lain idle for a second, and of what is in use the surplus.

        Holds are upper bounds: what they leave over would else pile up in a busy worker.

        Raises:
            StorageUnavailable: the rest is kept and offered again.
        """
        now_ns = self.now_ns()
        before_ns = now_ns - _IDLE_NS
        back: list[Purse] = []
        for purse in self._former:
            purse.set_aside(purse.available)
            if purse.owed:
                back.append(purse)
        for purse in list(self._purses.values()):
            if _is_void(purse, now_ns):
                purse.available = 0
            kept = 0 if purse.used_at_ns < before_ns else purse.want
            if purse.available > kept:
                purse.set_aside(purse.available - kept)
            if purse.owed:
                back.append(purse)
        for first in range(0, len(back), _ASK_MAX):
            await self._give_back(back[first : first + _ASK_MAX])

    async def look_after(self) -> None:
        """Ask how those stand that are in use and have steps. Raises StorageUnavailable."""
        before_ns = self.now_ns() - _LOOK_AFTER_NS
        await self.ask(
            [one for one in self._purses.values() if one.told.steps and one.used_at_ns > before_ns]
        )

    def forget_unused(self, unused_s: float) -> bool:
        """Drop purses that nobody has used for so long and that hold nothing; tell whether any."""
        before_ns = self.now_ns() - int(unused_s * 1e9)
        unused = [limit_id for limit_id, one in self._purses.items() if _is_unused(one, before_ns)]
        for limit_id in unused:
            del self._purses[limit_id]
        self._former = [one for one in self._former if not _is_unused(one, before_ns)]
        return bool(unused)

    async def _give_back(self, purses: Sequence[Purse]) -> None:
        returned, owed = self._owed(purses)
        if not returned:
            return
        try:
            await self._in_thread(lambda: self._store.give_back(returned, holder=self._holder))
        except LegatoError:
            _keep(owed)
            raise

    def _owed(
        self, purses: Sequence[Purse]
    ) -> tuple[list[Returned], list[tuple[Purse, dict[int, int]]]]:
        owed = [(purse, purse.owed) for purse in purses if purse.owed]
        returned = [
            Returned(purse.limit.kind, purse.limit.id, window_ns, amount, purse.limit.span)
            for purse, windows in owed
            for window_ns, amount in windows.items()
        ]
        for purse, _ in owed:
            purse.owed = {}
        return returned, owed

    async def _refill(self, lacking: Sequence[tuple[Purse, int]]) -> None:
        async with AsyncExitStack() as locks:
            for purse, _ in sorted(lacking, key=_by_name):
                await locks.enter_async_context(purse.lock)
            now_ns = self.now_ns()
            wanting = [
                (purse, amount)
                for purse, amount in lacking
                if purse.available < amount or now_ns >= purse.resets_at_ns
            ]
            for purse, amount in wanting:
                if (grant := purse.refusal(amount, now_ns)) is not None:
                    raise Refused(purse, amount, grant)
            if wanting:
                await self._take(wanting, now_ns)

    async def _take(self, wanting: Sequence[tuple[Purse, int]], now_ns: int) -> None:
        wishes = [_wish(purse, amount, now_ns) for purse, amount in wanting]
        limits = [purse.limit for purse, _ in wanting]
        returned, owed = self._owed([purse for purse, _ in wanting])

        def take() -> tuple[list[Grant], int]:
            if returned:
                self._store.give_back(returned, holder=self._holder)
                owed.clear()
            grants = self._store.take(wishes, holder=self._holder)
            return grants, self.now_ns() - grants[0].at_ns

        try:
            grants, ahead_ns = await self._in_thread(take)
        except LegatoError:
            _keep(owed)
            raise
        now_ns = self.now_ns()
        refused: Refused | None = None
        for (purse, amount), wish, limit, grant in zip(
            wanting, wishes, limits, grants, strict=True
        ):
            purse.take_in(grant, ahead_ns)
            purse.used_at_ns = now_ns
            if limit.kind is LimitKind.RATE:  # what is left is shared out finer and finer
                purse.want = max(1, (grant.limit - grant.leased) // self._shares)
            if purse.limit == limit and falls_short(wish, grant):
                purse.refused = now_ns, wish.at_least, grant
                refused = refused or Refused(purse, amount, grant)
        if refused is not None:
            raise refused

    async def _asked(self, purses: Sequence[Purse]) -> None:
        wishes = [Wish(purse.limit, 0, 0) for purse in purses]
        windows = [purse.window_ns for purse in purses]
        grants: list[Grant] = await self._in_thread(
            lambda: self._store.take(wishes, holder=self._holder)
        )
        for purse, wish, window_ns, grant in zip(purses, wishes, windows, grants, strict=True):
            fresh = purse.known is None or grant.window_start_ns == window_ns
            if fresh and purse.limit == wish.limit and purse.window_ns == window_ns:
                purse.known, purse.taken = grant, grant.settled + grant.leased


def _is_unused(purse: Purse, before_ns: int) -> bool:
    holds = purse.held or purse.available or purse.owed or purse.lock.locked()
    return purse.used_at_ns < before_ns and not holds


def _is_void(purse: Purse, now_ns: int) -> bool:
    """Whether what is left is of a window of requests that is over: it counts no more."""
    limit = purse.limit
    is_fixed = limit.kind is LimitKind.RATE and limit.span[0] != "r"
    return is_fixed and 0 < purse.resets_at_ns <= now_ns


def _wish(purse: Purse, amount: int, now_ns: int) -> Wish:
    missing = amount if now_ns >= purse.resets_at_ns else amount - purse.available
    return Wish(purse.limit, max(missing, purse.want), missing)


def _keep(owed: Sequence[tuple[Purse, dict[int, int]]]) -> None:
    """Have what couldn't be given back in the purses again: it is still leased to us."""
    for purse, windows in owed:
        for window_ns, amount in windows.items():
            if window_ns == purse.window_ns and purse.resets_at_ns:
                purse.available += amount
                purse.taken += amount
            else:
                purse.owed[window_ns] = purse.owed.get(window_ns, 0) + amount


def _by_name(lacking: tuple[Purse, int]) -> str:
    return lacking[0].limit.id
