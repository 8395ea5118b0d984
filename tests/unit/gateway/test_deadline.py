from __future__ import annotations

import asyncio
from time import perf_counter

from legato.gateway.deadline import Deadlines


async def _within(deadlines: Deadlines, limit_s: float, work_s: float) -> float:
    """Work under a deadline; return how long it took, negative where the deadline cut it."""
    began_s = perf_counter()
    deadline = deadlines.start(limit_s)
    try:
        await asyncio.sleep(work_s)
    except asyncio.CancelledError:
        if not deadline.expired():
            raise
        return began_s - perf_counter()
    finally:
        deadline.cancel()
    return perf_counter() - began_s


async def test_each_task_is_cut_at_its_own_time() -> None:
    deadlines = Deadlines()

    async def later(wait_s: float) -> float:
        await asyncio.sleep(wait_s)
        return await _within(deadlines, 0.05, 5.0)

    took_s = await asyncio.gather(later(0.0), later(0.02), later(0.03))
    assert all(-0.2 < took < -0.045 for took in took_s)
    await asyncio.sleep(0.01)
    assert -0.2 < await later(0.0) < -0.045  # all had ended: the timer is set anew


async def test_lengths_do_not_wait_for_each_other() -> None:
    deadlines = Deadlines()
    long_s, short_s = await asyncio.gather(
        _within(deadlines, 0.2, 5.0), _within(deadlines, 0.03, 5.0)
    )
    assert -0.15 < short_s < -0.025
    assert long_s < -0.19


async def test_work_that_ends_in_time_is_never_cut() -> None:
    deadlines = Deadlines()
    for _ in range(3):
        assert await _within(deadlines, 0.03, 0.0) > 0
    await asyncio.sleep(0.06)  # past the time of all of them
    assert await _within(deadlines, 0.2, 0.05) > 0


async def test_of_two_that_pass_at_once_the_outer_one_tells() -> None:
    deadlines = Deadlines()
    told = []
    outer = deadlines.start(0.02)
    try:
        try:
            inner = deadlines.start(0.02)
            await asyncio.sleep(5.0)
        except asyncio.CancelledError:
            told.append(inner.expired())
            raise
    except asyncio.CancelledError:
        told.append(outer.expired())
    assert told == [False, True]
