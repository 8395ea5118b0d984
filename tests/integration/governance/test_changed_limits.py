"""Limits and budgets that change, or whose window ends, while calls run; on a real store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from legato.core.clock import ManualClock
from legato.core.errors import BudgetExceeded, RateLimited, StorageUnavailable
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Principal, Window
from legato.governance.worker import governed
from legato.storage.database.engine import open_engine
from legato.storage.limits.leases import LeaseStore
from legato.storage.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from legato.governance.budgets import Budgets
    from legato.governance.limits import Limits

DAY_NS = 24 * 3600 * 10**9


async def at_once(work: Callable[[], Any]) -> Any:
    await asyncio.sleep(0)
    return work()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[LeaseStore]:
    engine = open_engine(f"sqlite:///{tmp_path / 'legato.db'}")
    upgrade(engine)
    yield LeaseStore(engine, clock)
    engine.dispose()


def key(concurrency: int | None = None, rpm: int | None = None) -> Principal:
    return Principal(
        key_id="k",
        name="k",
        org="o",
        team="t",
        feature="f",
        concurrency_max=concurrency,
        requests_per_minute=rpm,
    )


async def fill(limits: Limits, principal: Principal, most: int = 100) -> int:
    for taken in range(most):
        try:
            await limits.admit(principal)
        except RateLimited:
            return taken
    return most


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_lowered_concurrency_holds_for_a_key_that_is_never_idle(
    store: LeaseStore, clock: ManualClock, workers: int
) -> None:
    all_limits = [
        governed(store, at_once, clock, holder=f"w{n}", workers=workers)[0] for n in range(workers)
    ]
    running = [await fill(limits, key(12), 12 // workers) for limits in all_limits]
    assert sum(running) == 12
    for _ in range(40):
        for number, limits in enumerate(all_limits):
            if running[number]:
                limits.release(limits.coverage.of(key(4), "", "").slots)
                running[number] -= 1
            running[number] += await fill(limits, key(4))
        await asyncio.sleep(0.005)
    assert sum(running) == 4


async def test_a_limit_that_changes_while_callers_wait_loses_no_slot(
    store: LeaseStore, clock: ManualClock
) -> None:
    limits = governed(store, at_once, clock, holder="w", workers=1)[0]
    many = [limits.admit(key(20)) for _ in range(5)] + [limits.admit(key(30)) for _ in range(5)]
    await asyncio.gather(*many)
    for _ in range(10):
        limits.release(limits.coverage.of(key(30), "", "").slots)
    assert await fill(limits, key(30)) == 30


async def test_a_lowered_rate_is_not_spent_from_the_old_slice(
    store: LeaseStore, clock: ManualClock
) -> None:
    limits = governed(store, at_once, clock, holder="w", workers=1)[0]
    await limits.admit(key(rpm=3_200))  # leases 200
    assert await fill(limits, key(rpm=10)) == 9


def budget(usd: int, window: Window = Window.DAY) -> BudgetLimit:
    return BudgetLimit("b", NanoUSD(usd), window)


async def hold_all(budgets: Budgets, limit: BudgetLimit) -> int:
    held = 0
    while True:
        try:
            held += (await budgets.hold(budgets.of_limit(limit), NanoUSD(10))).amount
        except BudgetExceeded:
            return held


async def test_a_budget_that_changes_under_many_callers_is_spent_to_the_last_dollar(
    store: LeaseStore, clock: ManualClock
) -> None:
    budgets = governed(store, at_once, clock, holder="w")[1]
    first = await budgets.hold(budgets.of_limit(budget(1_600)), NanoUSD(10))
    holds = await asyncio.gather(
        *(budgets.hold(budgets.of_limit(budget(3_200)), NanoUSD(10)) for _ in range(20)),
        *(budgets.hold(budgets.of_limit(budget(1_600)), NanoUSD(10)) for _ in range(20)),
    )
    for hold in (first, *holds):
        budgets.settle(hold, NanoUSD(0))
    assert await hold_all(budgets, budget(3_200)) == 3_200


async def test_money_of_a_window_that_ended_meanwhile_is_not_spent_in_the_next(
    store: LeaseStore, clock: ManualClock
) -> None:
    stuck: list[asyncio.Future[None]] = []

    async def in_thread(work: Callable[[], Any]) -> Any:
        if stuck:
            await stuck.pop()
            msg = "locked"
            raise StorageUnavailable(msg)
        return work()

    budgets = governed(store, in_thread, clock, holder="w")[1]
    budgets.settle(await budgets.hold(budgets.of_limit(budget(1_000)), NanoUSD(900)), NanoUSD(0))
    clock.advance(2)
    release = asyncio.get_running_loop().create_future()
    stuck.append(release)
    returning = asyncio.ensure_future(budgets.return_idle())
    await asyncio.sleep(0)
    clock.advance(DAY_NS / 1e9)
    await budgets.hold(budgets.of_limit(budget(1_000)), NanoUSD(10))
    release.set_result(None)
    with pytest.raises(StorageUnavailable):
        await returning
    assert await hold_all(budgets, budget(1_000)) == 990
