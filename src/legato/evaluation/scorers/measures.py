"""Scorers of what an answer took, time and money, and of what it was worth."""

from decimal import Decimal

from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, exact_usd
from legato.evaluation.scoring import (
    Answer,
    Caller,
    Case,
    Score,
    ScorerSettings,
    Unscored,
    yes_or_no,
)

_US_PER_MS = 1_000
_NANO = 10**9


class Latency(ScorerSettings, frozen=True, tag="latency"):
    """Whether the whole answer came within a time."""

    max_ms: float

    def require_settings(self) -> None:
        """Refuse no time at all."""
        super().require_settings()
        if not self.max_ms > 0:
            raise InvalidRequest("max_ms: must be above 0", param="max_ms")

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:  # noqa: ARG002
        """Compare."""
        took_ms = answer.latency_us / _US_PER_MS
        return yes_or_no(good=took_ms <= self.max_ms, otherwise=f"took {took_ms:.0f} ms")


class Accepted(ScorerSettings, frozen=True, tag="accepted"):
    """Whether a workflow's outcome was accepted, as its definition says what is."""

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:  # noqa: ARG002
        """Look."""
        if answer.accepted is None:
            raise Unscored("nothing says which outcomes are accepted: give `outcome.accepted`")
        return yes_or_no(good=answer.accepted, otherwise="the outcome wasn't accepted")


class Cost(ScorerSettings, frozen=True, tag="cost"):
    """Whether the answer cost no more than an amount; an unpriced answer can't be judged."""

    max_usd: Decimal

    def require_settings(self) -> None:
        """Refuse an amount below zero."""
        super().require_settings()
        if not (self.max_usd.is_finite() and self.max_usd >= 0):
            raise InvalidRequest("max_usd: must be at least 0", param="max_usd")

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:  # noqa: ARG002
        """Compare, in whole nano-USD."""
        if answer.cost is None:
            raise Unscored("the answer has no price")
        within = answer.cost <= self.max_usd * _NANO
        return yes_or_no(good=within, otherwise=f"cost {exact_usd(NanoUSD(answer.cost))} USD")
