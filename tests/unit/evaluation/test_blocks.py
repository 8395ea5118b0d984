import asyncio
import threading

from legato.evaluation.blocks import Allowance


async def test_the_cap_keeps_room_for_answers_as_dear_as_the_dearest() -> None:
    allowance = Allowance(0, 250, threading.Event())
    assert await allowance.begin()
    allowance.end(100)
    assert await allowance.begin()
    waiting = asyncio.ensure_future(allowance.begin())
    await asyncio.sleep(0.05)
    assert not waiting.done()  # 100 spent, 100 under way: another might pass 250
    allowance.end(10)
    assert await waiting
    allowance.end(100)
    assert not await allowance.begin()
    assert allowance.capped


async def test_without_a_cap_only_its_end_stops_a_run() -> None:
    stopping = threading.Event()
    allowance = Allowance(10**12, None, stopping)
    assert await allowance.begin()
    stopping.set()
    assert not await allowance.begin()
    assert not allowance.capped
