"""What is expected of a model before any of its answers was judged here."""

import re
from typing import Final, NamedTuple

from legato.routing.quality.known_scores import KNOWN_SCORES

_RELEASE: Final = re.compile(
    r"[-@](?:20\d{6}|20\d\d-\d\d-\d\d|\d\d-20\d\d|\d{3,4}|latest|v\d+(?::\d+)?)$"
)
_KNOWN_WEIGHT: Final = 6.0
_FAMILY_WEIGHT: Final = 3.0
_NOTHING_WEIGHT: Final = 2.0
_FAMILIES: Final = (
    (
        re.compile(r"(?:^|[-_.])(?:o\d|r1|reasoner|reasoning|thinking|magistral|qwq)(?:$|[-_.])"),
        0.88,
    ),
    (re.compile(r"nano|tiny|(?:^|[-_])[0-3](?:\.\d+)?b(?:$|[-_])|smol"), 0.60),
    (re.compile(r"(?:^|[-_])(?:[4-9]|1[0-4])(?:\.\d+)?b(?:$|[-_])|instant|lite|3\.5-turbo"), 0.70),
    (re.compile(r"mini|haiku|flash|small|nemo|fast"), 0.79),
    (re.compile(r"opus|sonnet|pro|large|gpt-[45]|405b|max|ultra|grok|deepseek"), 0.87),
    (re.compile(r"\d{2,3}b(?:$|[-_])|medium|command"), 0.82),
)
_NOTHING_KNOWN: Final = 0.7


class Prior(NamedTuple):
    """A probability that an answer is good, and how many judged answers it is worth."""

    mean: float
    weight: float


def prior_of(model: str) -> Prior:
    """Return what is expected of a model by its published score, else its family, else of any."""
    name = model.lower().rpartition("/")[2]
    while name not in KNOWN_SCORES and (shorter := _RELEASE.sub("", name)) != name:
        name = shorter
    known = KNOWN_SCORES.get(name)
    if known is not None:
        return Prior(known, _KNOWN_WEIGHT)
    for family, mean in _FAMILIES:
        if family.search(name):
            return Prior(mean, _FAMILY_WEIGHT)
    return Prior(_NOTHING_KNOWN, _NOTHING_WEIGHT)
