"""Wires tools, agents and what they remember for the process that runs workflows."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from legato.app.context import BatchContext
from legato.app.desks.tools import against_using, open_toolbox
from legato.app.models.vaults import open_data_keys
from legato.app.ruling import rules_in_force
from legato.app.workflows.definitions import StoredDefinitions
from legato.connectors.tool import ToolSpec
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.core.tasks import InThread
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.governance.ruled_keys import RuledKeys
from legato.storage.agents.calibrations import Calibrations
from legato.storage.agents.notes import AgentNotes
from legato.storage.data_keys import DataKeyTable
from legato.storage.tenants.keys import KeyStore
from legato.storage.workflows.twins import TwinStates
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.workflows.agent_memory import AgentMemory
from legato.workflows.nodes.confidence import Calibrated
from legato.workflows.nodes.contract import NodeKind, RunFacts
from legato.workflows.nodes.tool_use import ToolUser
from legato.workflows.nodes.twin import Twins

_GONE = "the run's key was revoked or has expired"
_THREADS = 4


class ToolRooms(NamedTuple):
    """What kinds that act are made with."""

    tools: ToolUser
    memory: AgentMemory
    twins: Twins
    in_thread: InThread
    calibrated: Calibrated


def open_tool_rooms(context: BatchContext, clock: Clock, human: NodeKind) -> ToolRooms:
    """Open them. Raises ConfigInvalid: a tool of the configuration can't be."""
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="tools")
    database = context.engine
    data_keys = open_data_keys(context.loaded, context.data, DataKeyTable(database))
    envelopes, vault = Envelopes(data_keys), Vault(data_keys.root())
    keys = KeyStore(database, clock, IdSource(clock), EVERY_TENANT)
    rules = rules_in_force(context.loaded.config.access, context.database_url)
    definitions = StoredDefinitions(context.loaded.config, context.database_url, envelopes)

    async def in_thread(work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    def against_now(run: RunFacts, tool: str) -> str:
        in_force = RuledKeys(keys, rules).snapshot().by_digest.values()
        found = next((one for one in in_force if one.key_id == run.key_id), None)
        return _GONE if found is None else against_using(found, tool)

    def described_now(run: RunFacts, ref: str) -> ToolSpec:
        resolved = definitions.resolve(run.org, ref, run.user or run.id)
        definition = resolved.definition
        schema = definition.input or {"type": "object", "properties": {}}
        told = definition.description or definition.title
        return ToolSpec(name=resolved.name, kind="python", description=told, parameters=schema)

    async def against(run: RunFacts, tool: str) -> str:
        found: str = await in_thread(partial(against_now, run, tool))
        return found

    async def described(run: RunFacts, ref: str) -> ToolSpec:
        found: ToolSpec = await in_thread(partial(described_now, run, ref))
        return found

    async def calibrated(run: RunFacts, name: str, confidence: float) -> float:
        kept = await in_thread(lambda: Calibrations(database, clock, Tenant(run.org)).get(name))
        mapped: float = kept.fit(confidence)
        return mapped

    tools = ToolUser(open_toolbox(context.loaded), human, against=against, described=described)
    memory = AgentMemory(
        lambda org: AgentNotes(database, Tenant(org)), envelopes, vault.pseudonym, clock.now_ns
    )
    twins = Twins(
        lambda org: TwinStates(database, Tenant(org)), envelopes, vault.pseudonym, clock.now_ns
    )
    return ToolRooms(tools, memory, twins, in_thread, calibrated)
