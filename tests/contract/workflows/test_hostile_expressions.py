"""Whatever an expression costs, the runs beside it go on: the event loop isn't held."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from legato.flow.definition import Notify
from legato.workflows.nodes.contract import StepOutcome

from .workflow_runs import Running, defined, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.workflows.nodes.contract import Step

    from .conftest import Place

ENDLESS = "input.all(a, input.exists(b, b == -1) || true)"
GIVEN = [1] * 10_000
HELD_S_MAX = 0.1


class Watch:
    """What the loop's thread worked at most between two of its turns, while a run watched."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self.turns = 0

    async def __call__(self, _node: Notify, step: Step) -> StepOutcome:
        async def watch(_key: str) -> None:
            until_s, before_s = time.monotonic() + 2.0, time.thread_time()
            while time.monotonic() < until_s:
                await asyncio.sleep(0.005)
                now_s = time.thread_time()
                self.worst_s, before_s = max(self.worst_s, now_s - before_s), now_s
                self.turns += 1

        return StepOutcome(output=await step.do("watch", watch))


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def runs(place: Place, watch: Watch) -> Iterator[Running]:
    with running((place.beats_url, place.url), place.schema, {Notify: watch}) as found:
        yield found


def one(**fields: Any) -> dict[str, Any]:
    return {"kind": "set", "id": "one", "value": 1, **fields}


@pytest.mark.parametrize(
    ("definition", "status"),
    [
        ({"nodes": [one(value=f"${{{ENDLESS}}}")]}, "failed"),
        ({"nodes": [one(when=ENDLESS)]}, "failed"),
        ({"nodes": [one()], "output": f"${{{ENDLESS}}}"}, "failed"),
        ({"nodes": [one()], "outcome": {"accepted": ENDLESS}}, "failed"),
        ({"nodes": [one(value="${vars.v}")], "vars": {"v": f"${{{ENDLESS}}}"}}, "failed"),
        ({"nodes": [one(value="${[input, input] == [input, input]}")]}, "done"),
    ],
    ids=["value", "when", "output", "accepted", "vars", "much"],
)
def test_no_expression_holds_the_loop(
    runs: Running, watch: Watch, definition: dict[str, Any], status: str
) -> None:
    watch.worst_s, watch.turns = 0.0, 0
    given = GIVEN if status == "failed" else [[number] for number in range(120_000)]
    watching = runs.start(
        defined(nodes=[{"kind": "notify", "id": "w", "subject": "x", "text": "x"}])
    )
    runs.until(watching, {"running", "done"})
    hostile = runs.until_over(runs.start(defined(**definition), given), 60)
    assert hostile.row.status == status, hostile.end.message
    if status == "failed":
        assert "operations" in hostile.end.message
    assert runs.until_over(watching).row.status == "done"
    assert watch.turns > 20
    assert watch.worst_s < HELD_S_MAX
