"""A request's text as the predictor sees it: a vector, measures of the text, its words.

An embedding tells the subject well and little else: whether a text holds a chain of sums, code or
four choices is told by the measures, and rare words by the words themselves.
"""

import re
from itertools import pairwise
from math import log1p
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

CHARS_MAX: Final = 8_000
"""So much of a text is measured; where it is longer, its head and its tail."""
TERM_BITS: Final = 14
TERMS: Final = 1 << TERM_BITS
_TERMS_MAX: Final = 600

_WORD: Final = re.compile(r"\w+")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_MATHS: Final = re.compile(r"[=+*/^<>|]")
_CHOICE: Final = re.compile(r"(?:^|\n)\s*\(?[A-E1-5][.):]\s")
_CODE: Final = re.compile(r"```|[{};]\s*\n|\bdef |\bclass |\breturn\b|\bimport |=>|::|#include")
_COMPARING: Final = re.compile(
    r"\b(?:more|less|fewer|twice|half|times|each|every|per|percent|remaining|left|total|than"
    r"|increase|decrease|double|triple|third|quarter|average)\b",
    re.IGNORECASE,
)
_PROVING: Final = re.compile(
    r"\b(?:prove|show that|derive|explain|why|compare|analy[sz]e|evaluate|find all|integral"
    r"|probability|polynomial|matrix|triangle|function|such that|let)\b",
    re.IGNORECASE,
)
_DENYING: Final = re.compile(r"\b(?:not|never|except|without|none|neither)\b", re.IGNORECASE)

FEATURES: Final = (
    "characters",
    "words",
    "sentences",
    "lines",
    "numbers",
    "numbers_per_word",
    "large_numbers",
    "maths_symbols",
    "backslashes",
    "dollars",
    "percents",
    "choices",
    "choice_characters",
    "code",
    "question_marks",
    "comparing_words",
    "proving_words",
    "denying_words",
    "blanks",
    "quotes",
    "capitals",
    "foreign_letters",
    "word_length",
    "distinct_words",
)
"""What is measured of a text, in this order; counts are ln(1 + n), the rest are shares."""


class Question(NamedTuple):
    """One request's text, read once for all deployments.

    `vector` is its unit embedding, `features` the measures named in `FEATURES`, `terms` the places
    of its hashed words and word pairs in a table of `TERMS` rows, ascending, each once.
    """

    vector: Vector
    features: Vector
    terms: NDArray[np.int32]


def question_of(text: str, vector: Vector) -> Question:
    """Read a text whose embedding is known."""
    if len(text) > CHARS_MAX:
        text = f"{text[: CHARS_MAX // 2]}\n{text[-CHARS_MAX // 2 :]}"
    words = _WORD.findall(text.lower())
    return Question(vector, _features(text, words), _terms(words))


def _features(text: str, words: list[str]) -> Vector:
    length = len(text) or 1
    numbers = _NUMBER.findall(text)
    choice = _CHOICE.search(text)
    found = (
        log1p(len(text)),
        log1p(len(words)),
        log1p(text.count(". ") + text.count("? ")),
        log1p(text.count("\n")),
        log1p(len(numbers)),
        len(numbers) / (1 + len(words)),
        log1p(sum(len(one) > 2 for one in numbers)),  # noqa: PLR2004 - of three digits and more
        log1p(len(_MATHS.findall(text))),
        log1p(text.count("\\")),
        log1p(text.count("$")),
        log1p(text.count("%")),
        log1p(len(_CHOICE.findall(text))),
        log1p(len(text) - choice.start()) if choice else 0.0,
        log1p(len(_CODE.findall(text))),
        log1p(text.count("?")),
        log1p(len(_COMPARING.findall(text))),
        log1p(len(_PROVING.findall(text))),
        log1p(len(_DENYING.findall(text))),
        log1p(text.count("_")),
        log1p(text.count('"')),
        sum(map(str.isupper, text)) / length,
        0.0 if text.isascii() else sum(letter > "\x7f" for letter in text) / length,
        sum(map(len, words)) / (1 + len(words)),
        len(set(words)) / (1 + len(words)),
    )
    return np.array(found, np.float32)


def _terms(words: list[str]) -> NDArray[np.int32]:
    """Hash words and pairs of neighbours; crc32, since Python's own hash differs by process."""
    kept = words[:_TERMS_MAX]
    found = {crc32(word.encode()) & (TERMS - 1) for word in kept}
    found.update(crc32(f"{one} {two}".encode()) & (TERMS - 1) for one, two in pairwise(kept))
    terms = np.fromiter(found, np.int32, len(found))
    terms.sort()
    return terms
