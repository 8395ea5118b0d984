"""Opens the tools of a configuration, and says who may use them."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from legato.app.checks.egress import egress_of
from legato.app.config.environment import environment
from legato.app.config.loaded import LoadedConfig
from legato.app.ruling import rules_in_force
from legato.connectors.catalogue import Offered, Toolbox, World
from legato.connectors.tool import APART, ToolContext, ToolSpec
from legato.core.config_access import AccessRule
from legato.core.config_parts import SecretRef
from legato.core.config_tools import Tool
from legato.core.principal import Principal
from legato.governance.ruled_keys import ruled_principal

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
"""What processes of tools begin with: nothing that might be a secret."""
_LISTED_MAX = 20


def open_toolbox(loaded: LoadedConfig) -> Toolbox:
    """Return all tools; nothing is called yet. Raises ConfigInvalid."""
    config = loaded.config
    plain = {name: value for name, value in environment().items() if name in _INHERITED}

    def reveal(reference: SecretRef) -> str:
        return loaded.secret(reference) or ""

    return Toolbox(config.tools, World(egress_of(config), reveal, plain))


def against_using(principal: Principal, tool: str) -> str:
    """Say which access rule keeps somebody from using a tool, "" where none does."""
    refused = None if principal.access is None else principal.access.against_tool(tool)
    return "" if refused is None else f"access rule {refused.rule!r} doesn't let it use {tool}"


def against_naming(tools: Sequence[Tool], rules: Sequence[AccessRule], org: str, name: str) -> str:
    """Say why a definition of an organisation can't name a tool, "" where it can.

    Of a source that has to be asked what it offers, only the source is looked at. A rule counts
    where it keeps everybody of the organisation from the tool; one that means some keys alone is
    looked at when a run uses it.
    """
    own = [one for one in tools if one.orgs is None or org in one.orgs]
    source, apart, rest = name.partition(APART)
    found = next((one for one in own if one.name in {name, source}), None)
    if found is None or not _offers(found, rest if apart else ""):
        known = ", ".join(_shown(one) for one in own[:_LISTED_MAX]) or "none"
        told = f"there is no tool {name!r}; `tools` of the configuration has {known}"
        return f"{told}; add it there, or name one of these"
    anybody = Principal(
        key_id="",
        name="",
        org=org,
        team="",
        feature="",
        scopes=frozenset(),
        models=frozenset(),
        expires_at_ns=None,
    )
    told = against_using(ruled_principal(anybody, rules), name)
    return f"{told}, nor anybody here; take it out, or change the rule" if told else ""


def _offers(entry: Tool, own: str) -> bool:
    """Whether an entry has a tool of this name behind its own, as far as can be told."""
    if entry.openapi is not None:
        return bool(own) and (entry.openapi.operations is None or own in entry.openapi.operations)
    if entry.mcp is not None:
        return bool(own) and (entry.mcp.tools is None or own in entry.mcp.tools)
    return not own


def _shown(entry: Tool) -> str:
    return f"{entry.name}{APART}*" if entry.openapi or entry.mcp else entry.name


class ToolDesk:
    """The tools of a running instance; opened when somebody first asks."""

    def __init__(self, loaded: LoadedConfig, database_url: str) -> None:
        self._loaded = loaded
        self._rules = rules_in_force(loaded.config.access, database_url)

    @cached_property
    def _toolbox(self) -> Toolbox:
        return open_toolbox(self._loaded)

    async def offered(self, org: str) -> list[Offered]:
        """Return all that an organisation may name, source by source."""
        return await self._toolbox.offered(org)

    async def find(self, name: str, org: str) -> ToolSpec:
        """Return a tool. Raises NotFound, ToolFailed."""
        return await self._toolbox.find(name, org)

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Call a tool. Raises NotFound, InvalidRequest, ToolFailed."""
        return await self._toolbox.call(name, arguments, context)

    def source_of(self, name: str) -> str:
        """Return which entry of the configuration a tool is of."""
        names = {one.name for one in self._loaded.config.tools}
        return name if name in names else name.partition(APART)[0]

    def refused_to(self, principal: Principal) -> Callable[[str], str]:
        """Return what says which access rule keeps somebody from a tool, "" for none."""
        who = ruled_principal(principal, self._rules())
        return lambda tool: against_using(who, tool)
