"""What of two questions must agree before an answer to one may serve the other.

A slot is a fact that a vector hardly sees and that changes the answer: a number with its unit, a
date, a name, a negation, words quoted, code, a degree, a direction. Slots of the two texts are
compared as they were read; where they disagree no similarity helps.
"""

import re
import unicodedata
from typing import Final

import msgspec

from legato.matching.vocabulary import (
    DEGREES,
    FUNCTION_WORDS,
    MONTHS,
    NEGATIONS,
    NUMBER_WORDS,
    OPPOSITES,
    ORDINALS,
    SCALES,
    TIMES,
    UNITS,
    WEEKDAYS,
)
from legato.matching.words import stem

_NUMBER: Final = re.compile(
    r"(?<![\w.])([$€£₹]?)\s?(\d[\d,]*(?:\.\d+)?)(?:st|nd|rd|th)?\s?(%|°[cf]?|[^\W\d_]+)?"
)
_QUOTED: Final = re.compile(r"""“([^”]{2,})”|"([^"]{2,})"|`([^`]+)`|(?<!\w)'([^']{2,})'(?!\w)""")
_CODE: Final = re.compile(
    r"\w+\(\)|\b\w+_\w+|\b(?!i[A-Z][a-z]+\b)[a-z]+[A-Z]\w*|\b[a-z_]\w*(?:\.[a-z_]\w+)+\b"
    r"|\b\w+(?:\+\+|#)|(?:[\w.~-]*[/\\]){2,}[\w.-]*|[=<>!]=|->|=>"
)
_MAY_HOLD_CODE: Final = re.compile(r"[_(#/\\=<>]|\w\.\w|\+\+|[a-z][A-Z]")
"""What every match of `_CODE` holds: seldom in a question, and found in a fifth of the time."""
_TYPE: Final = re.compile(r"[^\W\d_]+-?\d")
"""A type or version as letters and a number: "b12", "gpt-4", "covid19"."""
_DIRECTED: Final = re.compile(
    r"(?=\b(\w+) (?:to|into|than|over|before|after|beats?|from|minus|per|without)"
    r" (?:an? |the )?(\w+))"
)
"""Ahead, not consumed: "from one to another" has two."""

_BETWEEN: Final = frozenset(
    (
        "to", "into", "than", "over", "before", "after", "beat", "beats", "from", "minus", "per",
        "without",
    )
)  # fmt: skip
"""Every match of `_DIRECTED` has one of these as a word."""
_QUOTES: Final = ("“", '"', "`", "'")
_VERBS: Final = frozenset(("may", "march"))
"""Months only where they are written with a capital."""


class Slots(msgspec.Struct, frozen=True, gc=False):
    """What was found of each kind; empty where there is nothing."""

    numbers: frozenset[tuple[str, str]]
    """Value and unit; the unit "" where none is given."""
    dates: frozenset[str]
    names: frozenset[str]
    negated: bool
    quoted: frozenset[str]
    code: frozenset[str]
    degrees: frozenset[str]
    directed: frozenset[tuple[str, str]]
    polar: frozenset[str]
    """Words that have an opposite."""
    mentioned: frozenset[str]
    """Stems of every word, where a name of the other question is looked for."""


def slots_of(text: str, originals: tuple[str, ...], words: tuple[str, ...]) -> Slots:
    """Read the slots of a text, given its words as written and in lower case."""
    plain = text.isascii()
    lowered = text.lower() if plain else unicodedata.normalize("NFKC", text).lower()
    quotes = any(one in text for one in _QUOTES)
    between = not (plain and _BETWEEN.isdisjoint(words))
    return Slots(
        numbers=_numbers(lowered, words),
        dates=frozenset(_dates(originals, words)),
        names=_names(originals),
        negated=not NEGATIONS.isdisjoint(words)
        or ("n't" in lowered and any(word.endswith("n't") for word in words)),
        quoted=frozenset(
            next(filter(None, found)).strip().lower().rstrip("?.!,")
            for found in (_QUOTED.findall(text) if quotes else ())
        ),
        code=_code(text.replace("://", ":"), words),
        degrees=frozenset(DEGREES[word] for word in words if word in DEGREES),
        directed=frozenset(
            (stem(one), stem(other))
            for one, other in (_DIRECTED.findall(lowered) if between else ())
            if one not in FUNCTION_WORDS and other not in FUNCTION_WORDS
        ),
        polar=frozenset(word for word in words if word in OPPOSITES),
        mentioned=frozenset(map(stem, words)),
    )


