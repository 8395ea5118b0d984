import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from legato.core.clock import ManualClock
from legato.core.errors import StorageUnavailable
from legato.governance.store_gate import StoreGate


async def at_once(work: Callable[[], Any]) -> Any:
    await asyncio.sleep(0)
    return work()


def away() -> None:
    raise StorageUnavailable("locked")


async def test_after_a_failure_nobody_asks_for_a_moment() -> None:
    clock = ManualClock()
    gate = StoreGate(at_once, clock)
    asked: list[int] = []
    with pytest.raises(StorageUnavailable, match="locked") as first:
        await gate(away)
    with pytest.raises(StorageUnavailable, match="Try again") as second:
        await gate(lambda: asked.append(1))
    assert first.value.retry_after_s == second.value.retry_after_s == 1.0
    clock.advance(1.0)
    await gate(lambda: asked.append(2))
    assert asked == [2]


async def test_those_in_line_for_a_thread_are_told_too() -> None:
    gate = StoreGate(at_once, ManualClock())
    asked: list[int] = []
    answers = await asyncio.gather(
        gate(away), gate(lambda: asked.append(1)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [StorageUnavailable] * 2
    assert asked == []


async def test_a_clock_that_is_set_back_does_not_keep_it_closed() -> None:
    clock = ManualClock()
    gate = StoreGate(at_once, clock)
    with pytest.raises(StorageUnavailable, match="locked"):
        await gate(away)
    clock.advance(-3_600)
    assert await gate(lambda: "asked") == "asked"
