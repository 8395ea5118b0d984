"""The tools of the configuration, and what holds for every call of one."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from legato.connectors.a2a_client import AgentSource
from legato.connectors.http_tool import HttpSource
from legato.connectors.mcp_client import McpSource, Opening
from legato.connectors.openapi import OpenApiSource
from legato.connectors.python_tool import Function, PythonSource
from legato.connectors.tool import APART, Source, ToolContext, ToolSpec, failed
from legato.connectors.web import Web
from legato.core.config_parts import SecretRef
from legato.core.config_tools import Tool
from legato.core.egress import Egress
from legato.core.errors import Forbidden, InvalidRequest, LegatoError, NotFound
from legato.guardrails.outputs.schemas import Schemas, UnusableSchema

_FRESH_S: Final = 60.0
_ARGUMENTS_BYTES_MAX: Final = 1_048_576


class World(NamedTuple):
    """What tools are reached with. `environment` is what processes of tools begin with."""

    egress: Egress
    reveal: Callable[[SecretRef], str]
    environment: Mapping[str, str]


class Offered(NamedTuple):
    """What the configuration has of a tool's source: its tools, or why they can't be learnt."""

    entry: Tool
    specs: list[ToolSpec]
    problem: str


class Toolbox:
    """Every tool that is configured; which of them somebody may use is for policy to say."""

    def __init__(self, entries: list[Tool], world: World) -> None:
        """Raises ConfigInvalid: a Python function isn't there, or can't be described."""
        self._entries = {one.name: one for one in entries}
        self._sources = {one.name: source_of(one, world) for one in entries}
        self._known: dict[str, tuple[float, list[ToolSpec]]] = {}
        self._schemas = Schemas()
        self._places: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Semaphore]] = (
            WeakKeyDictionary()
        )

    async def offered(self, org: str) -> list[Offered]:
        """Return all that an organisation may name, source by source."""
        found = []
        for entry in self._entries.values():
            if _is_for(entry, org):
                try:
                    found.append(Offered(entry, await self._specs(entry), ""))
                except LegatoError as error:
                    found.append(Offered(entry, [], error.message))
        return found

    async def find(self, name: str, org: str) -> ToolSpec:
        """Return a tool. Raises NotFound, ToolFailed."""
        entry = self._entry(name, org)
        found = next((one for one in await self._specs(entry) if one.name == name), None)
        if found is None:
            raise NotFound(f"there is no tool {name!r}; `legato tools list` has those there are")
        return found

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Call a tool and return its answer as JSON.

        Raises:
            NotFound: there is no such tool.
            InvalidRequest: the arguments aren't what its schema says.
            ToolFailed: it failed, took too long, or its answer isn't what its schema says.
        """
        spec = await self.find(name, context.org)
        self._check_arguments(spec, arguments)
        entry = self._entry(name, context.org)
        own = name.removeprefix(f"{entry.name}{APART}")
        async with self._place(entry):
            found = await self._sources[entry.name].call(own, arguments, context)
        self._check_answer(spec, found)
        return found

    async def function(
        self, name: str, arguments: Mapping[str, Any], org: str
    ) -> "Callable[[Any, str], Any]":
        """Return what calls a transactional tool with a connection and an idempotency key.

        Raises:
            NotFound, InvalidRequest: as `call`; or it isn't transactional.
        """
        spec = await self.find(name, org)
        source = self._sources[name]
        if not spec.transactional or not isinstance(source, PythonSource):
            raise InvalidRequest(f"{name} isn't transactional", param="tool")
        self._check_arguments(spec, arguments)
        function: Function = source.function

        def work(connection: Any, key: str) -> Any:
            found = function(arguments, {"connection": connection, "idempotency_key": key})
            self._check_answer(spec, found)
            return found

        return work

    async def close(self) -> None:
        """Leave every source."""
        for source in self._sources.values():
            await source.close()

    async def _specs(self, entry: Tool) -> list[ToolSpec]:
        known = self._known.get(entry.name)
        if known is not None and monotonic() < known[0] + _FRESH_S:
            return known[1]
        said = await self._sources[entry.name].specs()
        specs = [_as_configured(one, entry) for one in said]
        self._known[entry.name] = monotonic(), specs
        return specs

    def _entry(self, name: str, org: str) -> Tool:
        found = self._entries.get(name) or self._entries.get(name.partition(APART)[0])
        if found is None or not _is_for(found, org):
            raise NotFound(f"there is no tool {name!r}; `legato tools list` has those there are")
        return found

    def _check_arguments(self, spec: ToolSpec, arguments: Mapping[str, Any]) -> None:
        if len(msgspec.json.encode(arguments)) > _ARGUMENTS_BYTES_MAX:
            raise InvalidRequest(f"over {_ARGUMENTS_BYTES_MAX} bytes", param="arguments")
        try:
            problems = self._schemas.compiled(spec.parameters).problems(dict(arguments))
        except UnusableSchema as reason:
            raise failed(f"the schema of {spec.name} can't be used: {reason}") from None
        if problems:
            told = "; ".join(map(str, problems)).replace("the whole answer", "arguments")
            raise InvalidRequest(f"arguments of {spec.name}: {told}", param="arguments")

    def _check_answer(self, spec: ToolSpec, answer: Any) -> None:
        if spec.returns is None:
            return
        try:
            problems = self._schemas.compiled(spec.returns).problems(answer)
        except UnusableSchema as reason:
            raise failed(f"`returns` of {spec.name} can't be used: {reason}") from None
        if problems:
            told = "; ".join(map(str, problems))
            raise failed(f"{spec.name} answered what its schema doesn't allow: {told}")

    def _place(self, entry: Tool) -> asyncio.Semaphore:
        places = self._places.setdefault(asyncio.get_running_loop(), {})
        return places.setdefault(entry.name, asyncio.Semaphore(entry.at_once))


def source_of(entry: Tool, world: World) -> Source:
    """Open what an entry names. Raises ConfigInvalid."""

    def headers() -> dict[str, str]:
        secret = {name: world.reveal(one) for name, one in entry.secret_headers.items()}
        return {**entry.headers, **secret}

    web = Web(world.egress)
    if entry.python is not None:
        return PythonSource(entry, entry.python, world.environment)
    if entry.http is not None:
        return HttpSource(entry, entry.http, web, headers)
    if entry.openapi is not None:
        return OpenApiSource(entry, entry.openapi, web, headers)
    if entry.mcp is not None:
        secret = {name: world.reveal(one) for name, one in entry.mcp.secret_env.items()}
        environment = {**world.environment, **entry.mcp.env, **secret}
        opening = Opening(entry, entry.mcp, web=web, headers=headers, environment=environment)
        return McpSource(entry, entry.mcp, opening)
    if entry.agent is not None:
        return AgentSource(entry, entry.agent, web, headers)
    raise AssertionError(entry.name)  # the configuration's checks refuse it


def refuse_rules(rule: str, name: str) -> Forbidden:
    """Return the error for a tool that an access rule keeps somebody from using."""
    return Forbidden(f"access rule {rule!r} doesn't let this key use the tool {name!r}")


def _is_for(entry: Tool, org: str) -> bool:
    return entry.orgs is None or org in entry.orgs


def _as_configured(spec: ToolSpec, entry: Tool) -> ToolSpec:
    """Return a tool with what the configuration says of it instead."""
    return msgspec.structs.replace(
        spec,
        description=entry.description or spec.description,
        parameters=spec.parameters if entry.parameters is None else entry.parameters,
        returns=spec.returns if entry.returns is None else entry.returns,
        approval=entry.approval,
    )
