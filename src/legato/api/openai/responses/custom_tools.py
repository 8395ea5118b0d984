"""Custom tools, which take free text: carried as functions of one string.

A grammar can't be carried; a tool that has one is refused, or loses it where such may be dropped.
"""

from typing import Any

import msgspec

from legato.core.chat import Tool

_FIELD = "input"
_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {_FIELD: {"type": "string", "description": "The tool's whole input."}},
    "required": [_FIELD],
    "additionalProperties": False,
}


def custom_tool(name: str, description: str) -> Tool:
    """Return the function that stands for a custom tool."""
    return Tool(name, description, _PARAMETERS)


def custom_arguments(text: str) -> str:
    """Return the function's arguments for a custom tool's input."""
    return msgspec.json.encode({_FIELD: text}).decode()


def custom_input(arguments: str) -> str:
    """Return a custom tool's input from the function's arguments.

    Whatever a model wrote instead of them, or a cut left of them, is passed on as it is.
    """
    try:
        decoded = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments
    text = decoded.get(_FIELD) if isinstance(decoded, dict) else None
    return text if isinstance(text, str) else arguments
