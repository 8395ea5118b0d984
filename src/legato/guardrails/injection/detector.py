"""The detector named `injection`."""

from collections.abc import Mapping, Sequence
from typing import Final

from legato.core.guarding import Finding, Place
from legato.guardrails.injection.model import Weights, strongest

INJECTION: Final = "INJECTION"
_UNTRUSTED: Final = frozenset({Place.TOOL_RESULT, Place.DOCUMENT})


class InjectionDetector:
    """Scores texts by what they try to do to a model; another table where nobody may instruct it.

    What it finds is a reason to look, to route or to ask. Nothing is allowed because it found
    nothing.
    """

    name = "injection"
    labels = frozenset({INJECTION})

    def __init__(
        self, asked: Weights, untrusted: Weights, thresholds: Mapping[Place, float]
    ) -> None:
        """Take the table for what callers send, the one for what tools and documents say."""
        self._asked = asked
        self._untrusted = untrusted
        self._thresholds = thresholds

    def find(self, text: str, place: Place) -> Sequence[Finding]:
        """Return the strongest run of sentences, where it reaches the threshold of the place."""
        found = self.strongest(text, place)
        if not found.score or found.score < self.threshold(place):
            return ()
        return (found,)

    def strongest(self, text: str, place: Place) -> Finding:
        """Return the strongest run of sentences, whatever its score."""
        weights = self._untrusted if place in _UNTRUSTED else self._asked
        score, start, end = strongest(text, weights)
        return Finding(label=INJECTION, start=start, end=end, score=score, detector=self.name)

    def threshold(self, place: Place) -> float:
        """Return the score from which a text of a place is flagged."""
        return self._thresholds.get(place, self._thresholds[Place.INPUT])
