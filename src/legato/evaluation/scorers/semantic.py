"""How near the answer's meaning is to the expected text's, by an embedding model."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from legato.evaluation.scoring import (
    Answer,
    Caller,
    Case,
    Score,
    ScorerSettings,
    Unscored,
    expected_text,
)


class Semantic(ScorerSettings, frozen=True, tag="semantic"):
    """The cosine of the two texts' embeddings, 0 where it is negative.

    Both are embedded in one call of `/v1/embeddings`, which the run's cost counts.
    """

    pure: ClassVar[bool] = False
    model: str
    """A deployment or route that embeds."""

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:
        """Embed both."""
        wanted = expected_text(case)
        if not wanted.strip():
            raise Unscored("the case has no expected text")
        if not answer.text.strip():
            return Score(value=0.0, reason="is empty")
        body = {"model": self.model, "input": [wanted, answer.text], "encoding_format": "float"}
        reply = await caller.call("/v1/embeddings", body)
        if reply.error:
            raise Unscored(f"{self.model} didn't embed the texts: {reply.error}")
        cosine = _cosine(*_vectors(reply.body))
        return Score(
            value=min(1.0, max(0.0, cosine)),
            reason=f"cosine {cosine:.3f}",
            cost=reply.cost,
            request_ids=(reply.request_id,),
        )


def _vectors(body: Any) -> tuple[list[float], list[float]]:
    try:
        one, other = sorted(body["data"], key=lambda item: item["index"])
        return one["embedding"], other["embedding"]
    except (KeyError, TypeError, ValueError):
        raise Unscored("the embedding model's answer isn't two vectors") from None


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    if len(one) != len(other) or not lengths:
        raise Unscored("the embedding model's vectors can't be compared")
    return math.fsum(x * y for x, y in zip(one, other, strict=True)) / lengths
