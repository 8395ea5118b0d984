"""What a route says of answers to questions that mean the same."""

from typing import Literal

import msgspec


class SemanticTerms(msgspec.Struct, frozen=True):
    """What a route says of answers to questions that mean the same."""

    bound: float
    """Wrong answers of all requests that are looked up, at most."""
    bound_per_hit: float | None
    confidence: float
    sharing: Literal["user", "team", "organisation"]
    """Who may be given whose answers."""
    temperature_max: float
    multi_turn: bool
