"""Wires what a worker serves of workflows: runs begun over HTTP, events, webhooks.

What checks and begins runs is loaded when something is first asked for: it brings libraries along.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from legato.api.endpoints import Resource, SignedPage
from legato.api.webhooks import hook_page
from legato.api.workflow_events import event_page
from legato.api.workflow_runs import RunPages
from legato.app.context import WorkerContext
from legato.app.models.vaults import open_data_keys
from legato.audit.event import Subject
from legato.audit.refusals import NOBODY, Refusal, Refusals
from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.tasks import InThread
from legato.core.tenant import Tenant
from legato.governance.store_gate import StoreGate
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.storage.triggers.triggers import TriggerStore
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault

if TYPE_CHECKING:
    from legato.app.workflows.intake import TriggerRooms
    from legato.workflows.runs.called import CalledRuns
    from legato.workflows.triggers.events import Events
    from legato.workflows.triggers.hooks import Hooks
    from legato.workflows.triggers.intake import Active, Count

_THREADS = 2
_TOLD = "The database is away: {} now. Send it again."


class WorkflowPages(NamedTuple):
    """By what they do."""

    create: Resource
    show: Resource
    events: Resource
    hooks: SignedPage


def workflow_pages(
    context: WorkerContext, wake: Callable[[], None], refusals: Refusals, count: "Count"
) -> WorkflowPages:
    """Return them; `wake` tells who runs runs that there is one."""
    clock = SystemClock()
    asking = StoreGate(_threads("runs"), clock, _TOLD.format("runs can't be begun or looked at"))
    heard = StoreGate(_threads("events"), clock, _TOLD.format("events can't be taken"))
    runs = RunPages(cache(partial(_called, context, wake)), asking)
    rooms = cache(partial(_rooms, context, wake, count))
    hooks = cache(lambda: _hooks(context, rooms(), refusals))
    return WorkflowPages(
        runs.create,
        runs.show,
        event_page(cache(lambda: _events(rooms())), heard),
        hook_page(hooks, heard),
    )


def _called(context: WorkerContext, wake: Callable[[], None]) -> "CalledRuns":
    from legato.app.workflows.definitions import StoredDefinitions  # noqa: PLC0415 - see above
    from legato.app.workflows.desk import workflows_of  # noqa: PLC0415
    from legato.workflows.runs.called import CalledRuns  # noqa: PLC0415

    url, clock = context.database_url, SystemClock()
    engine = open_engine(url)
    sealing = _sealing(context)
    opened = workflows_of(url, sealing, clock, Vault(context.root).pseudonym)
    return CalledRuns(
        StoredDefinitions(context.loaded.config, url, sealing),
        lambda org: opened(Tenant(org), org),
        lambda org: TriggerStore(engine, clock, Tenant(org)),
        new_id=IdSource(clock).new,
        wake=wake,
    )


def _rooms(context: WorkerContext, wake: Callable[[], None], count: "Count") -> "TriggerRooms":
    from legato.app.workflows.intake import open_triggers  # noqa: PLC0415 - see above

    return open_triggers(
        context.loaded,
        context.database_url,
        SystemClock(),
        sealing=_sealing(context),
        pseudonym=Vault(context.root).pseudonym,
        wake=wake,
        count=count,
    )


def _events(rooms: "TriggerRooms") -> "Events":
    from legato.workflows.triggers.events import Events  # noqa: PLC0415 - see above

    return Events(rooms.in_force, rooms.intake, rooms.publish)


def _hooks(context: WorkerContext, rooms: "TriggerRooms", refusals: Refusals) -> "Hooks":
    from legato.workflows.triggers.hooks import Hooks  # noqa: PLC0415 - see above

    said = context.loaded.config.triggers.webhook_secrets

    def secrets_of(org: str, name: str) -> list[str]:
        named = (one for one in said if one.name == name and (one.orgs is None or org in one.orgs))
        found = (context.loaded.secret(ref) for one in named for ref in one.secrets)
        return [one for one in found if one]

    def refused(active: "Active | None") -> None:
        if active is None:
            refusals.note(Refusal(NOBODY, Subject("webhook", ""), "unknown_webhook"))
            return
        subject = Subject("trigger", f"{active.workflow}/{active.trigger.name}")
        refusals.note(Refusal(NOBODY, subject, "webhook_signature", active.org))

    return Hooks(
        rooms.in_force,
        secrets_of,
        rooms.intake,
        deliver=rooms.deliver,
        refused=refused,
        now_ns=SystemClock.now_ns,
    )


def _sealing(context: WorkerContext) -> Envelopes:
    table = DataKeyTable(context.engine)
    return Envelopes(open_data_keys(context.loaded, context.data, table))


def _threads(name: str) -> InThread:
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=name)
    loop = asyncio.get_running_loop()

    async def in_thread(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    return in_thread
