"""kill -9 at random moments: each attempt the provider saw has exactly one net entry."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import pytest

from .audit import Audit, rows_of
from .instance import Instance, kill
from .load import Load, mixed
from .watch import BudgetWatch, SegmentKeeper

if TYPE_CHECKING:
    from legato.providers.simulated.child import SimulatedChild

    from .conftest import MakeInstance, Say

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

CALLS = 2_000
KILLS = 20
FAULTS = {
    "error_rate": 0.05,
    "rate429": 0.05,
    "retry_after_s": None,
    "garbage_rate": 0.02,
    "cut_rate": 0.05,
    "cut_after_events": 6,
    "usage_shape": "final_chunk",
}
ROWS = "SELECT * FROM ledger_entry ORDER BY id"
TRACES = "SELECT * FROM trace_block ORDER BY id"


@pytest.mark.parametrize("workers", [1, 2])
async def test_twenty_kills_lose_nothing_and_count_nothing_twice(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say, workers: int
) -> None:
    seed = workers
    provider.change(models={"small-1": FAULTS, "large-1": {}})
    instance = instance_of(workers=workers)
    instance.start()
    limits = budget_limits(instance)
    load = Load(instance)
    with (
        BudgetWatch(instance.database, limits) as budgets,
        SegmentKeeper(instance.journal, instance.folder / "kept") as keeper,
    ):
        async with asyncio.TaskGroup() as group:
            killer = group.create_task(kill_often(instance, load, random.Random(seed)))
            group.create_task(load.run(mixed(CALLS, seed)))
        killed = killer.result()
        instance.await_ready()
        instance.stop_drained()
    assert sum(killed.values()) == KILLS
    assert budgets.wrong == []
    assert budgets.looks > 100
    audit = Audit(instance, provider.book)
    audit.check_all(load.seen)
    say(f"{workers} workers, {killed}, {audit.sources()}, {budgets.looks} looks at budgets")
    assert_worth_it(audit, load)
    assert max(budgets.closest.values()) > 0.9, "no budget came near its limit"
    check_replays(instance, keeper, audit, provider)


def assert_worth_it(audit: Audit, load: Load) -> None:
    """Else the kills fell between the calls, and the test shows nothing."""
    sources = audit.sources()
    assert sources["unknown"] > 5
    assert sources["provider"] > CALLS // 2
    assert load.broken > 5
    kinds = {row["kind"] for row in audit.entries}
    assert kinds >= {"usage", "retry", "cache"}
    assert any(seen.error_code == "budget_exceeded" for seen in load.seen)
    assert sum(seen.complete for seen in load.seen) > CALLS // 2


async def kill_often(instance: Instance, load: Load, dice: random.Random) -> dict[str, int]:
    """Kill a process at random counts of calls; whoever killed the supervisor starts it again."""
    killed: dict[str, int] = {"supervisor": 0, "worker": 0, "ledger": 0}
    at = sorted(dice.sample(range(30, CALLS - 30), KILLS))
    for number, begun in enumerate(at):
        while load.begun < begun:
            await asyncio.sleep(0.002)
        await asyncio.sleep(dice.uniform(0.0, 0.05))
        wanted = ("worker", "ledger", "supervisor")[number % 3]
        killed[wanted] += await kill_one(instance, wanted, dice)
        if wanted == "ledger" and dice.random() < 0.5:
            # once more, when it has just begun on what has piled up
            await asyncio.sleep(dice.uniform(0.0, 0.02))
            kill(instance.ledger_pid())
    return killed


async def kill_one(instance: Instance, wanted: str, dice: random.Random) -> int:
    if wanted == "supervisor":
        assert instance.process is not None
        instance.process.kill()
        await asyncio.to_thread(instance.process.wait)
        await asyncio.to_thread(instance.start)
        return 1
    while True:
        pid = instance.ledger_pid()
        if wanted == "worker":
            pid = dice.choice([None, *instance.worker_pids().values()])
        if kill(pid):
            return 1
        await asyncio.sleep(0.01)  # it is just being started again


def budget_limits(instance: Instance) -> dict[str, int]:
    """Return the limit in nano-USD of each budget, by its id."""
    query = "SELECT 'key:' || id AS id, budget_limit FROM api_key WHERE budget_limit IS NOT NULL"
    return {row["id"]: row["budget_limit"] for row in rows_of(instance.database, query)}


def check_replays(
    instance: Instance, keeper: SegmentKeeper, audit: Audit, provider: SimulatedChild
) -> None:
    """Every segment comes again, twice, in the second round past killed ledger processes."""
    assert keeper.attempts() >= audit.book.keys()
    traces = rows_of(instance.database, TRACES)
    for kills in (0, 5):
        keeper.bring_back()
        instance.start()
        for _ in range(kills):
            kill(instance.ledger_pid())
            time.sleep(0.03)
        instance.stop_drained()
        assert rows_of(instance.database, ROWS) == audit.entries
        assert rows_of(instance.database, TRACES) == traces
        Audit(instance, provider.book).check_all()
