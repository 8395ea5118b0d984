from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from legato.core.clock import ManualClock
from legato.core.errors import BudgetExceeded, StorageUnavailable
from legato.core.leases import Limit, LimitKind
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Window
from legato.governance.purses import Purses, Told
from legato.governance.slots import SlotPurses
from legato.governance.worker import governed

sys.path.append(str(Path(__file__).parent))  # --import-mode=importlib adds no folder by itself
from leased import WINDOW_NS, LeasedInMemory, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.governance.budgets import Budgets

LIMIT = BudgetLimit("key:k", NanoUSD(1_600), Window.DAY)
HOUR_NS = 3_600_000_000_000


def budgets_at(ahead_ns: int) -> tuple[Budgets, LeasedInMemory, ManualClock]:
    """Budgets on a machine whose clock is ahead of the store's."""
    store: Any = LeasedInMemory()
    clock = ManualClock(store.clock.now_ns() + ahead_ns)
    return governed(store, in_thread, clock, holder="w-0")[1], store, clock


@pytest.mark.parametrize("ahead_ns", [0, HOUR_NS, -HOUR_NS])
async def test_a_hold_counts_in_the_stores_window(ahead_ns: int) -> None:
    budgets, store, clock = budgets_at(ahead_ns)
    for _ in range(2):
        hold = await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1_600))
        assert hold.windows[0] <= hold.at_ns < hold.windows[0] + WINDOW_NS
        assert hold.at_ns == store.clock.now_ns()
        with pytest.raises(BudgetExceeded) as caught:
            await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1))
        assert caught.value.retry_after_s is not None
        assert 0 < caught.value.retry_after_s <= 60
        for tick in (clock, store.clock):
            tick.advance(60)


async def test_what_an_attempt_left_of_its_hold_is_held_again() -> None:
    budgets, store, _ = budgets_at(0)
    hold = await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1_600))
    budgets.settle(hold, NanoUSD(600))
    await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1_000))
    assert store.asked == 1
    with pytest.raises(BudgetExceeded):
        await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1))


async def test_a_hold_of_a_past_window_says_nothing_about_this_one() -> None:
    budgets, store, clock = budgets_at(0)
    old = await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1_600))
    for tick in (clock, store.clock):
        tick.advance(60)
    await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1_600))
    budgets.settle(old, NanoUSD(0))
    with pytest.raises(BudgetExceeded):
        await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1))


async def test_what_lies_idle_goes_back_and_stays_ours_while_the_store_is_away() -> None:
    budgets, store, clock = budgets_at(0)
    budgets.settle(await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(800)), NanoUSD(0))
    clock.advance(2)
    store.is_away = True
    with pytest.raises(StorageUnavailable):
        await budgets.return_idle()
    await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(300))  # from what it still has
    store.is_away = False
    clock.advance(2)
    await budgets.return_idle()
    assert list(store.leased.values()) == [300]


async def test_calls_over_the_budget_ask_the_store_once_for_all_of_them() -> None:
    budgets, store, clock = budgets_at(0)
    hold = await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1_000))
    for amount in (601, 601, 700, 601):
        with pytest.raises(BudgetExceeded, match="needs up to"):
            await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(amount))
    assert store.asked == 2
    await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(600))  # what fits is held
    budgets.settle(hold, NanoUSD(0))
    await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(900))  # and what has come back
    with pytest.raises(BudgetExceeded):
        await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(200))
    store.leased.clear()  # other workers have given theirs back
    clock.advance(1)
    await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(200))


async def test_a_caller_who_leaves_takes_no_returned_money_along() -> None:
    store: Any = LeasedInMemory()
    unlocked = asyncio.Event()
    unlocked.set()

    async def slowly(work: Callable[[], Any]) -> Any:
        await unlocked.wait()
        return work()

    budgets = governed(store, slowly, store.clock, holder="w-0")[1]
    hold = await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1_600))
    budgets.settle(hold, NanoUSD(0))
    changed = BudgetLimit(LIMIT.id, NanoUSD(800), Window.DAY)
    unlocked.clear()
    leaving = asyncio.ensure_future(budgets.hold(budgets.of_limit(changed), NanoUSD(10)))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    unlocked.set()
    await budgets.hold(budgets.of_limit(changed), NanoUSD(800))
    assert list(store.leased.values()) == [800]


async def test_a_clock_that_is_set_back_books_nothing_before_the_window() -> None:
    budgets, _, clock = budgets_at(0)
    await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(10))
    clock.advance(-3_600)
    hold = await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(10))
    assert hold.windows[0] <= hold.at_ns < hold.windows[0] + WINDOW_NS


