"""Which tools a call may declare, by the rules of access that mean its key."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from legato.core.errors import Forbidden

if TYPE_CHECKING:
    from legato.core.principal import Access
    from legato.gateway.context import Call, Sink

_LISTS: Final = ("tools", "functions", "mcp_servers")
_WITHOUT_TOOLS: Final = ("tool_choice", "function_call", "parallel_tool_calls")
"""What is refused upstream where no tool is declared."""
_SEARCH: Final = "web_search_options"
_SEARCH_NAME: Final = "web_search"


def unruled(call: "Call") -> bool:
    """Whether no rule says anything of a call's tools."""
    access = call.caller.access
    return access is None or not access.has_tools


def rule_tools(call: "Call", _sink: "Sink") -> None:
    """Refuse a call with a tool that its key may not declare, or take that tool out.

    Raises:
        Forbidden: naming the rule and the tool.
    """
    access = call.caller.access
    if access is None:
        return
    taken = {one for name in _LISTS for one in _taken(call.body, name, access)}
    if _SEARCH in call.body and _refused(_SEARCH_NAME, access, _SEARCH):
        del call.body[_SEARCH]
        taken.add(_SEARCH_NAME)
    if not taken:
        return
    if not any(call.body.get(name) for name in _LISTS):
        for name in (*_LISTS, *_WITHOUT_TOOLS):
            call.body.pop(name, None)
    else:
        _free_choice(call.body, taken)
    view = call.surface.read(call.body)
    call.view = view


def tool_names(tool: Any) -> Iterator[str]:
    """Yield what a declared tool is called; one without a name by its type."""
    if not isinstance(tool, dict):
        return
    kind = tool.get("type")
    inner = tool.get(kind) if isinstance(kind, str) else None
    name = tool.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
    label = tool.get("server_label")
    if isinstance(label, str):
        yield f"mcp:{label}"
    elif isinstance(name, str):
        yield f"mcp:{name}" if "url" in tool else name
    elif isinstance(kind, str):
        yield kind


def _taken(body: dict[str, Any], field: str, access: "Access") -> list[str]:
    """Take refused tools out of a list in a body; return their names."""
    declared = body.get(field)
    if not isinstance(declared, list):
        return []
    kept, taken = [], []
    for number, tool in enumerate(declared):
        refused = [one for one in tool_names(tool) if _refused(one, access, f"{field}[{number}]")]
        taken += refused
        if not refused:
            kept.append(tool)
    if taken:
        body[field] = kept
    return taken


def _refused(name: str, access: "Access", place: str) -> bool:
    """Tell whether a tool is to be taken out. Raises Forbidden where the rule refuses the call."""
    found = access.against_tool(name)
    if found is None:
        return False
    if found.strips:
        return True
    msg = f"{place}: access rule {found.rule!r} doesn't let this key use the tool {name[:80]!r}"
    raise Forbidden(msg, param=place)


def _free_choice(body: dict[str, Any], taken: set[str]) -> None:
    """Take back a choice of a tool that isn't there any more."""
    for field in ("tool_choice", "function_call"):
        if any(name in taken for name in tool_names(body.get(field))):
            del body[field]
