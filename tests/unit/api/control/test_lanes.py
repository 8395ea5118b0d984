"""What hangs stops nobody but those who wait for the same."""

import asyncio
import threading

import pytest

from legato.api.control.errors import ControlUnavailable
from legato.api.control.lanes import BoundedThreads, Lane


async def test_a_lane_that_hangs_refuses_what_finds_no_place_and_lets_others_through() -> None:
    released = threading.Event()
    hanging, other = Lane("Asking it", 1, 1, 60), Lane("Another", 1, 1, 60)
    waiting = [asyncio.ensure_future(hanging.run(released.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ControlUnavailable, match="too many requests wait") as refused:
        await hanging.run(released.wait)
    assert refused.value.retry_after_s is not None
    assert await other.run(lambda: 7) == 7
    released.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert await hanging.run(lambda: 8) == 8, "their places are free again"


async def test_what_takes_too_long_is_refused_and_keeps_its_place_until_it_ends() -> None:
    released = threading.Event()
    lane = Lane("Asking it", 1, 0, 0.01)
    with pytest.raises(ControlUnavailable, match="longer than"):
        await lane.run(released.wait)
    with pytest.raises(ControlUnavailable, match="too many"):
        await lane.run(released.wait)
    released.set()
    while True:
        try:
            assert await lane.run(lambda: 9) == 9
            break
        except ControlUnavailable:
            await asyncio.sleep(0.01)


async def test_failures_arrive() -> None:
    with pytest.raises(ZeroDivisionError):
        await Lane("Dividing", 1, 0, 60).run(lambda: 1 // 0)


async def test_handlers_threads_refuse_what_would_wait_for_long() -> None:
    released = threading.Event()
    threads = BoundedThreads(1, 1)
    loop = asyncio.get_running_loop()
    waiting = [loop.run_in_executor(threads, released.wait) for _ in range(2)]
    with pytest.raises(ControlUnavailable):
        loop.run_in_executor(threads, released.wait)
    released.set()
    await asyncio.gather(*waiting)
    assert await loop.run_in_executor(threads, lambda: 3) == 3
    threads.shutdown()
