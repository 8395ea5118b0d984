"""An agent elsewhere as a tool: A2A over JSON-RPC, versions 1.0 and 0.3 of the protocol.

The card says what it can do and which version it speaks. A message is sent; where a task comes of
it, it is asked for until it has ended, within the tool's time.
"""

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import Any, Final, NamedTuple

import msgspec

from legato.connectors.json_rpc import read, request, result_of
from legato.connectors.tool import ToolContext, ToolSpec, failed
from legato.connectors.web import Headers, Limits, Web, checked
from legato.core.config_tools import AgentTool, Tool

CARD: Final = "/.well-known/agent-card.json"
VERSION_HEADER: Final = "A2A-Version"
_FIRST_S: Final = 0.2
_GROWTH: Final = 1.5
_WAIT_MAX_S: Final = 5.0
_TOLD_MAX: Final = 500
_ENDED: Final = frozenset({"completed", "failed", "canceled", "cancelled", "rejected"})
_STOPPED: Final = frozenset({"input-required", "auth-required"})
_PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "description": "What the agent is asked, in full."},
        "context": {"type": "string", "description": "An earlier answer's `context`, to go on."},
    },
    "required": ["message"],
    "additionalProperties": False,
}


class Dialect(NamedTuple):
    """What one version calls things."""

    version: str
    send: str
    get: str
    role: str


_NEW: Final = Dialect("1.0", "SendMessage", "GetTask", "ROLE_USER")
_OLD: Final = Dialect("0.3", "message/send", "tasks/get", "user")


class _Reached(NamedTuple):
    url: str
    dialect: Dialect
    card: dict[str, Any]


class AgentSource:
    """A `Source` of one tool: an agent that is sent messages."""

    def __init__(self, tool: Tool, agent: AgentTool, web: Web, headers: Headers) -> None:
        self._tool = tool
        self._agent = agent
        self._web = web
        self._headers = headers
        self._known: _Reached | None = None
        self._numbers = count(1)

    async def specs(self) -> list[ToolSpec]:
        """Return it, as its card describes it. Raises ToolFailed."""
        card = (await self._reached()).card
        skills = [str(one.get("description", "")) for one in card.get("skills") or ()]
        told = " ".join([str(card.get("description", "")), *skills]).strip()
        return [
            ToolSpec(
                name=self._tool.name, kind="agent", description=told, parameters=dict(_PARAMETERS)
            )
        ]

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Send a message and return `{text, data, context, task, state}`. Raises ToolFailed.

        The message's id is the idempotency key, so an agent may know the same one again.
        """
        reached = await self._reached()
        message = _message(reached.dialect, arguments, context.key)
        said = await self._ask(reached, reached.dialect.send, {"message": message})
        if not isinstance(said, dict):
            raise failed("it answered neither a task nor a message")
        task = said.get("task") or said.get("message") or said
        if "status" not in task:
            return _of_message(task)
        try:
            async with asyncio.timeout(self._tool.timeout_s):
                return _of_task(await self._ended(reached, task))
        except TimeoutError:
            told = f"{name} wasn't done within {self._tool.timeout_s:g} s"
            raise failed(told, passing=True) from None

    async def close(self) -> None:
        """Close its connections."""
        await self._web.close()

    async def _ended(self, reached: _Reached, task: dict[str, Any]) -> dict[str, Any]:
        wait_s = _FIRST_S
        while _state(task) not in _ENDED | _STOPPED:
            await asyncio.sleep(wait_s)
            wait_s = min(_WAIT_MAX_S, wait_s * _GROWTH)
            found = await self._ask(reached, reached.dialect.get, {"id": task["id"]})
            if not isinstance(found, dict) or "status" not in found:
                raise failed("it answered no task")
            task = found
        return task

    async def _ask(self, reached: _Reached, method: str, params: Any) -> Any:
        fetched = await self._web.fetch(
            "POST",
            reached.url,
            headers={
                **self._headers(),
                "content-type": "application/json",
                VERSION_HEADER: reached.dialect.version,
            },
            body=msgspec.json.encode(request(next(self._numbers), method, params)),
            limits=self._limits,
        )
        return result_of(read(checked(fetched).body))

    async def _reached(self) -> _Reached:
        if self._known is None:
            url = self._agent.url
            place = url if url.endswith(".json") else url.rstrip("/") + CARD
            fetched = await self._web.fetch(
                "GET", place, headers=self._headers(), limits=self._limits
            )
            self._known = _read_card(read(checked(fetched).body))
        return self._known

    @property
    def _limits(self) -> Limits:
        return Limits(self._tool.timeout_s, self._tool.answer_bytes_max)


def _read_card(card: Any) -> _Reached:
    """Return where and how an agent is spoken to. Raises ToolFailed."""
    if not isinstance(card, dict) or not card.get("name"):
        raise failed("its card is none")
    doors = [
        (str(one.get("url")), str(one.get("protocolVersion", "")))
        for one in card.get("supportedInterfaces") or ()
        if str(one.get("protocolBinding", "")).upper() == "JSONRPC"
    ]
    if not doors and str(card.get("preferredTransport", "JSONRPC")).upper() == "JSONRPC":
        doors = [(str(card.get("url", "")), str(card.get("protocolVersion", "0.3")))]
    for wanted in (_NEW, _OLD):
        for url, version in doors:
            if version.startswith(wanted.version) and url.startswith(("http://", "https://")):
                return _Reached(url, wanted, card)
    raise failed("its card names no JSON-RPC interface of version 1.0 or 0.3")


def _message(dialect: Dialect, arguments: Mapping[str, Any], key: str) -> dict[str, Any]:
    part = {"text": str(arguments["message"])}
    message: dict[str, Any] = {
        "messageId": key,
        "role": dialect.role,
        "parts": [part if dialect is _NEW else {"kind": "text", **part}],
    }
    if dialect is _OLD:
        message["kind"] = "message"
    if arguments.get("context"):
        message["contextId"] = str(arguments["context"])
    return message


def _state(task: Mapping[str, Any]) -> str:
    status = task["status"]
    state = str(status.get("state", "")) if isinstance(status, dict) else ""
    return state.lower().removeprefix("task_state_").replace("_", "-")


def _of_message(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_parts(message.get("parts")),
        "context": message.get("contextId", ""),
        "task": "",
        "state": "completed",
    }


def _of_task(task: Mapping[str, Any]) -> dict[str, Any]:
    state, status = _state(task), task["status"]
    told = _parts((status.get("message") or {}).get("parts"))
    if state in _ENDED and state != "completed":
        raise failed(f"the agent's task {state}: {told['text'][:_TOLD_MAX]}".rstrip(": "))
    made = [part for one in task.get("artifacts") or () for part in one.get("parts") or ()]
    return {
        **(_parts(made) if made else told),
        "context": task.get("contextId", ""),
        "task": task.get("id", ""),
        "state": state,
    }


def _parts(parts: Any) -> dict[str, Any]:
    listed = [one for one in parts or () if isinstance(one, dict)]
    texts = [str(one["text"]) for one in listed if one.get("text")]
    data = [one["data"] for one in listed if one.get("data") is not None]
    return {"text": "\n".join(texts), "data": data}
