"""Configuration of look-ups: what conditions may ask of the operator's own systems."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from legato.core.config_parts import Count, Positive

Known = str | int | bool
"""What a look-up may tell."""


class Lookup(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `lookup("NAME", key)` asks. Exactly one of `url` and `kind`."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
    url: str | None = None
    """Is sent `{"key", "org"}` and answers `{"value"}`; a 404 means that the key is unknown."""
    kind: str | None = None
    """A kind of the entry points `legato.lookups`."""
    settings: dict[str, Any] = {}
    """Options of the kind, checked by the kind itself."""
    otherwise: Known = ""
    """What is told of an unknown key."""
    time_ms: Positive = 500.0
    fresh_s: Positive = 300.0
    """How long an answer is kept."""
    entries_max: Count = 10_000
    """How many are kept, of each worker; the one asked for longest ago goes."""
    on_failure: Literal["refuse", "otherwise"] = "refuse"
    """`otherwise` tells of a failure what is told of an unknown key."""
