"""A request's text as the predictor sees it: a vector, measures of the text, its words.

An embedding tells the subject well and little else: whether a text holds a chain of sums, code or
four choices is told by the measures, and rare words by the words themselves.
"""

import re
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
_CODE_HOLDS: Final = (
    "```", "{", "}", ";", "def ", "class ", "return", "import ", "=>", "::", "#include",
)  # fmt: skip
"""Every match of `_CODE` holds one of these, and few questions do."""
_COMPARING: Final = frozenset(
    (
        "more", "less", "fewer", "twice", "half", "times", "each", "every", "per", "percent",
        "remaining", "left", "total", "than", "increase", "decrease", "double", "triple", "third",
        "quarter", "average",
    )
)  # fmt: skip
_PROVING: Final = frozenset(
    (
        "prove", "derive", "explain", "why", "compare", "analyse", "analyze", "evaluate",
        "integral", "probability", "polynomial", "matrix", "triangle", "function", "let",
    )
)  # fmt: skip
_PHRASES: Final = ("show that", "find all", "such that")
_PROVING_PHRASE: Final = re.compile(r"\b(?:show that|find all|such that)\b")
_DENYING: Final = frozenset(("not", "never", "except", "without", "none", "neither"))
_CAPITALS: Final = bytes(range(ord("A"), ord("Z") + 1))

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
    lowered = text.lower()
    words = _WORD.findall(lowered)
    return Question(vector, _features(text, lowered, words), _terms(words))


def _features(text: str, lowered: str, words: list[str]) -> Vector:
    length = len(text) or 1
    numbers = _NUMBER.findall(text)
    choice = _CHOICE.search(text)
    code = len(_CODE.findall(text)) if any(one in text for one in _CODE_HOLDS) else 0
    proving = sum(map(_PROVING.__contains__, words))
    if any(one in lowered for one in _PHRASES):
        proving += len(_PROVING_PHRASE.findall(lowered))
    ascii_only = text.isascii()
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
        log1p(len(_CHOICE.findall(text))) if choice else 0.0,
        log1p(len(text) - choice.start()) if choice else 0.0,
        log1p(code),
        log1p(text.count("?")),
        log1p(sum(map(_COMPARING.__contains__, words))),
        log1p(proving),
        log1p(sum(map(_DENYING.__contains__, words))),
        log1p(text.count("_")),
        log1p(text.count('"')),
        _capitals(text, ascii_only=ascii_only) / length,
        0.0 if ascii_only else sum(letter > "\x7f" for letter in text) / length,
        sum(map(len, words)) / (1 + len(words)),
        len(set(words)) / (1 + len(words)),
    )
    return np.array(found, np.float32)


def _capitals(text: str, *, ascii_only: bool) -> int:
    if ascii_only:
        return len(text) - len(text.encode().translate(None, _CAPITALS))
    return sum(map(str.isupper, text))


def _terms(words: list[str]) -> NDArray[np.int32]:
    """Hash words and pairs of neighbours; crc32, since Python's own hash differs by process."""
    kept = [word.encode() for word in words[:_TERMS_MAX]]
    codes = [crc32(word) for word in kept]
    pairs = [crc32(b" " + word, code) for code, word in zip(codes, kept[1:], strict=False)]
    return np.array(sorted({code & (TERMS - 1) for code in codes + pairs}), np.int32)
