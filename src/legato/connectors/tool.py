"""What a tool is: what models are told of it, how it is called, and what comes of that."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, Protocol

import msgspec

from legato.core.errors import ToolFailed

APART: Final = "__"
"""Between a source and what it calls a tool: names that models can say have no dots."""


class ToolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One tool, as models and people are told of it. `parameters` is a JSON schema."""

    name: str
    kind: Literal["python", "http", "openapi", "mcp", "agent"]
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(
        default_factory=lambda: {"type": "object", "properties": {}}
    )
    returns: dict[str, Any] | None = None
    approval: Literal["never", "always"] = "never"
    transactional: bool = False


class ToolContext(NamedTuple):
    """For whom a tool is called. `key` is the same each time the same call is tried."""

    key: str
    org: str = ""
    user: str = ""


class Source(Protocol):
    """Where tools come from: one, or several behind the same door."""

    async def specs(self) -> list[ToolSpec]:
        """Return its tools. Raises ToolFailed where they can't be learnt."""
        ...

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        """Call a tool by its own name and return JSON. Raises ToolFailed, InvalidRequest."""
        ...

    async def close(self) -> None:
        """Leave it."""
        ...


def failed(told: str, *, passing: bool = False) -> ToolFailed:
    """Return the error of a call; `passing` where the same call may succeed later."""
    error = ToolFailed(told)
    error.retryable = passing
    return error
