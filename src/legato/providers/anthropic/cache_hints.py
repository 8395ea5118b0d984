"""Marks in Anthropic's bodies: what the vendor is to keep, from the start up to each mark.

Source: https://docs.claude.com/en/docs/build-with-claude/prompt-caching (order tools, system,
messages; four marks at most; `ephemeral` lives five minutes; empty texts and thinking take none).
"""

from typing import Any

from legato.providers.base import Repeated

MARK = {"type": "ephemeral"}
_MARKED = frozenset({"text", "image", "document", "tool_result", "tool_use", "search_result"})


def marked(wire: dict[str, Any], repeated: Repeated) -> dict[str, Any]:
    """Return a body with its repeated parts marked; what was given isn't changed."""
    wire = {**wire}
    if repeated.head:
        system, tools = wire.get("system"), wire.get("tools")
        if system:
            wire["system"] = _marked_content(system)
        elif tools:
            wire["tools"] = [*tools[:-1], {**tools[-1], "cache_control": MARK}]
    if repeated.turns:
        *before, last = wire["messages"]
        wire["messages"] = [*before, {**last, "content": _marked_content(last["content"])}]
    return wire


def _marked_content(content: Any) -> Any:
    """Mark the last block that takes a mark."""
    if isinstance(content, str):
        return [{"type": "text", "text": content, "cache_control": MARK}] if content else content
    for place in range(len(content) - 1, -1, -1):
        block = content[place]
        if block.get("type") in _MARKED and block.get("text") != "":
            return [*content[:place], {**block, "cache_control": MARK}, *content[place + 1 :]]
    return content
