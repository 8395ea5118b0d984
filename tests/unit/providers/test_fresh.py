from __future__ import annotations

import asyncio

import pytest

from legato.core.clock import ManualClock
from legato.core.errors import ProviderTimeout, ProviderUnavailable
from legato.providers.fresh import Fresh, Lease


class Source:
    """Numbers its values; each is to be renewed after 50 s and ends after 60 s."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.fetched = 0
        self.broken = False

    def __call__(self) -> Lease[int]:
        self.fetched += 1
        if self.broken:
            raise ProviderUnavailable("no source")
        now_s = self.clock.now_ns() / 1e9
        return Lease(self.fetched, now_s + 50, now_s + 60)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def source(clock: ManualClock) -> Source:
    return Source(clock)


@pytest.fixture
def fresh(source: Source, clock: ManualClock) -> Fresh[int]:
    return Fresh(source, clock, what="number")


async def settled(fresh: Fresh[int]) -> None:
    while fresh._tasks:
        await asyncio.wait(fresh._tasks)
        await asyncio.sleep(0)


async def test_all_who_wait_share_one_fetch(fresh: Fresh[int], source: Source) -> None:
    assert await asyncio.gather(*(fresh.current() for _ in range(20))) == [1] * 20
    assert await fresh.current() == 1
    assert source.fetched == 1


async def test_it_is_renewed_ahead_behind_those_who_still_get_the_last(
    fresh: Fresh[int], source: Source, clock: ManualClock
) -> None:
    await fresh.current()
    clock.advance(51)
    assert await asyncio.gather(*(fresh.current() for _ in range(5))) == [1] * 5
    await settled(fresh)
    assert await fresh.current() == 2
    assert source.fetched == 2


async def test_a_failed_renewal_pauses_and_the_last_one_serves_to_its_end(
    fresh: Fresh[int], source: Source, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await fresh.current()
    clock.advance(51)
    source.broken = True
    for _ in range(3):
        assert await fresh.current() == 1
        await settled(fresh)
    assert source.fetched == 2
    assert "not renewed ahead of time" in caplog.text
    clock.advance(10)
    with pytest.raises(ProviderUnavailable, match="no source"):
        await fresh.current()
    source.broken = False
    assert await fresh.current() == 4


async def test_one_who_leaves_does_not_end_the_fetch_of_others(
    fresh: Fresh[int], source: Source
) -> None:
    leaving, staying = (asyncio.create_task(fresh.current()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 1
    assert source.fetched == 1


async def test_a_source_that_hangs_is_not_waited_for_without_end(clock: ManualClock) -> None:
    released = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang() -> Lease[int]:
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(5)
        return Lease(1, 2**40, 2**40)

    fresh = Fresh(hang, clock, what="number", wait_s=0.02)
    with pytest.raises(ProviderTimeout, match=r"no number within 0\.02 s"):
        await fresh.current()
    released.set()
    assert await fresh.current() == 1
