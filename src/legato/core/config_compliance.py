"""Configuration of compliance: how often is looked, and from where it is a failure."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.compliance import Framework
from legato.core.config_parts import Count, Positive

Days = Annotated[int, Meta(ge=1, le=3660)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Bounds(_Strict, frozen=True):
    """From where a check fails."""

    owners_max: Count = 5
    """People and keys with the role `owner` over the whole instance, or over one organisation."""
    dormant_days: Days = 90
    """A person who has not signed in for so long."""
    key_days_max: Days = 365
    """A key's age since it was made or its secret changed last."""
    key_unused_days: Days = 90
    master_key_days_max: Days = 365
    """Since the data keys were last wrapped anew."""
    retention_days_max: Days = 400
    """What is kept of requests longer than that."""
    erasure_days_max: Days = 30
    """From asking for an erasure to its end."""
    alarm_days_max: Days = 7
    """How long an alarm may stand unacknowledged."""
    copy_hours_max: Annotated[int, Meta(ge=1, le=8760)] = 24
    """The age of the audit log's last copy elsewhere."""
    drill_days_max: Days = 90
    """Since a backup was last restored for a drill and found whole."""


class Compliance(_Strict, frozen=True):
    """Live checks of controls, and rules that are asked before a change can break them."""

    every_s: Positive = 3600.0
    """How often the ledger process looks."""
    heavy_every_s: Positive = 86_400.0
    """How often by checks that read all of the ledger or of the audit log."""
    retention_days: Days = 1100
    """How long it is kept what a check came to."""
    bounds: Bounds = Bounds()
    frameworks: list[Framework] = []
    """Switches on the rules that bear on these."""
    rules: list[str] = []
    """Rules for what is saved, by name, beside those of the frameworks."""
    on_breach: Literal["refuse", "warn"] = "refuse"
    """Whether what breaks a rule is refused, or only told."""
