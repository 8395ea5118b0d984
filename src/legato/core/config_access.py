"""Configuration of access: which keys may use which models, deployments, terms and tools."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import Name, Requirements

Patterns = Annotated[list[Annotated[str, Meta(min_length=1, max_length=256)]], Meta(min_length=1)]
"""Names, in which `*` stands for any characters."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Who(_Strict, frozen=True):
    """Whose calls are meant: what is given must fit, what is left out fits everybody."""

    orgs: Patterns | None = None
    teams: Patterns | None = None
    features: Patterns | None = None
    keys: Patterns | None = None
    """By their names."""
    tags: dict[str, str] = {}
    """All of these, with these values."""


class ToolTerms(_Strict, frozen=True):
    """Which tools a caller may declare, by name; one a vendor runs by its type."""

    allow: Patterns | None = None
    """None: all that aren't denied."""
    deny: Patterns | None = None
    refused: Literal["refuse", "strip"] = "refuse"
    """What becomes of a call that declares another: 403, or it goes on without that tool."""


class AccessRule(_Strict, frozen=True):
    """What those it means may use: all that is given must hold, in every attempt of a call."""

    name: Name
    who: Who = msgspec.field(default_factory=Who)
    models: Patterns | None = None
    """What they may name as `model`: aliases, deployments, `prompt:NAME`."""
    deployments: Patterns | None = None
    """What may be sent their calls, whatever a route says."""
    require: Requirements | None = None
    """What such a deployment must be known to fulfil."""
    tools: ToolTerms | None = None


class Access(_Strict, frozen=True):
    """Rules over what keys may use. Each that means a key holds for it."""

    rules: list[AccessRule] = []
