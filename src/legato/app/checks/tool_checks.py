"""What must hold of `tools` beyond their types."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from legato.app.checks.egress import address_problem
from legato.app.config.problems import Path
from legato.connectors.tool import APART
from legato.core.config import Config
from legato.core.config_tools import Tool

_KINDS = ("python", "http", "openapi", "mcp", "agent")
Found = tuple[Path, str, str]
"""Where below `tools`, what, and the remedy."""


def problems_of_tools(config: Config) -> Iterator[Found]:
    """Yield what is wrong."""
    names: set[str] = set()
    for index, one in enumerate(config.tools):
        if one.name in names:
            yield (index, "name"), f"`{one.name}` is taken", "Give each its own name."
        names.add(one.name)
        if APART in one.name:
            told = f"`{APART}` stands between a source and its tools"
            yield (index, "name"), told, "Take another name."
        for path, message, remedy in _of_one(one, config):
            yield (index, *path), message, remedy


def _of_one(tool: Tool, config: Config) -> Iterator[Found]:
    kinds = [kind for kind in _KINDS if getattr(tool, kind) is not None]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none"
        yield (), f"exactly one of {', '.join(_KINDS)} is needed; there is {found}", "Keep one."
    for path, url in _addresses(tool):
        if problem := address_problem(url, config):
            yield path, problem, "Write where it is called: https://host/path."
        elif "{" in (urlsplit(url).netloc + urlsplit(url).query):
            yield path, "arguments stand in the path alone", "Leave {} out elsewhere."
    for name in ("parameters", "returns"):
        schema = getattr(tool, name)
        from legato.core.json_schema import schema_problem  # noqa: PLC0415 - loads a library

        problem_found = None if schema is None else schema_problem(schema)
        if problem_found is not None:
            yield (name, *problem_found[0]), problem_found[1], "Mend the schema."
    mcp = tool.mcp
    if mcp is not None and (mcp.url is None) == (not mcp.command):
        told = "exactly one of `url` and `command` is needed"
        yield ("mcp", "url"), told, "Name one."
    if tool.http is not None and tool.parameters is None:
        told = "an operation over HTTP doesn't say what it takes"
        yield ("parameters",), told, "Give the JSON schema of its arguments."
    over_http = tool.python is None and (mcp is None or mcp.url is not None)
    if (tool.headers or tool.secret_headers) and not over_http:
        yield ("headers",), "nothing is sent over HTTP", "Leave them out."


def _addresses(tool: Tool) -> Iterator[tuple[Path, str]]:
    if tool.http is not None:
        yield ("http", "url"), tool.http.url
    if tool.agent is not None:
        yield ("agent", "url"), tool.agent.url
    if tool.mcp is not None and tool.mcp.url is not None:
        yield ("mcp", "url"), tool.mcp.url
    if tool.openapi is not None:
        if tool.openapi.server is not None:
            yield ("openapi", "server"), tool.openapi.server
        if tool.openapi.document.startswith(("http://", "https://")):
            yield ("openapi", "document"), tool.openapi.document
