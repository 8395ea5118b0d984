"""A text read once: its words, the words that carry meaning, what kind of question it is."""

import re
from itertools import combinations
from typing import Final

import msgspec

from legato.matching.slots import Slots, slot_disagreement, slots_of
from legato.matching.vocabulary import FUNCTION_WORDS
from legato.matching.words import stem

_WORD: Final = re.compile(r"[^\W_]+(?:['.+#-]?[^\W_]+)*[+#]*", re.UNICODE)
_CHARACTERS_MAX: Final = 4000
"""More of a text than this is not compared, so no request waits for a long document."""
_KINDS: Final = re.compile(
    r"\b(?:"
    r"(?P<quantity>how (?:many|much|long|old|far|tall|big|often|fast|large|high|deep))"
    r"|(?P<reason>why|how come|what (?:is|are|was|were) the (?:reasons?|causes?))"
    r"|(?P<person>who|whom|whose)"
    r"|(?P<time>when|what (?:time|year|date|day))"
    r"|(?P<place>where|what (?:place|city|country))"
    r"|(?P<manner>how)"
    r"|(?P<which>what|which))\b"
)
"""The first of them in a text says what is asked."""
_APART: Final = frozenset(
    map(frozenset, combinations(("quantity", "reason", "person", "time", "place"), 2))
) | {frozenset(("reason", "manner")), frozenset(("quantity", "manner"))}
"""Kinds whose answers differ; the others are asked for in each other's words too often."""


class Question(msgspec.Struct, frozen=True, gc=False):
    """What is compared of a text.

    `words` are lower case, in order; `content` the stems of those that carry meaning, in order,
    each once; `kind` the question word's class, "" where there is none.
    """

    text: str
    words: tuple[str, ...]
    content: tuple[str, ...]
    kind: str
    slots: Slots


def prepare(text: str) -> Question:
    """Read a text. Takes some 30 µs for a sentence; nothing in it can make it fail."""
    read = text[:_CHARACTERS_MAX].replace("\u2019", "'")
    originals = tuple(_WORD.findall(read))
    words = tuple(word.lower() for word in originals)
    content = dict.fromkeys(stem(word) for word in words if word not in FUNCTION_WORDS)
    lowered = " ".join(words)
    asked = _KINDS.search(lowered)
    kind = (asked.lastgroup or "") if asked else ""
    return Question(text, words, tuple(content), kind, slots_of(read, originals, words))


def disagreement(one: Question, other: Question) -> str:
    """Name the first thing in which two questions must agree and don't; "" where all agree."""
    if frozenset((one.kind, other.kind)) in _APART:
        return "question"
    return slot_disagreement(one.slots, other.slots)
