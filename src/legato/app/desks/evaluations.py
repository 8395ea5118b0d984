"""Opens an organisation's evaluations and data sets; wires their runs."""

from collections.abc import Callable
from typing import NamedTuple

from legato.app.context import BatchContext
from legato.app.models.vaults import open_data_keys
from legato.core.clock import Clock, SystemClock
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.evaluation.datasets import Datasets, Sealing
from legato.evaluation.evaluations import Evaluations
from legato.evaluation.rehearsing import Rehearsals
from legato.evaluation.runs import EvaluationRun, Rooms
from legato.storage.data_keys import DataKeyTable
from legato.storage.evaluation.datasets import DatasetBlocks
from legato.storage.evaluation.evaluations import EvaluationStore, open_evaluations
from legato.vault.envelope import Envelopes


class EvaluationRuns(NamedTuple):
    """What the batch process runs evaluations with."""

    run: EvaluationRun
    open: Callable[[], list[tuple[str, str, int]]]
    """Organisation, id and round of each that hasn't ended."""


def evaluation_rooms(
    stores: tuple[EvaluationStore, DatasetBlocks], tenant: Tenant, sealing: Sealing
) -> Rooms:
    """Return what one organisation's evaluations are made with; nothing is read yet."""
    store, blocks = stores
    clock = SystemClock()
    return Rooms(
        Evaluations(tenant.org, store, sealing, clock, new_id=IdSource(clock).new),
        Datasets(tenant.org, blocks, sealing),
    )


def build_evaluation_runs(
    context: BatchContext, clock: Clock, rehearsals: Rehearsals
) -> EvaluationRuns:
    """Open the database, and build the workflow over it."""
    database = context.engine
    envelopes = Envelopes(open_data_keys(context.loaded, context.data, DataKeyTable(database)))

    def rooms(org: str) -> Rooms:
        tenant = Tenant(org)
        stores = EvaluationStore(database, tenant), DatasetBlocks(database, tenant)
        return evaluation_rooms(stores, tenant, envelopes)

    run = EvaluationRun(
        rooms, context.base_url, context.acting.credential, clock, rehearsals=rehearsals
    )
    return EvaluationRuns(run, lambda: open_evaluations(database))
