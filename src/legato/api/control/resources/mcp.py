"""Legato as an MCP server: https://modelcontextprotocol.io/specification/2025-11-25.

Streamable HTTP without a session: each message is a POST that is answered with JSON. Who calls is
known by the same tokens and keys as anywhere at the control API, and each tool asks for the
permission that its route asks for.
"""

from typing import Any, Final

import msgspec
from litestar.di import NamedDependency as Given
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody
from litestar.response import Response

import legato
from legato.api.control.access import Caller, make
from legato.api.control.resources.mcp_tools import call_tool, listed_tools
from legato.api.control.services import Services
from legato.core.errors import LegatoError
from legato.core.permission import Permission

_SPOKEN: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
_INVALID: Final = -32600
_NO_METHOD: Final = -32601
_NO_PARAMS: Final = -32602


class McpMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of JSON-RPC 2.0; without `id` it is a notification."""

    method: str = ""
    jsonrpc: str = "2.0"
    id: str | int | None = None
    params: dict[str, Any] = {}


@make(
    "/mcp",
    Permission.WORKFLOW_RUN_READ,
    shows="workflow.read",
    tags=["mcp"],
    status_code=200,
    responses={202: ResponseSpec(None, description="A notification, which has no answer.")},
)
def speak_mcp(
    services: Given[Services], caller: Given[Caller], data: JSONBody[McpMessage]
) -> Response[Any]:
    """Answer a message of the Model Context Protocol: workflows, runs and insights are tools."""
    if data.id is None:
        return Response(None, status_code=202)
    answer = _answered(services, caller, data)
    return Response({"jsonrpc": "2.0", "id": data.id, **answer})


HANDLERS = (speak_mcp,)


def _answered(services: Services, caller: Caller, message: McpMessage) -> dict[str, Any]:
    match message.method:
        case "initialize":
            return {"result": _welcome(str(message.params.get("protocolVersion", "")))}
        case "ping":
            return {"result": {}}
        case "tools/list":
            return {"result": {"tools": listed_tools(services, caller)}}
        case "tools/call":
            return _called(services, caller, message.params)
        case "":
            return _refused(_INVALID, "method: needed")
        case _:
            return _refused(_NO_METHOD, f"{message.method[:100]}: not offered")


def _welcome(version: str) -> dict[str, Any]:
    return {
        "protocolVersion": version if version in _SPOKEN else _SPOKEN[0],
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": "legato", "version": legato.__version__},
    }


def _called(services: Services, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    name, arguments = params.get("name"), params.get("arguments") or {}
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return _refused(_NO_PARAMS, "params: `name` and `arguments` are needed")
    try:
        found = msgspec.to_builtins(call_tool(services, caller, name, arguments))
    except LegatoError as error:  # the model that called is to read it
        said = {"type": "text", "text": f"{error.code}: {error.message}"}
        return {"result": {"content": [said], "isError": True}}
    text = msgspec.json.encode(found).decode()
    content = [{"type": "text", "text": text}]
    return {"result": {"content": content, "structuredContent": found, "isError": False}}


def _refused(code: int, told: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": told}}
