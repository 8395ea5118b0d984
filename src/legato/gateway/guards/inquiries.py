"""What rules have to ask elsewhere about a request: an embedder. It answers as detectors do."""

from collections.abc import Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import msgspec

from legato.core.errors import LegatoError
from legato.core.guarding import Piece
from legato.detectors.running import Outcome
from legato.gateway.guards.topics import DETECTOR as TOPICS
from legato.guardrails.policy.deciding import Evidence, Masked
from legato.guardrails.redaction import Redaction
from legato.guardrails.topics.reading import reading_of

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.guards.policies import Applied
    from legato.gateway.guards.topics import Topics
    from legato.gateway.lookups import Lookups

_NS_PER_US: Final = 1_000


class Gathered(msgspec.Struct, eq=False):
    """What was told, what failed, and what it took."""

    evidence: Evidence
    failed: dict[str, str]
    took_us: list[tuple[str, int]]

    def beside(self, outcome: Outcome) -> Outcome:
        """Return what detectors found with what was asked elsewhere."""
        return Outcome(
            outcome.findings,
            {**outcome.failed, **self.failed},
            (*outcome.took_us, *self.took_us),
        )


class Inquiries:
    """Asks; what leaves this process is redacted as for a model."""

    def __init__(self, topics: "Topics", lookups: "Lookups | None" = None) -> None:
        """`lookups` are what conditions may ask; None where they are none."""
        self._topics = topics
        self.lookups = lookups

    async def __call__(
        self, call: "Call", applied: "Applied", texts: Sequence[Piece], masked: Sequence[Masked]
    ) -> Gathered:
        """Ask about a request. Raises nothing: what fails is told."""
        gathered = Gathered({}, {}, [])
        began_ns = perf_counter_ns()
        shown = as_redacted(masked, texts) if self._topics.remote else texts
        try:
            reading = reading_of(call.body, shown)
            gathered.evidence = await self._topics.find(call, applied.topics, reading)
        except LegatoError as error:
            gathered.failed[TOPICS] = error.code
        gathered.took_us.append((TOPICS, (perf_counter_ns() - began_ns) // _NS_PER_US))
        return gathered


def as_redacted(masked: Sequence[Masked], texts: Sequence[Piece]) -> list[Piece]:
    """Return texts with what is to be masked in them replaced; the request itself isn't changed."""
    changed = Redaction().redacted(masked, texts) if masked else {}
    return [Piece(changed.get(one.where, one.text), one.where, one.place) for one in texts]
