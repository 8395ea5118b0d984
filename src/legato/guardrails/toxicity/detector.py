"""The detector named `toxicity`."""

import math
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Final

import msgspec

from legato.core.guarding import Finding, Place
from legato.guardrails.injection.sentences import sentences
from legato.guardrails.normalize import normalized
from legato.guardrails.toxicity.features import TELLING, Words, features

TOXICITY: Final = "TOXICITY"


class Weights(msgspec.Struct, frozen=True):
    """What a feature adds to a sentence's margin, and how margins become scores."""

    of: Mapping[str, float]
    bias: float
    at: float
    """The margin that scores 0.5."""


class ToxicityDetector:
    """Scores sentences by whether they attack somebody.

    It knows words and their order, no meaning: what it doesn't find is not thereby harmless, and
    what it finds is a reason to look.
    """

    name = "toxicity"
    labels = frozenset({TOXICITY})

    def __init__(self, words: Words, weights: Weights, threshold: float) -> None:
        self._words = words
        self._weights = weights
        self.threshold = threshold
        """The score from which a sentence is told."""

    def find(self, text: str, place: Place) -> Sequence[Finding]:  # noqa: ARG002 - one for all
        """Return the sentences that reach the threshold."""
        found = (
            Finding(TOXICITY, start, end, self.score(text[start:end]), self.name)
            for start, end in sentences(text)
        )
        return [one for one in found if one.score >= self.threshold]

    def strongest(self, text: str) -> float:
        """Return the score of the strongest sentence, whatever it is."""
        return max((self.score(text[start:end]) for start, end in sentences(text)), default=0.0)

    def score(self, sentence: str) -> float:
        """Return how much a sentence reads like an attack, 0 to 1."""
        seen = features(normalized(sentence).text, self._words)
        if TELLING.isdisjoint(seen):
            return 0.0
        margin = sum(map(self._weights.of.get, seen, repeat(0.0)))
        return 0.5 + math.tanh((margin + self._weights.bias - self._weights.at) / 2) / 2
