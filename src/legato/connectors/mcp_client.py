"""Tools of MCP servers: https://modelcontextprotocol.io/specification/2025-11-25.

Two transports: streamable HTTP, and standard input and output of a process, which only the
operator's configuration starts. A session is opened when it is first needed, for each event loop,
and again when the server has forgotten it.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import msgspec

import legato
from legato.connectors.json_rpc import event_data, notification, read, request, result_of
from legato.connectors.tool import APART, ToolContext, ToolSpec, failed
from legato.connectors.web import Fetched, Headers, Limits, Web, checked
from legato.core.config_tools import McpTool, Tool
from legato.core.errors import ToolFailed

PROTOCOL: Final = "2025-11-25"
SPOKEN: Final = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
_TOOLS_MAX: Final = 1_000
_SESSION: Final = "mcp-session-id"
_VERSION: Final = "mcp-protocol-version"
_FORGOTTEN: Final = 404
_ENDS_S: Final = 2.0
_CHUNK: Final = 65_536
_TOLD_MAX: Final = 500
_KEY: Final = "legato/idempotency-key"


class Wire(Protocol):
    """Carries messages to one server and back."""

    async def ask(self, message: Mapping[str, Any]) -> Any:
        """Send a request and return its answer. Raises ToolFailed."""
        ...

    async def tell(self, message: Mapping[str, Any]) -> None:
        """Send a notification. Raises ToolFailed."""
        ...

    def agreed(self, version: str) -> None:
        """Know which version of the protocol is spoken."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


class McpSource:
    """A `Source` of a server's tools."""

    def __init__(self, tool: Tool, mcp: McpTool, opening: "Opening") -> None:
        self._tool = tool
        self._mcp = mcp
        self._opening = opening
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, _Session] = WeakKeyDictionary()

    async def specs(self) -> list[ToolSpec]:
        """Return its tools. Raises ToolFailed."""
        session = await self._session()
        wanted = self._mcp.tools
        return [
            _spec(self._tool.name, one)
            for one in await session.listed()
            if wanted is None or one["name"] in wanted
        ]

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Call a tool. Raises ToolFailed."""
        if self._mcp.tools is not None and name not in self._mcp.tools:
            raise failed(f"{self._tool.name} offers no tool {name!r}")
        params = {"name": name, "arguments": dict(arguments), "_meta": {_KEY: context.key}}
        session = await self._session()
        try:
            said = await session.ask("tools/call", params)
        except _Forgotten:
            await self.close()
            said = await (await self._session()).ask("tools/call", params)
        return _content(said)

    async def close(self) -> None:
        """End the session of this event loop."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()
        await self._opening.close()

    async def _session(self) -> "_Session":
        loop = asyncio.get_running_loop()
        found = self._sessions.get(loop)
        if found is None or found.is_over:
            found = self._sessions[loop] = _Session(self._opening.open(), self._tool.timeout_s)
        await found.begun()
        return found


class Opening:
    """Opens wires to one server."""

    def __init__(
        self,
        tool: Tool,
        mcp: McpTool,
        *,
        web: Web,
        headers: Headers,
        environment: Mapping[str, str],
    ) -> None:
        self._tool = tool
        self._mcp = mcp
        self._web = web
        self._headers = headers
        self._environment = environment

    def open(self) -> Wire:
        """Return a wire; nothing is sent yet."""
        if self._mcp.url is not None:
            limits = Limits(self._tool.timeout_s, self._tool.answer_bytes_max)
            return HttpWire(self._mcp.url, self._web, self._headers, limits)
        return StdioWire(self._mcp.command or [], self._environment, self._tool.answer_bytes_max)

    async def close(self) -> None:
        """Close the connections of this event loop."""
        await self._web.close()


class _Forgotten(ToolFailed):
    """The server knows the session no more."""


class _Session:
    def __init__(self, wire: Wire, timeout_s: float) -> None:
        self._wire = wire
        self._timeout_s = timeout_s
        self._numbers = count(1)
        self._lock = asyncio.Lock()
        self._begun = False
        self.is_over = False

    async def begun(self) -> None:
        """Shake hands, once."""
        async with self._lock:
            if self._begun:
                return
            said = await self.ask(
                "initialize",
                {
                    "protocolVersion": PROTOCOL,
                    "capabilities": {},
                    "clientInfo": {"name": "legato", "version": legato.__version__},
                },
            )
            version = str(said.get("protocolVersion", "")) if isinstance(said, dict) else ""
            if version not in SPOKEN:
                await self.close()
                raise failed(f"it speaks version {version[:20]!r} of MCP, which isn't known here")
            self._wire.agreed(version)
            await self._wire.tell(notification("notifications/initialized"))
            self._begun = True

    async def ask(self, method: str, params: Any) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s):
                return result_of(await self._wire.ask(request(next(self._numbers), method, params)))
        except _Forgotten:
            await self.close()
            raise
        except TimeoutError:
            await self.close()
            told = f"{method} took longer than {self._timeout_s:g} s"
            raise failed(told, passing=True) from None
        except ToolFailed as error:
            if error.retryable:
                await self.close()
            raise

    async def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while len(found) < _TOOLS_MAX:
            said = await self.ask("tools/list", {} if cursor is None else {"cursor": cursor})
            found += [one for one in said.get("tools", ()) if isinstance(one, dict)]
            cursor = said.get("nextCursor")
            if not cursor:
                break
        return found[:_TOOLS_MAX]

    async def close(self) -> None:
        self.is_over = True
        await self._wire.close()