def _code(text: str, words: tuple[str, ...]) -> frozenset[str]:
    found = {word for word in words if not word.isalpha() and _TYPE.match(word)}
    if _MAY_HOLD_CODE.search(text):
        found.update(match.lower() for match in _CODE.findall(text))
    return frozenset(found)


def slot_disagreement(one: Slots, other: Slots) -> str:
    """Name the first slot in which two questions disagree; "" where all agree."""
    if not _numbers_agree(one.numbers, other.numbers):
        return "numbers"
    if one.dates != other.dates:
        return "dates"
    if one.negated != other.negated:
        return "negation"
    if not (one.names <= other.mentioned and other.names <= one.mentioned):
        return "names"
    if one.code != other.code:
        return "code"
    if not (_said(one.quoted, other) and _said(other.quoted, one)):
        return "quoted text"
    if _degrees_clash(one.degrees, other.degrees):
        return "degree"
    if any((b, a) in other.directed for a, b in one.directed):
        return "direction"
    if _opposed(one.polar, other.polar):
        return "opposites"
    return ""


def _numbers_agree(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> bool:
    """Values are the same, and of each the units, where both texts give one."""
    mine, yours = _units_by_value(one), _units_by_value(other)
    return mine.keys() == yours.keys() and all(
        not units or not yours[value] or units == yours[value] for value, units in mine.items()
    )


def _units_by_value(numbers: frozenset[tuple[str, str]]) -> dict[str, set[str]]:
    units: dict[str, set[str]] = {}
    for value, unit in numbers:
        units.setdefault(value, set()).update({unit} if unit else ())
    return units


def _numbers(lowered: str, words: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for currency, digits, after in _NUMBER.findall(lowered):
        value = float(digits.replace(",", "")) * SCALES.get(after, 1)
        unit = UNITS.get(currency or after, "")  # "5 k" has a scale, no unit
        found.add((f"{value:.12g}", unit))
    for place, word in enumerate(words):
        if word in NUMBER_WORDS:
            following = words[place + 1] if place + 1 < len(words) else ""
            # "one" is more often a person than a number.
            if word != "one" or following in UNITS or following in SCALES:
                value = float(NUMBER_WORDS[word]) * SCALES.get(following, 1)
                found.add((f"{value:.12g}", UNITS.get(following, "")))
        elif (
            word in SCALES
            and word not in {"k", "mn", "bn"}
            and (
                place == 0
                or not (words[place - 1] in NUMBER_WORDS or words[place - 1][-1:].isdigit())
            )
        ):
            found.add((f"{SCALES[word]:.12g}", ""))
    return frozenset(found)


def _dates(originals: tuple[str, ...], words: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    for place, word in enumerate(words):
        if word in WEEKDAYS:
            found.add(f"weekday {WEEKDAYS[word]}")
        elif word in MONTHS and (
            word not in {"may", "march"} or (originals[place][0].isupper() and place)
        ):
            found.add(f"month {MONTHS[word]}")
        elif word in TIMES:
            found.add(TIMES[word])
        elif word in ORDINALS and word not in {"first", "second"}:
            found.add(f"ordinal {ORDINALS[word]}")
    return found


def _names(originals: tuple[str, ...]) -> frozenset[str]:
    """Words written with a capital, unless most are: then capitals say nothing."""
    later = [word for word in originals[1:] if word[0].isalpha()]
    capital = [word for word in later if word[0].isupper()]
    if len(capital) > max(2, len(later) * 0.6):
        return frozenset()
    return frozenset(
        stem(word.lower())
        for word in capital
        if word.lower() not in FUNCTION_WORDS and word.lower() not in UNITS and len(word) > 1
    )


def _said(quoted: frozenset[str], other: Slots) -> bool:
    return all(stem(word) in other.mentioned for text in quoted for word in text.split())


def _degrees_clash(one: frozenset[str], other: frozenset[str]) -> bool:
    for pair in (("most", "least"), ("more", "less")):
        mine, yours = one & set(pair), other & set(pair)
        if mine and yours and mine != yours:
            return True
    return False


def _opposed(one: frozenset[str], other: frozenset[str]) -> bool:
    for word in one - other:
        opposites = OPPOSITES[word]
        if opposites & other - one:
            return True
    return False
