"""Configuration of the financial model's books, and of what they gate."""

from typing import Annotated

import msgspec
from msgspec import Meta, field

from legato.core.config_parts import Count, Name, Share


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class MarginGate(_Strict, frozen=True):
    """Labels of these objects move only while a feature pays: its margin is shown, or planned."""

    objects: Annotated[list[str], Meta(min_length=1)]
    """KIND/NAME, `*` for anything: `prompt/support-*`, `route/*`."""
    team: Name
    feature: Name
    org: Name = "default"
    environment: Name = "production"
    labels: Annotated[list[Name], Meta(min_length=1)] = field(
        default_factory=lambda: ["production"]
    )
    margin_over: Share = 0.5
    """The contribution margin has to be over it."""
    months: Count = 3
    """The last whole ones that it is shown by."""


class Finance(_Strict, frozen=True):
    """Labour, revenue and benefits that people bring (`legato labour`, `legato revenue`)."""

    retention_days: Annotated[int, Meta(ge=365)] | None = None
    """How long an entry is kept after its month; None for good."""
    margin_gates: list[MarginGate] = []
