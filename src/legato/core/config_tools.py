"""Configuration of tools: what workflows and agents may have done in the world."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import Count, Positive, SecretRef

ToolName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
_Header = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")]
_Line = Annotated[str, Meta(pattern=r"^[\x20-\x7e]{0,1000}$")]
_Address = Annotated[str, Meta(pattern=r"^https?://[^\s@\\#]+$", max_length=2_000)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class PythonTool(_Strict, frozen=True):
    """A function of a package that is installed beside Legato."""

    function: Annotated[str, Meta(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    """`module:function`; its arguments' schema comes from its type hints."""
    run_in: Literal["process", "thread"] = "process"
    """A process of its own is ended at its time; a thread can't be, but costs no start."""
    memory_mib_max: Count = 512
    """Of a process of its own."""
    transactional: bool = False
    """It is given `connection`: what it writes there is committed with its step, exactly once."""


class HttpTool(_Strict, frozen=True):
    """One operation over HTTP."""

    url: _Address
    """`{name}` in its path stands for an argument. Others go into the query of GET, HEAD and
    DELETE, else into a body of JSON."""
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "POST"


class OpenApiTool(_Strict, frozen=True):
    """The operations of an OpenAPI 3 document, each a tool `NAME__OPERATION`."""

    document: str
    """A file, or the address of one, in JSON or YAML."""
    server: _Address | None = None
    """None: the document's first server."""
    operations: list[str] | None = None
    """By their operationId; None: all."""


class McpTool(_Strict, frozen=True):
    """The tools of an MCP server, each a tool `NAME__TOOL`. Exactly one of `url` and `command`."""

    url: _Address | None = None
    """Of its streamable HTTP."""
    command: list[str] | None = None
    """What starts it; it speaks over its standard input and output."""
    env: dict[str, str] = {}
    secret_env: dict[str, SecretRef] = {}
    tools: list[str] | None = None
    """Which of its tools; None: all."""


class AgentTool(_Strict, frozen=True):
    """An agent elsewhere that speaks A2A."""

    url: _Address
    """Where its card is: below `/.well-known/agent-card.json`, or the card's own address."""


class Tool(_Strict, frozen=True):
    """A tool, or a source of several. One of `python`, `http`, `openapi`, `mcp` and `agent`."""

    name: ToolName
    description: str = ""
    """For models; none: what the tool says of itself."""
    python: PythonTool | None = None
    http: HttpTool | None = None
    openapi: OpenApiTool | None = None
    mcp: McpTool | None = None
    agent: AgentTool | None = None
    parameters: dict[str, Any] | None = None
    """The JSON schema of the arguments, where the tool doesn't say it: of `http`."""
    returns: dict[str, Any] | None = None
    """A JSON schema that answers are held against."""
    headers: dict[_Header, _Line] = {}
    secret_headers: dict[_Header, SecretRef] = {}
    approval: Literal["never", "always"] = "never"
    """Whether a person is asked before each call, where a workflow doesn't say otherwise."""
    orgs: list[str] | None = None
    """Whose workflows may use it; None: everybody's, as access rules let them."""
    timeout_s: Positive = 30.0
    answer_bytes_max: Count = 1_048_576
    at_once: Annotated[int, Meta(ge=1, le=1_000)] = 8
    """How many calls run at a time in each process; others wait."""
