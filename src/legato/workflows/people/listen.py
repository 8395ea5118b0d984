"""The kind `listen`: waits for an event."""

from typing import Final

from legato.core.errors import NotGiven
from legato.flow.definition import DONE, Listen
from legato.flow.rehearsal import Rehearsal
from legato.flow.rulings import EXPIRED
from legato.workflows.nodes.contract import Step, StepOutcome, Waiting

_NS: Final = 1_000_000_000


async def listen(node: Listen, step: Step) -> StepOutcome:
    """Return the event that came, at `done`; at `expired` where none came in time.

    Raises:
        NotGiven: an evaluation's case doesn't say what comes.
    """
    if step.run.rehearsal is not None:
        return _rehearsed(node, step.run.rehearsal)
    since_ns = await step.now_ns("since")
    due_ns = None if node.deadline_s is None else since_ns + int(node.deadline_s * _NS)
    waiting = Waiting(event=node.event, match=node.match or "", due_ns=due_ns)
    news = await step.wait("event", waiting)
    if news.due:
        return StepOutcome(port=EXPIRED)
    event = news.message
    named = event if isinstance(event, dict) else {}
    lineage = {name: named[name] for name in ("id", "source", "type") if name in named}
    return StepOutcome(output=event, port=DONE, lineage={"event": lineage, "sender": news.by})


def _rehearsed(node: Listen, rehearsal: Rehearsal) -> StepOutcome:
    events = rehearsal.given.events
    if node.id not in events:
        raise NotGiven(f"given.events.{node.id}: say which event comes, or null for none")
    event = events[node.id]
    told = {"given_by": f"evaluation:{rehearsal.evaluation}"}
    return StepOutcome(output=event, port=EXPIRED if event is None else DONE, lineage=told)
