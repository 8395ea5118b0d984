"""Lines of a review: each says what was found, what it is worth, and what that rests on."""

from enum import StrEnum

import msgspec


class Basis(StrEnum):
    """What a line's amount rests on."""

    MEASURED = "measured"  # sums of the ledger
    MODELLED = "modelled"  # the ledger's quantities at other prices
    ASSUMED = "assumed"  # a figure that somebody set


class Topic(StrEnum):
    """What a line is about."""

    REPLACE = "models worth replacing"
    ESCALATION = "escalations and retries"
    GUARDRAIL = "guardrails"
    BURDEN = "review burden"
    CACHE = "cache"
    UNUSED = "unused"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. `effect` is nano-USD of the month: what it saves, or would (negative: costs).

    None where it has no amount; `needs` says what is missing to tell. `evidence` is the query, or
    the queries, that the figures come of.
    """

    topic: Topic
    what: str
    advice: str
    basis: Basis
    evidence: str
    effect: int | None = None
    recommended: bool = False
    """Whether the evidence says to do it."""
    needs: str = ""


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation's month."""

    org: str
    month: str
    made_ns: int
    spent: int
    """What the month cost, in nano-USD."""
    requests: int
    lines: tuple[Line, ...]

    @property
    def found(self) -> int:
        """What the recommended lines come to; they aren't independent: a bound from above."""
        return sum(one.effect or 0 for one in self.lines if one.recommended)
