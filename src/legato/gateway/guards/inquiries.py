"""What rules have to ask elsewhere about a request: an embedder, a judge. They answer as detectors.

What leaves this process is redacted as for a model.
"""

from collections.abc import Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import msgspec

from legato.core.errors import DetectorFailed, LegatoError
from legato.core.guarding import Finding, Piece
from legato.detectors.running import Outcome
from legato.gateway.guards.judging import DETECTOR as JUDGE
from legato.gateway.guards.judging import RuleJudges, doubts_of
from legato.gateway.guards.topics import DETECTOR as TOPICS
from legato.guardrails.policy.deciding import Masked
from legato.guardrails.redaction import Redaction
from legato.guardrails.topics.reading import reading_of

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.guards.policies import Applied
    from legato.gateway.guards.topics import Topics
    from legato.gateway.lookups import Lookups
    from legato.guardrails.policy.compiling import CompiledRule

_NS_PER_US: Final = 1_000
Looked = Sequence[tuple[Piece, tuple[Finding, ...]]]
"""Texts with what detectors found in them."""


class Gathered(msgspec.Struct, eq=False):
    """What was told, what failed, and what it took."""

    evidence: "dict[tuple[CompiledRule, str], list[Finding]]" = {}
    failed: dict[str, str] = {}
    closed: list[str] = []
    """Of what failed: what stops the request."""
    took_us: list[tuple[str, int]] = []

    def beside(self, outcome: Outcome) -> Outcome:
        """Return what detectors found with what was asked elsewhere."""
        return Outcome(
            outcome.findings,
            {**outcome.failed, **self.failed},
            (*outcome.took_us, *self.took_us),
        )

    def took(self, name: str, began_ns: int) -> None:
        """Note what asking took."""
        self.took_us.append((name, (perf_counter_ns() - began_ns) // _NS_PER_US))


class Inquiries:
    """Asks."""

    def __init__(
        self, topics: "Topics", judges: RuleJudges, lookups: "Lookups | None" = None
    ) -> None:
        """`lookups` are what conditions may ask; None where they are none."""
        self._topics = topics
        self._judges = judges
        self.lookups = lookups

    async def __call__(
        self, call: "Call", applied: "Applied", found: Looked, masked: Sequence[Masked]
    ) -> Gathered:
        """Ask about a request. Raises nothing: what fails is told."""
        gathered = Gathered()
        texts = [piece for piece, _ in found]
        shown = as_redacted(masked, texts)
        if applied.topics:
            read = shown if self._topics.remote else texts
            await self._ask_topics(call, applied, read, gathered)
        if applied.judged:
            began_ns = perf_counter_ns()
            await self._ask_judges(call, applied, found, shown, gathered=gathered)
            gathered.took(JUDGE, began_ns)
        return gathered

    async def _ask_topics(
        self, call: "Call", applied: "Applied", texts: Sequence[Piece], gathered: Gathered
    ) -> None:
        began_ns = perf_counter_ns()
        try:
            found = await self._topics.find(call, applied.topics, reading_of(call.body, texts))
            gathered.evidence.update(found)
        except LegatoError as error:
            gathered.failed[TOPICS] = error.code
        gathered.took(TOPICS, began_ns)

    async def _ask_judges(
        self,
        call: "Call",
        applied: "Applied",
        found: Looked,
        shown: Sequence[Piece],
        *,
        gathered: Gathered,
    ) -> None:
        reading = reading_of(call.body, [piece for piece, _ in found])
        spoken = frozenset(one.piece.where for one in reading.stretches)
        for policy, rule in applied.judged:
            judge = rule.setting.judge
            standing, doubts = doubts_of(rule, shown, found, spoken)
            try:
                told = await self._judges.confirmed(call, rule, doubts)
            except DetectorFailed as error:
                gathered.failed[JUDGE] = error.message
                told = {one.piece.where: list(one.findings) for one in doubts}
                refuses = judge is not None and judge.on_failure == "refuse"
                if refuses and rule.protects and policy.is_enforced:
                    gathered.closed.append(JUDGE)
            for where, some in (*standing.items(), *told.items()):
                gathered.evidence.setdefault((rule, where), []).extend(some)


def as_redacted(masked: Sequence[Masked], texts: Sequence[Piece]) -> list[Piece]:
    """Return texts with what is to be masked in them replaced; the request itself isn't changed."""
    changed = Redaction().redacted(masked, texts) if masked else {}
    return [Piece(changed.get(one.where, one.text), one.where, one.place) for one in texts]
