"""Findings of several detectors in one text, as stretches that don't overlap."""

from collections.abc import Iterable
from typing import NamedTuple

from legato.core.guarding import Finding


class Span(NamedTuple):
    """A stretch of a text, in code points, and what it is."""

    start: int
    end: int
    label: str


def spans(findings: Iterable[Finding], length: int) -> list[Span]:
    """Return what is found in a text of so many characters, in its order.

    What overlaps becomes one, named by its longest part; of equal ones the surest names it.
    """
    found = sorted((max(0, one.start), min(one.end, length), one) for one in findings)
    merged: list[tuple[int, int, Finding]] = []
    for start, end, one in found:
        if start >= end:
            continue
        if not merged or start >= merged[-1][1]:
            merged.append((start, end, one))
            continue
        first, last, named = merged[-1]
        merged[-1] = (first, max(last, end), max(named, one, key=_weight))
    return [Span(start, end, one.label) for start, end, one in merged]


def _weight(finding: Finding) -> tuple[int, float]:
    return finding.end - finding.start, finding.score
