"""Configuration of watching objectives, and of incidents."""

import msgspec

from legato.core.config_parts import Count, Positive


class Objectives(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether requests are held against objectives, and when a breaker is an incident."""

    enabled: bool = True
    look_s: Positive = 15.0
    """How often traces are counted in, and burn rates judged."""
    breaker_open_s: Positive = 300.0
    """A breaker that was open for so long is an incident."""
    retention_days: Count = 400
    """Of what was counted by day, of alerts and of resolved incidents."""
