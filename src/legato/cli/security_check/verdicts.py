"""What is said of a case: a verdict, and what it stands on in figures, never in texts."""

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    """There is nothing here that it could go wrong with; the reason is said."""
    NOT_PROVEN = "not proven here"
    """It could not be tried, or another place must prove it; the reason is said."""


class Result(msgspec.Struct, frozen=True):
    """The verdict on one case."""

    case: int
    title: str
    verdict: Verdict
    evidence: str


def passed(evidence: str) -> tuple[Verdict, str]:
    """Say that what is expected was seen."""
    return Verdict.PASSED, evidence


def failed(evidence: str) -> tuple[Verdict, str]:
    """Say that something else was seen."""
    return Verdict.FAILED, evidence


def not_applicable(reason: str) -> tuple[Verdict, str]:
    """Say why there is nothing to try."""
    return Verdict.NOT_APPLICABLE, reason


def not_proven(reason: str) -> tuple[Verdict, str]:
    """Say why it was not tried."""
    return Verdict.NOT_PROVEN, reason


def counted(wrong: list[str], tried: int, what: str) -> tuple[Verdict, str]:
    """Judge by what went wrong of so many tries; none tried proves nothing."""
    if wrong:
        shown = "; ".join(wrong[:5]) + (" ..." if len(wrong) > 5 else "")  # noqa: PLR2004 - a line
        return failed(f"{len(wrong)} of {tried} went wrong ({what}): {shown}")
    return passed(f"{tried} {what}") if tried else not_proven(f"no {what} could be tried")
