"""What happens in a run, as server-sent events: made of what it wrote, so that none is missed.

Each event has the number that its run counted when it was written; whoever comes back behind a
number gets all that was written since. Of a step that began and ended in between only the end is
told, of `told` events (an agent's turns) the last of each kind.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, Final

import msgspec

from legato.core.errors import StorageUnavailable
from legato.storage.workflows.rows import TOLD, RunRow
from legato.workflows.runs.workflows import StepView, Workflows, is_over

_LOOK_S: Final = 0.2
_ALIVE_S: Final = 15.0
_RUN: Final = "run"


async def events_of(
    found: Workflows, run_id: str, after: int, shown: Callable[[StepView], Any]
) -> AsyncIterator[bytes]:
    """Yield a run's events behind a number, until it has ended."""
    quiet_s, last = 0.0, ""
    yield b": follows\n\n"
    while True:
        try:
            row, steps = await asyncio.to_thread(partial(_read, found, run_id, after))
        except StorageUnavailable:
            await asyncio.sleep(1.0)
            continue
        written = list(_events(row, steps, shown, last))
        for one in written:
            yield one
        after, last = max(after, row.sequence), row.status
        if is_over(row):
            return
        quiet_s = 0.0 if written else quiet_s + _LOOK_S
        if quiet_s >= _ALIVE_S:
            quiet_s = 0.0
            yield b": alive\n\n"
        await asyncio.sleep(_LOOK_S)


def _read(found: Workflows, run_id: str, after: int) -> tuple[RunRow, list[StepView]]:
    row = found.runs.get(run_id)  # first: what is written meanwhile comes with the next look
    return row, found.steps(row, after=after, until=row.sequence)


def _events(
    row: RunRow, steps: list[StepView], shown: Callable[[StepView], Any], last: str
) -> Iterator[bytes]:
    for number, one in enumerate(steps):
        following = steps[number + 1].row.sequence if number + 1 < len(steps) else 0
        named = "" if following == one.row.sequence else f"id: {one.row.sequence}\n"
        told = one.row.state == TOLD
        name = one.row.port if told else f"step.{one.row.state}"
        data = {"node": one.row.node, "data": shown(one).output} if told else shown(one)
        yield _event(name, data, named)
    if row.status != last:
        data = {"id": row.id, "status": row.status, "told": row.told, "steps": row.steps}
        yield _event(f"{_RUN}.{row.status}", data, f"id: {row.sequence}\n")


def _event(name: str, data: Any, named: str) -> bytes:
    return f"{named}event: {name}\ndata: {msgspec.json.encode(data).decode()}\n\n".encode()
