"""Whether a grid passes: decided on intervals, not on points.

A demand is proven where the whole interval is on its good side, broken where the whole interval is
on the other, else undecided: the cases are too few to tell.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from xml.etree import ElementTree as ET  # written only, never read

import msgspec

from legato.core.errors import InvalidRequest
from legato.evaluation.grid import Cell, Difference, Grid, Rating
from legato.evaluation.intervals import CONFIDENCE

_SURE: Final = f"{CONFIDENCE * 100:.0f} %"


class Outcome(StrEnum):
    """What is known of a demand."""

    PROVEN = "proven"
    BROKEN = "broken"
    UNDECIDED = "undecided"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One demand on one subject, and what came of it."""

    subject: str
    demand: str
    outcome: Outcome
    told: str


class Demands(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    fail_under: Mapping[str, float]
    """The least mean score by scorer."""
    regress_max: float
    """How much below its baseline's a subject's mean score may lie, for every scorer."""


def read_bounds(texts: tuple[str, ...], scorers: tuple[str, ...]) -> dict[str, float]:
    """Read `SCORER=BOUND`, or `BOUND` for every scorer. Raises InvalidRequest."""
    bounds: dict[str, float] = {}
    for text in texts:
        name, _, bound = text.rpartition("=")
        if name and name not in scorers:
            known = ", ".join(scorers)
            raise InvalidRequest(f"fail-under: there is no scorer {name!r}; known: {known}")
        try:
            value = float(bound)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise InvalidRequest(f"fail-under: {text!r}: write SCORER=BOUND, 0 to 1")
        bounds.update(dict.fromkeys([name] if name else scorers, value))
    return bounds


def judge(grid: Grid, demands: Demands) -> list[Verdict]:
    """Say what came of each demand. What others are compared with is itself not judged."""
    baselines = {one.baseline for one in grid.differences}
    candidates = {one.subject for one in grid.differences}
    verdicts = [
        _bounded(cell, rating, demands.fail_under[rating.scorer])
        for cell in grid.cells
        if cell.subject in candidates or cell.subject not in baselines
        for rating in cell.ratings
        if rating.scorer in demands.fail_under
    ]
    return verdicts + [_compared(one, demands.regress_max) for one in grid.differences]


def passed(verdicts: list[Verdict], *, undecided_passes: bool) -> bool:
    """Whether every demand is met as far as it must be."""
    bad = {Outcome.BROKEN} if undecided_passes else {Outcome.BROKEN, Outcome.UNDECIDED}
    return not any(one.outcome in bad for one in verdicts)


def as_junit(suite: str, verdicts: list[Verdict], *, undecided_passes: bool) -> bytes:
    """Return verdicts in the form that build servers read."""
    bad = [one for one in verdicts if not passed([one], undecided_passes=undecided_passes)]
    root = ET.Element(
        "testsuite", name=suite, tests=str(len(verdicts)), failures=str(len(bad)), errors="0"
    )
    for one in verdicts:
        case = ET.SubElement(root, "testcase", classname=one.subject, name=one.demand)
        if one in bad:
            failure = ET.SubElement(case, "failure", type=one.outcome, message=one.told)
            failure.text = one.told
        else:
            ET.SubElement(case, "system-out").text = f"{one.outcome}: {one.told}"
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _bounded(cell: Cell, rating: Rating, bound: float) -> Verdict:
    demand = f"{rating.scorer} >= {bound:g}"
    if rating.mean is None or rating.low is None or rating.high is None:
        told, outcome = "no case has a score", Outcome.UNDECIDED
    else:
        outcome = _outcome(rating.low, rating.high, bound)
        told = (
            f"mean {rating.mean:.3f}, {_SURE} interval {rating.low:.3f} to {rating.high:.3f}, "
            f"{rating.cases} cases"
        )
    return Verdict(subject=cell.subject, demand=demand, outcome=outcome, told=told)


def _compared(one: Difference, regress_max: float) -> Verdict:
    return Verdict(
        subject=one.subject,
        demand=f"{one.scorer} at most {regress_max:g} below {one.baseline}",
        outcome=_outcome(one.low, one.high, -regress_max),
        told=(
            f"difference {one.difference:+.3f}, {_SURE} interval {one.low:+.3f} to "
            f"{one.high:+.3f}, {one.cases} cases"
        ),
    )


def _outcome(low: float, high: float, bound: float) -> Outcome:
    if low >= bound:
        return Outcome.PROVEN
    return Outcome.BROKEN if high < bound else Outcome.UNDECIDED
