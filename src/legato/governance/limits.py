"""Rate and concurrency limits of a key, spent from slices leased from the shared store.

The fast path is arithmetic in memory. A slice shrinks with what is left of the limit, so
little is stranded in other workers when it runs out, and workers give back each second what
they don't need. A small number of slots is given back as soon as they are free: a caller with
one slot finds another worker with its next request.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from legato.core.clock import Clock
from legato.core.errors import LegatoError, RateLimited
from legato.core.leases import Grant
from legato.core.principal import Principal
from legato.core.tasks import InThread, spawn
from legato.governance.store_gate import answered
from legato.storage.limits.leases import LeaseStore

WINDOW_S = 60
_SHARES_PER_WORKER = 16
_NS_PER_S = 1_000_000_000
IDLE_NS = _NS_PER_S
FEW_SLOTS = 64
"""Up to so many, free slots go back at once; more than that never all lie in one worker."""
_RETURN_AFTER_S = 0.02
"""Long enough for a busy worker to use a slot again without asking the store."""
_ASK_AGAIN_S = 0.08
"""Another worker's free slot, or unused slice, has come back by then."""
_ASK_AGAIN_NS = int(_ASK_AGAIN_S * _NS_PER_S)


class _Rate:
    """One key's requests per minute, as this worker holds them."""

    __slots__ = (
        "available",
        "limit",
        "lock",
        "refused_at_ns",
        "resets_at_ns",
        "used_at_ns",
        "want",
        "window_ns",
    )

    def __init__(self, limit: int, want: int) -> None:
        self.limit = limit
        self.want = want
        self.available = 0
        self.window_ns = 0
        self.resets_at_ns = 0
        self.used_at_ns = 0
        self.refused_at_ns = -_ASK_AGAIN_NS
        self.lock = asyncio.Lock()

    def is_refused(self, now_ns: int) -> bool:
        """Whether the store has just said that there is no more: all who come now hear the same.

        Else a caller far over his limit would keep the store busy for everybody.
        """
        return 0 <= now_ns - self.refused_at_ns < _ASK_AGAIN_NS and now_ns < self.resets_at_ns


class _Slots:
    """One key's concurrency slots, as this worker holds them."""

    __slots__ = (
        "in_use",
        "is_over",
        "leased",
        "limit",
        "lock",
        "refused_at_ns",
        "returning",
        "used_at_ns",
        "want",
    )

    def __init__(self, limit: int, want: int) -> None:
        self.limit = limit
        self.want = want
        self.leased = 0
        self.in_use = 0
        self.is_over = False  # the limit was lowered: what gets free goes back before more is used
        self.used_at_ns = 0
        self.refused_at_ns = 0
        self.returning = False
        self.lock = asyncio.Lock()

    @property
    def has_room(self) -> bool:
        """Whether a request can be let in without asking the store."""
        return self.in_use < self.leased and not self.is_over


