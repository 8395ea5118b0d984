"""Which kinds of nodes there are: the one place that knows them all."""

from typing import TYPE_CHECKING

from legato.app.context import BatchContext
from legato.app.desks.task_telling import persons_of, sealed_outbox
from legato.app.desks.tasks import link_desk, tasks_on
from legato.app.models.vaults import open_data_keys
from legato.app.workflows.people import tell_people
from legato.app.workflows.tool_rooms import open_tool_rooms
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.flow.definition import (
    Agent,
    Aggregate,
    Classify,
    Human,
    Listen,
    Notify,
    Prompt,
    Tool,
    Twin,
)
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.workflows.nodes.agent import AgentKind
from legato.workflows.nodes.aggregate import AggregateKind
from legato.workflows.nodes.call import CallKind
from legato.workflows.nodes.classify import ClassifyKind
from legato.workflows.nodes.confidence import believed
from legato.workflows.nodes.contract import NodeKinds
from legato.workflows.nodes.models import GatewayModels
from legato.workflows.nodes.notify import NotifyKind
from legato.workflows.nodes.paid import Paid
from legato.workflows.nodes.plain import plain_kinds
from legato.workflows.nodes.prompt import PromptKind
from legato.workflows.nodes.twin import TwinKind
from legato.workflows.people.human import HumanKind
from legato.workflows.people.listen import listen

if TYPE_CHECKING:
    import aiohttp


def build_kinds(context: BatchContext, clock: Clock, paid: Paid) -> NodeKinds:
    """Return what each kind of node does; what models cost is counted in `paid`."""
    models = GatewayModels(context.base_url, context.acting.credential, _Session(), paid)
    told, url = context.loaded.config.notifications, context.database_url
    keys = open_data_keys(context.loaded, context.data, DataKeyTable(open_engine(url)))
    vault = Vault(keys.root())
    tasks = tasks_on(url, clock, Envelopes(keys), vault)
    outbox = sealed_outbox(context.loaded, context.data, url)
    channels = [one.name for one in told.channels]
    new_id = IdSource(clock).new
    tell = tell_people(
        outbox,
        told.routes,
        persons_of(context.loaded.config),
        link_desk(url, clock, tasks, vault=vault, access=context.loaded.config.access),
        clock=clock,
        new_id=new_id,
        pseudonym=vault.pseudonym,
    )
    human = HumanKind(lambda org: tasks(Tenant(org)), tell)
    rooms = open_tool_rooms(context, clock, human)
    kinds: NodeKinds = {
        **plain_kinds(),
        Prompt: PromptKind(models),
        Classify: ClassifyKind(models),
        Aggregate: AggregateKind(models),
        Notify: NotifyKind(outbox, told.routes, channels, new_id=new_id, pseudonym=vault.pseudonym),
        Tool: CallKind(rooms.tools),
        Agent: AgentKind(models, rooms.tools, rooms.memory, rooms.in_thread),
        Twin: TwinKind(rooms.twins, rooms.in_thread),
        Human: human,
        Listen: listen,
    }
    return believed(kinds, rooms.calibrated)


class _Session:
    """The one of the loop that runs workflows, opened by the first call."""

    def __init__(self) -> None:
        self._open: aiohttp.ClientSession | None = None

    def __call__(self) -> "aiohttp.ClientSession":
        """Return it; on the loop."""
        import aiohttp  # noqa: PLC0415 - 0.1 s that only those who call pay

        if self._open is None:
            self._open = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
            )
        return self._open
