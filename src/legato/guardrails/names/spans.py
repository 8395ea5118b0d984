"""Turns tags into findings: whole names and whole postal addresses."""

from collections.abc import Sequence
from math import exp

from msgspec.structs import replace

from legato.core.guarding import Finding
from legato.guardrails.names.tagger import Tagged
from legato.guardrails.names.tokens import Token

_WITHIN_NUMBERS = frozenset("-.:/")
_JOINS = frozenset({",", "\n"})


def findings_of(
    tokens: Sequence[Token], tagged: Tagged, tags: Sequence[str], *, step: float, detector: str
) -> list[Finding]:
    """Return the names that tags mark, in order, without signs at either end.

    Parts of an address with nothing between them but commas and white space are one place.
    """
    found: list[Finding] = []
    at, behind, count = 0, -1, len(tokens)
    while at < count:
        label = tags[tagged.tags[at]]
        if label == "O":
            at += 1
            continue
        end = at + 1
        while end < count and tags[tagged.tags[end]] == f"I-{label[2:]}":
            end += 1
        first, last = at, end - 1
        while last >= first and not tokens[last].text[0].isalnum():
            last -= 1
        while first < last and not tokens[first].text[0].isalnum():
            first += 1
        if last >= first and not (label == "B-LOCATION" and _only_numbers(tokens, first, last)):
            score = _likely(max(tagged.margins[first : last + 1]), step)
            one = Finding(label[2:], tokens[first].start, tokens[last].end, score, detector)
            if found and one.label == found[-1].label == "LOCATION" and behind == first:
                found[-1] = replace(one, start=found[-1].start, score=max(score, found[-1].score))
            else:
                found.append(one)
            behind = last + 1
            while behind < count and tokens[behind].text in _JOINS:
                behind += 1
        at = end
    return found


def _only_numbers(tokens: Sequence[Token], first: int, last: int) -> bool:
    """Whether a place is but several numbers, or begins within one, as in `10.1000/182`."""
    if first < last and not any(token.text[0].isalpha() for token in tokens[first : last + 1]):
        return True
    sign, number = tokens[first - 1], tokens[first - 2]
    return (
        first > 1
        and tokens[first].glued
        and sign.glued
        and sign.text in _WITHIN_NUMBERS
        and number.text[-1].isdigit()
    )


def settled_with(
    text: str, structured: Sequence[Finding], names: Sequence[Finding]
) -> list[Finding]:
    """Return both kinds of findings in order; of a name, what a structured finding leaves of it.

    Each kind is in order and doesn't overlap itself. A name is dropped where less than half of
    it is left, as most of it was something else.
    """
    found = list(structured)
    at = 0
    for name in names:
        while at < len(structured) and structured[at].end <= name.start:
            at += 1
        start, end, nth = name.start, name.end, at
        while nth < len(structured) and structured[nth].start < end:
            other = structured[nth]
            if other.start - start >= end - other.end:
                end = min(end, other.start)
            else:
                start = max(start, other.end)
            nth += 1
        if (start, end) != (name.start, name.end):
            while start < end and not text[start].isalnum():
                start += 1
            while start < end and not text[end - 1].isalnum():
                end -= 1
        if end > start and 2 * (end - start) >= name.end - name.start:
            found.append(replace(name, start=start, end=end))
    return sorted(found, key=lambda one: one.start)


def _likely(margin: int, step: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, margin / step))))
