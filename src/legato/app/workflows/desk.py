"""Opens the runs of workflows, for whoever starts and watches them."""

from collections.abc import Callable

from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.core.tenant import Reach
from legato.storage.database.engine import open_engine
from legato.storage.workflows.inbox import WorkflowInbox
from legato.storage.workflows.runs import WorkflowRuns
from legato.workflows.runs.sealing import Sealing
from legato.workflows.runs.workflows import Workflows


def workflows_of(
    database_url: str, sealing: Sealing, clock: Clock, pseudonym: Callable[[str, str], str]
) -> Callable[[Reach, str], Workflows]:
    """Return what opens an organisation's runs, as far as somebody reaches."""
    engine, ids = open_engine(database_url), IdSource(clock)

    def of(reach: Reach, org: str) -> Workflows:
        stores = WorkflowRuns(engine, reach), WorkflowInbox(engine, reach)
        return Workflows(org, stores, sealing, clock, new_id=ids.new, pseudonym=pseudonym)

    return of