class Limits:
    """Admits requests within each key's limits, exactly, across workers."""

    def __init__(
        self, store: LeaseStore, in_thread: InThread, clock: Clock, *, holder: str, workers: int
    ) -> None:
        self._store = store
        self._in_thread = in_thread
        self._now_ns = clock.now_ns
        self._holder = holder
        self._is_alone = workers == 1
        self._shares = _SHARES_PER_WORKER * workers
        self._rates: dict[str, _Rate] = {}
        self._slots: dict[str, _Slots] = {}
        self._takes: set[asyncio.Task[Any]] = set()

    async def admit(self, principal: Principal) -> bool:
        """Count one request in; True when a slot was taken that `release` must give back.

        Raises:
            RateLimited: naming the limit, its state and when it resets.
            StorageUnavailable: the leased slice is spent and the store is away.
        """
        rpm = principal.requests_per_minute
        if rpm is not None:
            rate = self._rates.get(principal.key_id)
            if rate is None or rate.limit != rpm:
                rate = await self._rate_of(principal.key_id, rpm)
            now_ns = self._now_ns()
            while rate.available <= 0 or now_ns >= rate.resets_at_ns:
                if rate.is_refused(now_ns):
                    raise _rate_exceeded(principal, rate, now_ns)
                await self._completed(self._take_rate(principal, rate))
                now_ns = self._now_ns()
            rate.available -= 1
            rate.used_at_ns = now_ns
        concurrency = principal.concurrency_max
        if concurrency is None:
            return False
        slots = self._slots.get(principal.key_id)
        if slots is None or slots.limit != concurrency:
            slots = await self._slots_of(principal.key_id, concurrency)
        while not slots.has_room:
            if slots.in_use >= slots.limit:  # all of them here: the store has no other
                raise _slots_taken(principal, slots)
            await self._completed(self._take_slots(principal, slots))
        slots.in_use += 1
        return True

    def release(self, principal: Principal) -> None:
        """Give back the slot that `admit` took."""
        slots = self._slots[principal.key_id]
        slots.in_use -= 1
        slots.used_at_ns = self._now_ns()
        are_few = slots.limit <= FEW_SLOTS and not self._is_alone
        if (are_few or slots.is_over) and not slots.returning:
            slots.returning = True
            returned = self._return_soon(principal.key_id, slots)
            spawn(returned, owner=self._takes, name="free slots")

    async def return_idle(self) -> None:
        """Give back what was not used for a second, and of what is in use more than a slice.

        Raises:
            StorageUnavailable: the rest is kept and offered again.
        """
        before_ns = self._now_ns() - IDLE_NS
        for key_id, rate in list(self._rates.items()):
            kept = 0 if rate.used_at_ns < before_ns else rate.want
            if rate.available > kept:
                await self._return_rate(key_id, rate, rate.available - kept)
        for key_id, slots in list(self._slots.items()):
            kept = 0 if slots.used_at_ns < before_ns else slots.want
            spare = slots.leased - slots.in_use
            if spare > kept:
                await self._return_slots(key_id, slots, spare - kept)

    async def _completed(self, work: Coroutine[Any, Any, None]) -> None:
        """Take or return in a task of its own: a caller who leaves must not take it along."""
        await answered(spawn(work, owner=self._takes, name="lease"))

    async def _return_rate(self, key_id: str, rate: _Rate, amount: int) -> None:
        rate.available -= amount
        window_ns = rate.window_ns
        if self._now_ns() >= rate.resets_at_ns:
            return  # the window is over and its slice void
        try:
            await self._in_thread(
                lambda: self._store.return_rate(
                    key_id, window_ns, holder=self._holder, amount=amount
                )
            )
        except LegatoError:
            if window_ns == rate.window_ns:
                rate.available += amount  # still ours in the store
            raise

    async def _return_soon(self, key_id: str, slots: _Slots) -> None:
        try:
            await asyncio.sleep(_RETURN_AFTER_S)
            if (spare := slots.leased - slots.in_use) > 0:
                await self._return_slots(key_id, slots, spare)
        except LegatoError:
            pass  # `return_idle` offers them again, and says so
        finally:
            slots.returning = False

    async def _return_slots(self, key_id: str, slots: _Slots, amount: int) -> None:
        slots.leased -= amount
        try:
            await self._in_thread(
                lambda: self._store.return_slots(key_id, holder=self._holder, amount=amount)
            )
        except LegatoError:
            slots.leased += amount  # still ours in the store
            raise

    async def _rate_of(self, key_id: str, limit: int) -> _Rate:
        """Return a key's rate under a limit that is new; what was leased under another goes back.

        The object stays: calls under way hold on to it, too.
        """
        rate, want = self._rates.get(key_id), max(1, limit // self._shares)
        if rate is None:
            rate = self._rates[key_id] = _Rate(limit, want)
        elif rate.limit != limit:
            rate.limit, rate.want, rate.refused_at_ns = limit, want, -_ASK_AGAIN_NS
            if rate.available > 0:
                await self._completed(self._return_rate(key_id, rate, rate.available))
        return rate

    async def _slots_of(self, key_id: str, limit: int) -> _Slots:
        """Return a key's slots under a limit that is new, as `_rate_of` does."""
        slots, want = self._slots.get(key_id), max(1, limit // self._shares)
        if slots is None:
            slots = self._slots[key_id] = _Slots(limit, want)
        elif slots.limit != limit:
            slots.is_over = slots.is_over or limit < slots.limit
            slots.limit, slots.want = limit, want
            if (spare := slots.leased - slots.in_use) > 0:
                await self._completed(self._return_slots(key_id, slots, spare))
        return slots

    async def _take_rate(self, principal: Principal, rate: _Rate) -> None:
        async with rate.lock:
            now_ns = self._now_ns()
            has_some = rate.available > 0 and now_ns < rate.resets_at_ns
            if not (has_some or rate.is_refused(now_ns)):
                grant, ahead_ns = await self._in_thread(
                    lambda: self._timed(
                        self._store.take_rate(
                            principal.key_id,
                            rate.limit,
                            holder=self._holder,
                            want=rate.want,
                            window_s=WINDOW_S,
                        )
                    )
                )
                rate.available = grant.granted
                rate.window_ns = grant.window_start_ns
                rate.resets_at_ns = (grant.resets_at_ns or 0) + ahead_ns
                rate.want = max(1, (grant.limit - grant.leased) // self._shares)
                now_ns = self._now_ns()
                if not grant.granted and grant.limit == rate.limit:
                    rate.refused_at_ns = now_ns
            rate.used_at_ns = now_ns
            if rate.available > 0:
                return
        raise _rate_exceeded(principal, rate, now_ns)

    def _timed(self, grant: Grant) -> tuple[Grant, int]:
        """Return how far this machine's clock is ahead of the store's, too."""
        return grant, self._now_ns() - grant.at_ns

    async def _take_slots(self, principal: Principal, slots: _Slots) -> None:
        if await self._lease_slots(principal.key_id, slots):
            return
        elsewhere = not self._is_alone and slots.in_use < slots.limit
        if elsewhere and not 0 <= self._now_ns() - slots.refused_at_ns <= _ASK_AGAIN_NS:
            await asyncio.sleep(_ASK_AGAIN_S)
            if await self._lease_slots(principal.key_id, slots):
                return
        slots.refused_at_ns = self._now_ns()
        raise _slots_taken(principal, slots)

    async def _lease_slots(self, key_id: str, slots: _Slots) -> bool:
        async with slots.lock:
            if slots.has_room:
                return True
            grant: Grant = await self._in_thread(
                lambda: self._store.take_slots(
                    key_id, slots.limit, holder=self._holder, want=slots.want
                )
            )
            slots.leased += grant.granted
            slots.is_over = slots.is_over and not grant.granted
            slots.used_at_ns = self._now_ns()
            slots.want = max(1, (grant.limit - grant.leased) // self._shares)
            return slots.has_room


def _rate_exceeded(principal: Principal, rate: _Rate, now_ns: int) -> RateLimited:
    reset_s = max(0.0, (rate.resets_at_ns - now_ns) / _NS_PER_S)
    msg = (
        f"Key {principal.name!r} has used its {rate.limit} requests per minute; "
        f"the limit resets in {reset_s:.0f} s."
    )
    return RateLimited(msg, retry_after_s=reset_s)


def _slots_taken(principal: Principal, slots: _Slots) -> RateLimited:
    msg = (
        f"Key {principal.name!r} has {slots.limit} requests running, its concurrency "
        "limit; try again when one has finished."
    )
    return RateLimited(msg, retry_after_s=1)
