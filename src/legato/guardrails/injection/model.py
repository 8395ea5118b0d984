"""How much of a text reads like an attack: a linear score of its strongest run of sentences."""

import math
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Final, NamedTuple

import msgspec

from legato.guardrails.injection.features import features
from legato.guardrails.injection.sentences import sentences

RUNS: Final = (1, 2, 4, 8)
"""Sentences in a row that are looked at together."""
EVEN: Final = 8
"""Features that say nothing, added to every run: a word alone says little."""

TELLING: Final = frozenset(
    {
        "=override=before=before",
        "=override=before=instruction",
        "=override=you=instruction",
        "=reveal=you=instruction",
        "=reveal=you=promptword",
        "=you=promptword=instruction",
    }
)
"""What three words in a row do (see `concepts`) that stood in none of the harmless texts looked at:
1,919 prompts and up to 700 stretches of documents, the ones that the thresholds were chosen on."""


class Weights(msgspec.Struct, frozen=True):
    """What a feature adds to a margin, and how margins become scores."""

    of: Mapping[str, float]
    bias: float
    length_cost: float
    """Taken off a margin for each e-fold of sentences: the highest of many is high by chance."""
    at: float
    """The margin, so lowered, that scores 0.5."""
    slope: float
    """How steeply the score rises there."""


class Strongest(NamedTuple):
    """The run of sentences that reads most like an attack."""

    score: float
    """0 to 1; 0.5 is where the measured false alarms are."""
    start: int
    """In characters of the text."""
    end: int


def strongest(text: str, weights: Weights) -> Strongest:
    """Return the strongest run of a text, or a score of 0 where it has no word.

    The margin of a run is bias + sum(weights) / sqrt(EVEN + number of features): long runs aren't
    favoured. The highest margin of a text is lowered by its number of sentences; not so that of a
    sentence with something telling, which harmless texts of any length hardly have.
    """
    spans = list(sentences(text))
    if not spans:
        return Strongest(0.0, 0, 0)
    sums, counts, telling = [0.0], [0], []
    for index, (start, end) in enumerate(spans):
        seen = features(text[start:end])
        sums.append(sums[-1] + sum(map(weights.of.get, seen, repeat(0.0))))
        counts.append(counts[-1] + len(seen))
        if not TELLING.isdisjoint(seen):
            telling.append(index)
    margin, first, last = _highest(sums, counts)
    margin -= weights.length_cost * math.log(len(spans))
    for index in telling:
        alone = _margin(sums, counts, index, index + 1)
        if alone > margin:
            margin, first, last = alone, index, index + 1
    return Strongest(
        0.5 + math.tanh(weights.slope * (margin + weights.bias - weights.at) / 2) / 2,
        spans[first][0],
        spans[last - 1][1],
    )


def _highest(sums: Sequence[float], counts: Sequence[int]) -> tuple[float, int, int]:
    """Return the highest mean of a run, its first sentence, and the one behind its last.

    Inputs are running sums, from 0.
    """
    number = len(sums) - 1
    best = (-math.inf, 0, number)
    for length in RUNS:
        for first in range(max(1, number - length + 1)):
            last = min(first + length, number)
            margin = _margin(sums, counts, first, last)
            if margin > best[0]:
                best = (margin, first, last)
        if length >= number:
            break
    return best


def _margin(sums: Sequence[float], counts: Sequence[int], first: int, last: int) -> float:
    return (sums[last] - sums[first]) / math.sqrt(EVEN + counts[last] - counts[first])
