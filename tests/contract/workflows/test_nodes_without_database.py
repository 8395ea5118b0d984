"""Nodes that find the database away while they read from it themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from legato.core.errors import StorageUnavailable
from legato.flow.definition import Notify
from legato.workflows.nodes.contract import Step, StepOutcome

from .workflow_runs import defined, running

if TYPE_CHECKING:
    from .conftest import Place


class AwayTwice:
    """Finds the database away, the first two times."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, _node: Notify, _step: Step) -> StepOutcome:
        self.asked += 1
        if self.asked < 3:
            raise StorageUnavailable("the database is away")
        return StepOutcome(output=self.asked)


def test_a_node_that_finds_the_database_away_waits_for_it(place: Place) -> None:
    asks = defined(nodes=[{"kind": "notify", "id": "ask", "subject": "x", "text": "x"}])
    with running((place.beats_url, place.url), place.schema, {Notify: AwayTwice()}) as runs:
        view = runs.run(asks)
        assert (view.row.status, view.end.output) == ("done", 3)
