"""Configuration of looking for unusual spend."""

from typing import Annotated

import msgspec
from msgspec import Meta

from legato.core.config_parts import Count, Dollars


class Anomalies(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether each feature's spend is compared with what is usual for the hour of the week."""

    enabled: bool = True
    floor_usd: Dollars = "1"
    """Less beyond the usual, in two hours, is never an anomaly."""
    z_min: Annotated[float, Meta(ge=3, le=50)] = 6.5
    """How far both hours together have to lie above the usual, in standard deviations."""
    retention_days: Count = 365
