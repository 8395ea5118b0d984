"""Anthropic's requests in canonical form."""

from typing import Any

from legato.api import body as check
from legato.api.anthropic.blocks import read_messages, read_system
from legato.api.anthropic.validation import messages_view
from legato.api.unsupported import refuse_unknown
from legato.core.chat import ChatRequest, OutputFormat, Tool, ToolChoice

# `cache_control` at the top only hints at caching: nothing is lost where it has no place.
_KNOWN = frozenset(
    {
        "model",
        "messages",
        "system",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "output_format",
        "metadata",
        "stream",
        "cache_control",
    }
)
_NEUTRAL: dict[str, frozenset[Any]] = {
    "service_tier": frozenset({"auto"}),
    "speed": frozenset({"standard"}),
}
_MODES = {"auto": "auto", "any": "required", "none": "none", "tool": "tool"}


def read_chat(
    body: dict[str, Any], *, drop_unsupported: bool, bound_required: bool = True
) -> ChatRequest:
    """Translate a messages body.

    Raises:
        InvalidRequest: naming a field that is wrong or that has no canonical form.
    """
    if not drop_unsupported:
        refuse_unknown(body, _KNOWN, neutral=_NEUTRAL)
    view = messages_view(body, bound_required=bound_required)
    system, messages = read_messages(body["messages"])
    config = check.table(body, "output_config") or {}
    choice = check.table(body, "tool_choice") or {}
    parallel = choice.get("disable_parallel_tool_use")
    return ChatRequest(
        messages=messages,
        system=(*read_system(body.get("system")), *system),
        tools=_tools(body, drop_unsupported=drop_unsupported),
        tool_choice=_tool_choice(choice) if choice else None,
        parallel_tool_calls=None if parallel is None else not parallel,
        max_output_tokens=view.max_output_tokens,
        temperature=check.number(body, "temperature", 0, 1),
        top_p=check.number(body, "top_p", 0, 1),
        top_k=check.positive(body, "top_k"),
        stop=tuple(body.get("stop_sequences") or ()),
        output_format=_output_format(config.get("format") or check.table(body, "output_format")),
        reasoning_effort=check.text(config, "effort"),
        thinking_budget_tokens=_thinking_budget(check.table(body, "thinking")),
        user=view.user or None,
        stream=view.stream,
        drop_unsupported=drop_unsupported,
    )


def _tools(body: dict[str, Any], *, drop_unsupported: bool) -> tuple[Tool, ...]:
    tools = []
    for position, tool in enumerate(check.objects(body, "tools")):
        if tool.get("type") not in {None, "custom"}:
            if drop_unsupported:
                continue
            raise check.refuse(
                f"tools.{position}.type", "server-side tools can't be carried to this provider"
            )
        tools.append(
            Tool(
                name=tool["name"],
                description=check.text(tool, "description") or "",
                parameters=tool["input_schema"],
                strict=tool.get("strict"),
                cache_control=check.table(tool, "cache_control"),
            )
        )
    return tuple(tools)


def _tool_choice(choice: dict[str, Any]) -> ToolChoice:
    kind = choice.get("type")
    if not isinstance(kind, str) or kind not in _MODES:
        raise check.refuse("tool_choice.type", "must be auto, any, none or tool")
    name = check.text(choice, "name") or ""
    if kind == "tool" and not name:
        raise check.refuse("tool_choice.name", "is required")
    return ToolChoice(_MODES[kind], name)


def _output_format(wire: Any) -> OutputFormat | None:
    if wire is None:
        return None
    schema = wire.get("schema") if isinstance(wire, dict) else None
    if not isinstance(schema, dict):
        raise check.refuse("output_config.format.schema", "must be an object")
    return OutputFormat(schema)


def _thinking_budget(wire: dict[str, Any] | None) -> int | None:
    """Only an explicit budget is carried: adaptive and disabled leave the model its default."""
    if wire is None or wire.get("type") != "enabled":
        return None
    budget = wire.get("budget_tokens")
    if type(budget) is not int or budget < 1:
        raise check.refuse("thinking.budget_tokens", "must be a positive integer")
    return budget
