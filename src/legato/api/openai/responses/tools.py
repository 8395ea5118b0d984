"""Tools and the choice among them in canonical form."""

from typing import TYPE_CHECKING, Any

from legato.api import body as check
from legato.api.openai.responses.custom_tools import custom_tool
from legato.core.chat import Tool, ToolChoice

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODES = ("auto", "none", "required")


def custom_names(tools: Any) -> frozenset[str]:
    """Return the names of the custom tools among a body's tools."""
    return frozenset(
        tool["name"]
        for tool in tools or ()
        if isinstance(tool, dict) and tool.get("type") == "custom" and tool.get("name")
    )


def read_tools(
    body: dict[str, Any], *, drop_unsupported: bool
) -> tuple[tuple[Tool, ...], frozenset[str] | None]:
    """Return the tools, and the names `allowed_tools` leaves of them (None for all).

    Raises:
        InvalidRequest: a tool of the vendor's own, such as web_search, unless it may be dropped.
    """
    tools = []
    for position, tool in enumerate(check.objects(body, "tools")):
        read = _tool(tool, f"tools.{position}", drop_unsupported=drop_unsupported)
        if read is not None:
            tools.append(read)
    allowed = _allowed(body.get("tool_choice"))
    if allowed is not None:
        tools = [tool for tool in tools if tool.name in allowed]
    return tuple(tools), allowed


def read_choice(
    body: dict[str, Any], allowed: frozenset[str] | None, *, drop_unsupported: bool
) -> ToolChoice | None:
    """Return the choice. Raises InvalidRequest for a tool of the vendor's own."""
    choice = body.get("tool_choice")
    if choice is None:
        return None
    if isinstance(choice, str) and choice in _MODES:
        return ToolChoice(choice)
    if not isinstance(choice, dict):
        raise check.refuse("tool_choice", "must be auto, none, required or an object")
    if allowed is not None:
        mode = choice.get("mode", "auto")
        if mode not in {"auto", "required"}:
            raise check.refuse("tool_choice.mode", "must be auto or required")
        return ToolChoice(mode)
    if choice.get("type") in {"function", "custom"}:
        name = choice.get("name")
        if not isinstance(name, str) or not name:
            raise check.refuse("tool_choice.name", "is required")
        return ToolChoice("tool", name)
    if drop_unsupported:
        return None
    kind = str(choice.get("type"))[:64]
    raise check.refuse(
        "tool_choice.type", f"{kind} can't be carried to the provider behind this model"
    )


def _tool(tool: dict[str, Any], place: str, *, drop_unsupported: bool) -> Tool | None:
    kind = tool["type"]
    description = check.text(tool, "description") or ""
    if kind == "function":
        return Tool(
            name=tool["name"],
            description=description,
            parameters=check.table(tool, "parameters") or {},
            strict=tool.get("strict"),
        )
    if kind == "custom":
        form = check.table(tool, "format") or {}
        if form.get("type", "text") != "text" and not drop_unsupported:
            raise check.refuse(
                f"{place}.format.type", "a grammar can't be carried to the provider behind it"
            )
        return custom_tool(tool["name"], description)
    if drop_unsupported:
        return None
    raise check.refuse(
        f"{place}.type", f"{kind[:64]} can't be carried to the provider behind this model"
    )


def _allowed(choice: Any) -> frozenset[str] | None:
    if not isinstance(choice, dict) or choice.get("type") != "allowed_tools":
        return None
    tools: Sequence[dict[str, Any]] = check.objects(choice, "tools")
    names = [tool.get("name") for tool in tools]
    if not names or not all(isinstance(name, str) for name in names):
        raise check.refuse("tool_choice.tools", "must name functions or custom tools")
    return frozenset(str(name) for name in names)
