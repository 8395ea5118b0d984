"""Who begins and watches runs of workflows at the control API, calls tools and decides tasks."""

from functools import partial
from typing import Any

from legato.app.batches import batch_process
from legato.app.context import ControlContext
from legato.app.desks.registry_access import RegistryAccess
from legato.app.desks.run_telling import tell_runs
from legato.app.desks.tasks import link_desk, people_on, tasks_on
from legato.app.desks.tools import ToolDesk
from legato.app.models.vaults import open_data_keys
from legato.app.workflows.definitions import StoredDefinitions
from legato.app.workflows.desk import workflows_of
from legato.app.workflows.intake import open_triggers
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.storage.agents.calibrations import Calibrations
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.storage.workflows.pages import WorkflowPages
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.workflows.triggers.desk import TriggerDesk
from legato.workflows.triggers.events import Events


def workflow_services(
    context: ControlContext, clock: Clock, *, vault: Vault, access: RegistryAccess
) -> dict[str, Any]:
    """Return them by their names among the services."""
    url = context.database_url
    engine, ids = open_engine(url), IdSource(clock)
    sealing = Envelopes(open_data_keys(context.loaded, context.data, DataKeyTable(engine)))
    config = context.loaded.config
    tasks = tasks_on(url, clock, sealing, vault, tell=tell_runs(sealing, clock))
    wake = partial(batch_process.wake, context.wake_fd)
    rooms = open_triggers(
        context.loaded, url, clock, sealing=sealing, pseudonym=vault.pseudonym, wake=wake
    )
    work = rooms.intake, rooms.schedules
    return {
        "triggers": lambda tenant: TriggerDesk(
            tenant.org, rooms.in_force, work, rooms.starting.require
        ),
        "events": Events(rooms.in_force, rooms.intake, rooms.publish),
        "tools": ToolDesk(context.loaded, url),
        "calibrations": lambda tenant: Calibrations(engine, clock, tenant),
        "pages": lambda reach: WorkflowPages(engine, clock, ids, reach),
        "tasks": tasks,
        "task_links": link_desk(url, clock, tasks, vault=vault, access=config.access),
        "person_of": people_on(url, clock),
        "workflows": workflows_of(url, sealing, clock, vault.pseudonym),
        "workflow_definitions": StoredDefinitions(
            config,
            url,
            sealing,
            callable_names=access.callable_names,
            against_tool=access.against_tool,
        ),
    }
