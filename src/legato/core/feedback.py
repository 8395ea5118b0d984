"""What somebody makes of an answer: the words for it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class Thumbs(StrEnum):
    """One click."""

    UP = "up"
    DOWN = "down"


class Outcome(StrEnum):
    """What became of the answer."""

    ACCEPTED = "accepted"  # used as it was
    REWORK = "rework"  # used after changes
    REJECTED = "rejected"  # not used
    WRONG_HIT = "wrong_hit"  # the semantic cache gave the answer of another question


class Said(msgspec.Struct, frozen=True):
    """What one caller says of one request, for one of its users or, where `user` is "", itself.

    `signals` has what is said by name (thumbs, score, outcome, correction, comment); None takes
    back what was said before. What isn't among them stays as it was.
    """

    request_id: str
    user: str
    signals: Mapping[str, Any]