class HttpWire:
    """Streamable HTTP: each message a POST, its answer JSON or a stream of events."""

    def __init__(self, url: str, web: Web, headers: Headers, limits: Limits) -> None:
        self._url = url
        self._web = web
        self._headers = headers
        self._limits = limits
        self._own: dict[str, str] = {}

    async def ask(self, message: Mapping[str, Any]) -> Any:
        """Send a request; what else the server says meanwhile is passed over."""
        async with self._posted(message) as response:
            if response.status == _FORGOTTEN and _SESSION in self._own:
                raise _Forgotten("the server has forgotten the session")
            body = response.content.iter_chunked(_CHUNK)
            if response.headers.get("content-type", "").startswith("text/event-stream"):
                async for data in event_data(body, self._limits.bytes_max):
                    found = read(data)
                    if isinstance(found, dict) and found.get("id") == message["id"]:
                        self._keep(response.headers)
                        return found
                raise failed("the stream ended without an answer", passing=True)
            raw = bytearray()
            async for chunk in body:
                raw += chunk
                if len(raw) > self._limits.bytes_max:
                    raise failed(f"the answer is larger than {self._limits.bytes_max} bytes")
            checked(Fetched(response.status, {}, bytes(raw)))
            self._keep(response.headers)
            return read(bytes(raw))

    async def tell(self, message: Mapping[str, Any]) -> None:
        """Send a notification."""
        async with self._posted(message) as response:
            if response.status // 100 != 2:  # noqa: PLR2004 - any success
                raise failed(f"it answered {response.status}")

    def agreed(self, version: str) -> None:
        """Say the version with each message from now on."""
        self._own[_VERSION] = version

    async def close(self) -> None:
        """Tell the server, where it keeps a session."""
        if _SESSION in self._own:
            headers = {**self._headers(), **self._own}
            del self._own[_SESSION]
            with suppress(ToolFailed):  # it forgets by itself, too
                await self._web.fetch("DELETE", self._url, headers=headers, limits=self._limits)

    def _posted(self, message: Mapping[str, Any]) -> Any:
        headers = {
            **self._headers(),
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            **self._own,
        }
        return self._web.opened(
            "POST",
            self._url,
            timeout_s=self._limits.timeout_s,
            headers=headers,
            body=msgspec.json.encode(message),
        )

    def _keep(self, headers: Mapping[str, str]) -> None:
        if found := headers.get(_SESSION):
            self._own[_SESSION] = found


class StdioWire:
    """A process of the operator's: a message a line, one request at a time."""

    def __init__(self, command: list[str], environment: Mapping[str, str], bytes_max: int) -> None:
        self._command = command
        self._environment = environment
        self._bytes_max = bytes_max
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    async def ask(self, message: Mapping[str, Any]) -> Any:
        """Send a request and read until its answer comes."""
        async with self._lock:
            process = await self._running()
            await self._write(process, message)
            while True:
                found = read(await self._line(process))
                if not isinstance(found, dict):
                    continue
                if found.get("id") == message["id"] and "method" not in found:
                    return found
                if "id" in found and "method" in found:
                    await self._write(process, _answered(found))

    async def tell(self, message: Mapping[str, Any]) -> None:
        """Send a notification."""
        async with self._lock:
            await self._write(await self._running(), message)

    def agreed(self, version: str) -> None:
        """Nothing changes with it here."""

    async def close(self) -> None:
        """Close its input, and end it where it doesn't end by itself."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_ENDS_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            # what it wrote and nobody read keeps its pipe open, and so `wait` from returning
            while process.stdout is not None and await process.stdout.read(_CHUNK):
                pass
            await process.wait()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    env=dict(self._environment),
                    limit=self._bytes_max,
                    start_new_session=True,
                )
            except OSError as error:
                told = f"{self._command[0]} can't be started: {error.strerror}"
                raise failed(told) from None
        return self._process

    async def _write(self, process: asyncio.subprocess.Process, message: Mapping[str, Any]) -> None:
        assert process.stdin is not None  # noqa: S101 - opened with a pipe
        try:
            process.stdin.write(msgspec.json.encode(message) + b"\n")
            await process.stdin.drain()
        except OSError:
            raise failed("the server has ended", passing=True) from None

    async def _line(self, process: asyncio.subprocess.Process) -> bytes:
        assert process.stdout is not None  # noqa: S101 - opened with a pipe
        try:
            line = await process.stdout.readline()
        except ValueError:
            raise failed(f"the answer is larger than {self._bytes_max} bytes") from None
        if not line:
            raise failed("the server has ended", passing=True)
        return line


def _answered(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Answer what a server asks of us: it may ask whether we live, and nothing else."""
    if asked["method"] == "ping":
        return {"jsonrpc": "2.0", "id": asked["id"], "result": {}}
    error = {"code": -32601, "message": "not offered"}
    return {"jsonrpc": "2.0", "id": asked["id"], "error": error}


def _spec(source: str, said: Mapping[str, Any]) -> ToolSpec:
    schema = said.get("inputSchema")
    return ToolSpec(
        name=f"{source}{APART}{said['name']}",
        kind="mcp",
        description=str(said.get("description") or said.get("title") or ""),
        parameters=schema if isinstance(schema, dict) else {"type": "object", "properties": {}},
        returns=said.get("outputSchema"),
    )


def _content(said: Any) -> Any:
    """Return what a tool answered: its structured content, else its texts. Raises ToolFailed."""
    if not isinstance(said, dict):
        raise failed("it answered no result of a tool")
    blocks = [one for one in said.get("content") or () if isinstance(one, dict)]
    texts = [str(one.get("text", "")) for one in blocks if one.get("type") == "text"]
    if said.get("isError"):
        raise failed("\n".join(texts)[:_TOLD_MAX] or "the tool failed")
    if said.get("structuredContent") is not None:
        return said["structuredContent"]
    others = [one for one in blocks if one.get("type") != "text"]
    return [*texts, *others] if others else "\n".join(texts)