async def test_what_is_being_asked_for_is_not_forgotten() -> None:
    store, gate = LeasedInMemory(), asyncio.Event()

    async def slowly(work: Callable[[], Any]) -> Any:
        await gate.wait()
        return work()

    purses = Purses(store, slowly, store.clock, holder="w-0", workers=1)
    slots = SlotPurses(LeasedInMemory(), slowly, store.clock, holder="w-0", workers=1)
    purse = purses.of(Limit(LimitKind.BUDGET, "budget:b", 1_600, "total"), Told("b"))
    mine = slots.of(Limit(LimitKind.SLOTS, "slots:s", 3, "total"), Told("s"))
    refilled = asyncio.create_task(purses.refill([(purse, 50)]))
    taken = asyncio.create_task(slots.take((mine,)))
    await asyncio.sleep(0.01)
    store.clock.advance(3_600)  # a store may be slow
    assert not purses.forget_unused(900)
    assert not slots.forget_unused(900)
    gate.set()
    await asyncio.gather(refilled, taken)
    assert purses.of(purse.limit, purse.told) is purse
    assert slots.of(mine.limit, mine.told) is mine


class SlowToAnswer(LeasedInMemory):
    """Its answers are on their way for a while."""

    def __init__(self, caller: ManualClock) -> None:
        super().__init__()
        self.caller = caller
        self.latency_s = 5.0

    def take(self, wishes: Any, *, holder: str) -> Any:
        found = super().take(wishes, holder=holder)
        for tick in (self.caller, self.clock):
            tick.advance(self.latency_s)
        return found


async def test_a_hold_on_several_lies_in_the_windows_of_all() -> None:
    clock = ManualClock()
    store = SlowToAnswer(clock)
    budgets = governed(store, in_thread, clock, holder="w-0")[1]
    limits = [BudgetLimit(name, NanoUSD(90_000), Window.DAY) for name in ("one", "other")]
    one, other = map(budgets.of_limit, limits)
    wait_s = 45 - clock.now_ns() % WINDOW_NS / 1e9
    for tick in (clock, store.clock):
        tick.advance(wait_s)
    budgets.settle(await budgets.hold(one, NanoUSD(1)), NanoUSD(0))
    for tick in (clock, store.clock):
        tick.advance(12)
    store.latency_s = 0.0
    await budgets.hold(other, NanoUSD(1))  # the store's answer is of the next window
    hold = await budgets.hold(one._replace(money=one.money + other.money), NanoUSD(1))
    for window_ns in hold.windows:
        assert window_ns <= hold.at_ns < window_ns + WINDOW_NS


@pytest.mark.parametrize("back_s", [60, 1, 3_600])
async def test_a_stores_clock_that_is_set_back_books_nothing_outside_a_window(back_s: int) -> None:
    budgets, store, clock = budgets_at(0)
    limits = [BudgetLimit(name, NanoUSD(90_000), Window.DAY) for name in ("one", "other")]
    one, other = map(budgets.of_limit, limits)
    for tick in (clock, store.clock):
        tick.advance(60.5 - clock.now_ns() % WINDOW_NS / 1e9)
    budgets.settle(await budgets.hold(one, NanoUSD(1)), NanoUSD(0))
    store.clock.advance(-back_s)
    budgets.settle(await budgets.hold(other, NanoUSD(1)), NanoUSD(0))
    hold = await budgets.hold(one._replace(money=one.money + other.money), NanoUSD(1))
    for window_ns in hold.windows:
        assert window_ns <= hold.at_ns < window_ns + WINDOW_NS


async def test_a_changed_window_never_spends_what_the_former_leased() -> None:
    budgets, store, clock = budgets_at(0)
    old = await budgets.hold(budgets.of_limit(LIMIT), NanoUSD(1_500))
    monthly = BudgetLimit(LIMIT.id, NanoUSD(1_600), Window.MONTH)
    new = await budgets.hold(budgets.of_limit(monthly), NanoUSD(1_000))
    budgets.settle(old, NanoUSD(0))
    with pytest.raises(BudgetExceeded):
        await budgets.hold(budgets.of_limit(monthly), NanoUSD(601))
    budgets.settle(new, NanoUSD(0))
    clock.advance(2)
    await budgets.return_idle()
    assert set(store.leased.values()) == {0}, "each has back what was leased of it"
