"""What is written at the very moment when the write before it has ended is written, too."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from legato.storage.workflows.rows import Written, Wrote
from legato.workflows.runs.writer import Writer


class Counting:
    def __init__(self) -> None:
        self.together: list[int] = []

    def write(self, some: list[Written]) -> list[Wrote]:
        self.together.append(len(some))
        return [Wrote(kept=True) for _ in some]


def written() -> Written:
    return Written(org="acme", run_id="r", fence=1, at_ns=1)


async def test_a_write_follows_another_at_once() -> None:
    counting = Counting()
    with ThreadPoolExecutor(1) as pool:
        writer = Writer(counting, pool)
        async with asyncio.timeout(5):
            for _ in range(50):
                assert (await writer.write(written())).kept
    assert counting.together == [1] * 50


async def test_writes_of_one_moment_are_one() -> None:
    counting = Counting()
    with ThreadPoolExecutor(1) as pool:
        writer = Writer(counting, pool)
        await asyncio.gather(*[writer.write(written()) for _ in range(20)])
    assert sum(counting.together) == 20
    assert len(counting.together) <= 2
