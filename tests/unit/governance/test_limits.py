from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from legato.core.clock import ManualClock
from legato.core.errors import RateLimited, StorageUnavailable
from legato.core.principal import Principal
from legato.governance.worker import governed

sys.path.append(str(Path(__file__).parent))  # --import-mode=importlib adds no folder by itself
from leased import LeasedInMemory, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.governance.limits import Limits

KEY = Principal(key_id="k", name="ci", org="o", team="t", feature="f", requests_per_minute=20)
HOUR_NS = 3_600_000_000_000


def limits_at(ahead_ns: int) -> tuple[Limits, LeasedInMemory, ManualClock]:
    """Limits on a machine whose clock is ahead of the store's."""
    store: Any = LeasedInMemory()
    clock = ManualClock(store.clock.now_ns() + ahead_ns)
    return governed(store, in_thread, clock, holder="w-0")[0], store, clock


async def idle(limits: Limits) -> None:
    await limits.purses.return_idle()
    await limits.return_idle()


async def admitted(limits: Limits) -> int:
    """How many are let in before one is refused."""
    for count in range(100):
        try:
            await limits.admit(KEY)
        except RateLimited as error:
            return count if 0 <= (error.retry_after_s or 0) <= 60 else -1
    return 100


@pytest.mark.parametrize("ahead_ns", [0, HOUR_NS, -HOUR_NS])
async def test_a_window_is_the_stores_whatever_this_machine_thinks_the_time_is(
    ahead_ns: int,
) -> None:
    limits, store, clock = limits_at(ahead_ns)
    assert await admitted(limits) == 20
    for tick in (clock, store.clock):
        tick.advance(60)
    assert await admitted(limits) == 20


async def test_the_store_is_asked_by_the_slice() -> None:
    limits, store, _ = limits_at(0)
    await admitted(limits)
    assert store.asked <= 21


async def test_what_lies_idle_goes_back_and_stays_ours_while_the_store_is_away() -> None:
    limits, store, clock = limits_at(0)
    wide = Principal(**{**as_fields(KEY), "requests_per_minute": 1_600})
    await limits.admit(wide)
    (leased,) = store.leased.values()
    assert leased == 100
    clock.advance(2)
    store.is_away = True
    with pytest.raises(StorageUnavailable):
        await idle(limits)
    await limits.admit(wide)  # from what it still has
    store.is_away = False
    clock.advance(2)
    await idle(limits)
    assert list(store.leased.values()) == [2]


async def test_nobody_waits_as_long_as_a_lock_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("legato.governance.store_gate.PATIENCE_S", 0.01)
    store: Any = LeasedInMemory()
    unlocked = asyncio.Event()

    async def slowly(work: Callable[[], Any]) -> Any:
        await unlocked.wait()
        return work()

    limits = governed(store, slowly, store.clock, holder="w-0")[0]
    with pytest.raises(StorageUnavailable, match="too long"):
        await limits.admit(KEY)
    unlocked.set()
    await limits.admit(KEY)  # from what the first one had asked for
    assert store.asked == 1


async def test_callers_over_the_limit_ask_the_store_once_for_all_of_them() -> None:
    limits, store, clock = limits_at(0)
    assert await admitted(limits) == 20
    asked = store.asked
    refused = await asyncio.gather(*(limits.admit(KEY) for _ in range(50)), return_exceptions=True)
    assert all(isinstance(one, RateLimited) for one in refused)
    assert store.asked <= asked + 1
    store.leased.clear()  # other workers have given theirs back
    clock.advance(1)
    await limits.admit(KEY)
    wide = Principal(**{**as_fields(KEY), "requests_per_minute": 40})
    assert await admitted(limits) == 19
    await limits.admit(wide)  # a raised limit counts at once


async def test_a_caller_who_leaves_takes_no_returned_slice_along() -> None:
    store: Any = LeasedInMemory()
    unlocked = asyncio.Event()
    unlocked.set()

    async def slowly(work: Callable[[], Any]) -> Any:
        await unlocked.wait()
        return work()

    limits = governed(store, slowly, store.clock, holder="w-0")[0]
    wide, less = (
        Principal(**{**as_fields(KEY), "requests_per_minute": rpm}) for rpm in (1_600, 800)
    )
    await limits.admit(wide)
    unlocked.clear()
    leaving = asyncio.ensure_future(limits.admit(less))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    unlocked.set()
    await limits.admit(less)
    (leased,) = store.leased.values()
    assert leased == 1 + 800 // 16


def as_fields(principal: Principal) -> dict[str, Any]:
    return {name: getattr(principal, name) for name in principal.__struct_fields__}
