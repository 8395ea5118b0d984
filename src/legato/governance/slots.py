"""Slots: how many calls may run at the same time, leased from the shared store.

A small number of slots is given back as soon as they are free: a caller with one slot finds
another worker with its next request.
"""

import asyncio
from typing import Any

from legato.core.clock import Clock
from legato.core.errors import LegatoError
from legato.core.leases import Grant, Leases, Limit, LimitKind, Returned, Wish
from legato.core.tasks import InThread, spawn
from legato.governance.purses import Told
from legato.governance.store_gate import answered

_SHARES_PER_WORKER = 16
_NS_PER_S = 1_000_000_000
_IDLE_NS = _NS_PER_S
FEW_SLOTS = 64
"""Up to so many, free slots go back at once; more than that never all lie in one worker."""
_RETURN_AFTER_S = 0.02
"""Long enough for a busy worker to use a slot again without asking the store."""
_ASK_AGAIN_S = 0.08
"""Another worker's free slot has come back by then."""
_ASK_AGAIN_NS = int(_ASK_AGAIN_S * _NS_PER_S)


class SlotsTaken(Exception):
    """As many calls run as may."""

    def __init__(self, slots: "Slots") -> None:
        super().__init__(slots.limit.id)
        self.slots = slots


class Slots:
    """One counter's slots, as this worker holds them."""

    __slots__ = (
        "in_use",
        "is_over",
        "leased",
        "limit",
        "lock",
        "refused_at_ns",
        "returning",
        "told",
        "used_at_ns",
        "want",
    )

    def __init__(self, limit: Limit, told: Told, want: int) -> None:
        self.limit = limit
        self.told = told
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
        return (self.in_use < self.leased and not self.is_over) or self.limit.soft


class SlotPurses:
    """All slots of one worker."""

    def __init__(
        self, store: Leases, in_thread: InThread, clock: Clock, *, holder: str, workers: int
    ) -> None:
        self._store = store
        self._in_thread = in_thread
        self._now_ns = clock.now_ns
        self._holder = holder
        self._is_alone = workers == 1
        self._shares = _SHARES_PER_WORKER * workers
        self._slots: dict[str, Slots] = {}
        self._takes: set[asyncio.Task[Any]] = set()

    def of(self, limit: Limit, told: Told) -> Slots:
        """Return a limit's slots; under a limit that is new, what was leased goes back.

        The object stays: calls under way hold on to it, too.
        """
        slots, want = self._slots.get(limit.id), max(1, limit.limit // self._shares)
        if slots is None:
            slots = self._slots[limit.id] = Slots(limit, told, want)
            slots.used_at_ns = self._now_ns()
        elif slots.limit != limit:
            slots.is_over = slots.is_over or limit.limit < slots.limit.limit
            slots.limit, slots.want = limit, want
            self._return_free(slots)
        slots.told = told
        return slots

    async def take(self, wanted: tuple[Slots, ...]) -> None:
        """Take one slot of each, or none.

        Raises:
            SlotsTaken: one of them has none left.
            StorageUnavailable: what was leased is in use and the store is away.
        """
        lacking = _lacking(wanted)
        while lacking is not None:
            if lacking.in_use >= lacking.limit.limit:  # all of them here: the store has no other
                raise SlotsTaken(lacking)
            lacking.used_at_ns = self._now_ns()  # what is being asked for isn't forgotten
            await answered(spawn(self._take(lacking), owner=self._takes, name="lease"))
            lacking = _lacking(wanted)
        for slots in wanted:
            slots.in_use += 1

    def release(self, taken: tuple[Slots, ...]) -> None:
        """Give back what `take` took."""
        now_ns = self._now_ns()
        for slots in taken:
            slots.in_use -= 1
            slots.used_at_ns = now_ns
            are_few = slots.limit.limit <= FEW_SLOTS and not self._is_alone
            if are_few or slots.is_over:
                self._return_free(slots)

    async def return_idle(self) -> None:
        """Give back what was not used for a second, and of what is in use more than a slice.

        Raises:
            StorageUnavailable: the rest is kept and offered again.
        """
        before_ns = self._now_ns() - _IDLE_NS
        for slots in list(self._slots.values()):
            kept = 0 if slots.used_at_ns < before_ns else slots.want
            spare = slots.leased - slots.in_use
            if spare > kept:
                await self._return(slots, spare - kept)

    def forget_unused(self, unused_s: float) -> bool:
        """Drop what nobody has used for so long; tell whether any."""
        before_ns = self._now_ns() - int(unused_s * _NS_PER_S)
        unused = [
            limit_id
            for limit_id, one in self._slots.items()
            if one.used_at_ns < before_ns and not (one.in_use or one.leased or one.lock.locked())
        ]
        for limit_id in unused:
            del self._slots[limit_id]
        return bool(unused)

    def _return_free(self, slots: Slots) -> None:
        if not slots.returning:
            slots.returning = True
            spawn(self._return_soon(slots), owner=self._takes, name="free slots")

    async def _return_soon(self, slots: Slots) -> None:
        try:
            await asyncio.sleep(_RETURN_AFTER_S)
            if (spare := slots.leased - slots.in_use) > 0:
                await self._return(slots, spare)
        except LegatoError:
            pass  # `return_idle` offers them again, and says so
        finally:
            slots.returning = False

    async def _return(self, slots: Slots, amount: int) -> None:
        slots.leased -= amount
        back = [Returned(LimitKind.SLOTS, slots.limit.id, 0, amount)]
        try:
            await self._in_thread(lambda: self._store.give_back(back, holder=self._holder))
        except LegatoError:
            slots.leased += amount  # still ours in the store
            raise

    async def _take(self, slots: Slots) -> None:
        if await self._lease(slots):
            return
        elsewhere = not self._is_alone and slots.in_use < slots.limit.limit
        if elsewhere and not 0 <= self._now_ns() - slots.refused_at_ns <= _ASK_AGAIN_NS:
            await asyncio.sleep(_ASK_AGAIN_S)
            if await self._lease(slots):
                return
        slots.refused_at_ns = self._now_ns()
        raise SlotsTaken(slots)

    async def _lease(self, slots: Slots) -> bool:
        async with slots.lock:
            if slots.has_room:
                return True
            # under a lowered limit all that is free goes back before more is asked for
            spare = slots.leased - slots.in_use if slots.is_over else 0
            slots.leased -= spare
            try:
                grant: Grant = await self._in_thread(lambda: self._granted(slots, spare))
            except LegatoError:
                slots.leased += spare
                raise
            slots.leased += grant.granted
            slots.is_over = slots.is_over and not grant.granted
            slots.used_at_ns = self._now_ns()
            slots.want = max(1, (grant.limit - grant.leased) // self._shares)
            return slots.has_room

    def _granted(self, slots: Slots, spare: int) -> Grant:
        limit, holder = slots.limit, self._holder
        if spare:
            back = [Returned(LimitKind.SLOTS, limit.id, 0, spare)]
            self._store.give_back(back, holder=holder)
        return self._store.take([Wish(limit, slots.want)], holder=holder)[0]


def _lacking(wanted: tuple[Slots, ...]) -> Slots | None:
    for slots in wanted:
        if not slots.has_room:
            return slots
    return None
