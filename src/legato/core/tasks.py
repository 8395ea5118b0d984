"""Starting a background task that nobody can lose.

The event loop holds tasks by weak references only, so a task started and forgotten may be
collected in the middle of its work. Whoever starts one here names the set that owns it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

Result = TypeVar("Result")
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a blocking callable off the event loop; who has one was handed it by `legato.app`."""


def spawn(
    coroutine: Coroutine[Any, Any, Result],
    *,
    owner: set[asyncio.Task[Any]],
    name: str,
) -> asyncio.Task[Result]:
    """Start `coroutine` on the running loop and keep it in `owner` until it is done.

    An exception nobody awaits is reported by the loop's exception handler as soon as the task
    leaves `owner`. To stop everything an owner started: cancel each task in a copy of the set.

    Raises:
        RuntimeError: no event loop is running; the coroutine is closed.
    """
    try:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
    except RuntimeError:
        coroutine.close()
        raise
    owner.add(task)
    task.add_done_callback(owner.discard)
    return task
