import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from legato.embedding.background import Background, EmbedderBusy  # noqa: E402 - it needs numpy


class Ones:
    name = "ones-4@0"
    dimensions = 4
    chars_max = 10

    def embed(self, texts: Sequence[str]) -> Any:
        return np.full((len(texts), 4), 0.5, np.float32)


async def test_so_many_wait_and_no_more() -> None:
    go = asyncio.Event()

    async def in_thread(work: Callable[[], Any]) -> Any:
        await go.wait()
        return work()

    background = Background(Ones(), in_thread, waiting_max=2)
    waiting = [asyncio.ensure_future(background.embed(["a", "b"])) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(EmbedderBusy):
        await background.embed(["c"])
    assert background.refused == 1
    go.set()
    for rows in await asyncio.gather(*waiting):
        assert rows.shape == (2, 4)
    assert (await background.embed(["c"])).shape == (1, 4)
    assert (background.name, background.dimensions, background.chars_max) == ("ones-4@0", 4, 10)


async def test_a_failure_gives_the_place_back() -> None:
    async def in_thread(work: Callable[[], Any]) -> Any:
        raise ValueError

    background = Background(Ones(), in_thread, waiting_max=1)
    for _ in range(3):
        with pytest.raises(ValueError):
            await background.embed(["a"])
