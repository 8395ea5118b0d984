from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from legato.core.tasks import spawn


async def test_a_task_is_owned_until_it_is_done() -> None:
    owner: set[asyncio.Task[Any]] = set()
    gate = asyncio.Event()
    task = spawn(gate.wait(), owner=owner, name="gate")
    assert owner == {task}
    assert task.get_name() == "gate"
    gate.set()
    assert await task is True
    await asyncio.sleep(0)
    assert owner == set()


async def test_a_task_nobody_else_refers_to_survives_collection() -> None:
    owner: set[asyncio.Task[Any]] = set()
    done: list[str] = []

    async def work() -> None:
        # Only the task refers to this future, and only the future to the task.
        await asyncio.sleep(0.001)
        done.append("finished")

    spawn(work(), owner=owner, name="work")
    await asyncio.sleep(0)
    gc.collect()
    await asyncio.wait_for(asyncio.gather(*owner), timeout=1)
    assert done == ["finished"]


async def test_a_failure_nobody_awaits_reaches_the_loop() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    async def fail() -> None:
        raise ValueError("broken")

    spawn(fail(), owner=set(), name="fail")
    for _ in range(3):
        await asyncio.sleep(0)
    gc.collect()
    assert [str(context["exception"]) for context in reported] == ["broken"]


def test_without_a_loop_the_coroutine_is_closed() -> None:
    async def never() -> None: ...

    coroutine = never()
    with pytest.raises(RuntimeError):
        spawn(coroutine, owner=set(), name="never")
    assert coroutine.cr_frame is None
